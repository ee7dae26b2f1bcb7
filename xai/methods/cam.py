"""Class activation maps from features and gradients at hand. No files, no runs, no hooks."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def grad_cam(features: Tensor, gradients: Tensor) -> Tensor:
    """Grad-CAM of one target (Selvaraju et al. 2017, eq. 1 and 2, arXiv:1610.02391).

    Behind a global average pool and one linear layer the sum over the grid cells, before the ReLU,
    is the logit less its bias.

    Args:
        features: (N, C, h, w) float32, from the backbone.
        gradients: (N, C, h, w) float32, of the target's logit, not its probability.

    Returns:
        (N, h, w) float32, >= 0, in logits; not scaled per image, so maps can be compared.
    """
    alpha = gradients.mean(dim=(2, 3), keepdim=True)  # (N, C, 1, 1)
    return torch.relu((alpha * features).sum(dim=1))


def grad_cam_plus_plus(features: Tensor, gradients: Tensor) -> Tensor:
    """Grad-CAM++ of one target (Chattopadhyay et al. 2018, eq. 7 and 19, arXiv:1710.11063).

    Only positive gradients count, and a channel that is active in few places counts as much as one
    that is active in many: several cells of a kind are each shown.

    Departs from the paper in two constants that change no map's shape. The weights are means over
    the places, not sums, as in Grad-CAM, so that a finer map is not a stronger one. exp(logit),
    which eq. 7 has before the gradient, is one factor for the whole map and overflows; it is
    left out. And in one bound: eq. 19 assumes features behind a ReLU. Behind a SiLU its
    denominator may reach 0, so it is kept at 1 or above, where a ReLU never leads.

    Args:
        features: (N, C, h, w) float32, from the backbone.
        gradients: (N, C, h, w) float32, of the target's logit, not its probability.

    Returns:
        (N, h, w) float32, >= 0, in logits; not scaled per image, so maps can be compared. They do
        not sum to the logit.
    """
    # Eq. 19, both sides divided by the gradient squared: no small number is needed against 0 / 0.
    alpha = 1 / (2 + features.sum(dim=(2, 3), keepdim=True) * gradients).clamp(min=1)
    weights = (alpha * torch.relu(gradients)).mean(dim=(2, 3), keepdim=True)  # (N, C, 1, 1)
    return torch.relu((weights * features).sum(dim=1))


def hires_cam(features: Tensor, gradients: Tensor) -> Tensor:
    """HiResCAM of one target (Draelos and Carin 2020, eq. 3, arXiv:2011.08891).

    Each grid cell is weighted by its own gradient, so that their sum is the linear part of the
    logit at this image. Negative attribution is kept.

    Args:
        features: (N, C, h, w) float32, from the backbone.
        gradients: (N, C, h, w) float32, of the target's logit, not its probability.

    Returns:
        (N, h, w) float32, signed, in logits.
    """
    return (gradients * features).sum(dim=1)


def xgrad_cam(features: Tensor, gradients: Tensor) -> Tensor:
    """XGrad-CAM of one target (Fu et al. 2020, eq. 8, arXiv:2008.02312).

    A channel's weight is the mean of its gradient where the channel is active, so that the sum
    before the ReLU is the linear part of the logit, as in HiResCAM.

    Departs from the paper where a channel sums to 0 and its weight is 0 / 0: the plain mean of the
    gradient, which leaves a dark channel dark.

    Args:
        features: (N, C, h, w) float32, from the backbone.
        gradients: (N, C, h, w) float32, of the target's logit, not its probability.

    Returns:
        (N, h, w) float32, >= 0, in logits.
    """
    total = features.sum(dim=(2, 3), keepdim=True)
    weighted = (gradients * features).sum(dim=(2, 3), keepdim=True) / total
    weights = torch.where(total == 0, gradients.mean(dim=(2, 3), keepdim=True), weighted)
    return torch.relu((weights * features).sum(dim=1))


def layer_cam(features: Tensor, gradients: Tensor) -> Tensor:
    """LayerCAM of one target (Jiang et al. 2021, eq. 6 to 8, doi:10.1109/TIP.2021.3089943).

    As HiResCAM, from positive gradients alone. Works on the maps of any depth.

    Args:
        features: (N, C, h, w) float32, of any stage of the backbone.
        gradients: (N, C, h, w) float32, of the target's logit, not its probability.

    Returns:
        (N, h, w) float32, >= 0, in logits; they do not sum to the logit.
    """
    return torch.relu((torch.relu(gradients) * features).sum(dim=1))


def fuse_depths(maps: Sequence[Tensor]) -> Tensor:
    """LayerCAM's maps of several depths as one (Jiang et al. 2021, section III-D).

    Args:
        maps: (N, h, w) float32, >= 0, from the finest to the coarsest, each of its own size.

    Returns:
        (N, h, w) of the finest, in [0, 1]: the greatest of tanh(2 map / its maximum).
    """
    size = maps[0].shape[1:]
    scaled = []
    for each in maps:
        top = each.amax(dim=(1, 2), keepdim=True)
        flat = torch.tanh(2 * each / torch.where(top > 0, top, 1))
        scaled.append(F.interpolate(flat[:, None], size, mode="bilinear", align_corners=False))
    fused: Tensor = torch.stack(scaled).amax(dim=0)[:, 0]
    return fused


def eigen_cam(features: Tensor) -> Tensor:
    """Eigen-CAM (Muhammad and Yeasin 2020, eq. 3, arXiv:2008.00299): the class plays no part.

    The features of each field, projected on the direction in which all fields together are
    strongest. A direction has no sign: the one in which the map's sum is positive is taken.

    Args:
        features: (N, C, h, w) float32, from the backbone.

    Returns:
        (N, h, w) float32, signed, in the features' own unit.
    """
    fields = features.flatten(2).transpose(1, 2).double()  # (N, h * w, C)
    # The eigenvectors of 49 x 49 products, not the singular vectors of 49 x 1280 features.
    values, vectors = torch.linalg.eigh(fields @ fields.transpose(1, 2))
    maps = vectors[..., -1] * values[..., -1:].clamp(min=0).sqrt()
    maps = maps * torch.where(maps.sum(dim=1, keepdim=True) < 0, -1, 1)
    found: Tensor = maps.reshape(len(features), *features.shape[2:]).to(features.dtype)
    return found
