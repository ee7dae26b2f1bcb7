"""Class activation maps from features and gradients at hand. No files, no runs, no hooks."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from xai.model import SplitModel, target_logits


@dataclass(frozen=True, slots=True, eq=False)
class FeatureGradients:
    """What every CAM of the gradient family is made from."""

    features: Tensor  # (N, C, h, w)
    gradients: Tensor  # (N, C, h, w), of the target's logit with respect to the features
    logits: Tensor  # (N,), of the targets


def grad_cam(features: Tensor, gradients: Tensor) -> Tensor:
    """Grad-CAM of one target (Selvaraju et al. 2017, eq. 1 and 2, arXiv:1610.02391).

    Behind a global average pool and one linear layer the sum over the fields, before the ReLU,
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

    Only what speaks for the class counts, and a channel that is lit in few places counts as much
    as one that is lit in many: several cells of a kind are each shown.

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


def feature_gradients(
    model: SplitModel, images: Tensor, targets: Sequence[int]
) -> FeatureGradients:
    """One pass forward and the head's backward, which leave no trace in `model`.

    Nothing is hooked and no `.grad` is written, so threads may share a model.

    Args:
        model: In evaluation mode.
        images: (N, 3, H, W) float32, normalised.
        targets: One class an image.

    Raises:
        UserError: A target is no class of the model.
    """
    with torch.no_grad():
        features = model.features(images)
    with torch.enable_grad():
        leaf = features.detach().requires_grad_()
        # A head may begin in place (an inplace ReLU), which torch forbids on a leaf.
        logits = target_logits(model.head(leaf.clone()), targets)
        (gradients,) = torch.autograd.grad(logits.sum(), leaf)
    return FeatureGradients(leaf.detach(), gradients, logits.detach())
