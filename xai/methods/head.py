"""CAMs from running the head again on changed features. No gradients of the image, no files."""

from collections.abc import Sequence

import torch
from torch import Tensor

from xai.model import target_logits
from xai.types import SplitModel

HEADS = 64  # feature maps at once through the head: VGG16's are 6 MB


def ablation_cam(
    model: SplitModel, features: Tensor, gradients: Tensor, targets: Sequence[int]
) -> Tensor:
    """Ablation-CAM (Desai and Ramaswamy 2020, eq. 3 and 4, doi:10.1109/WACV45572.2020.9093360).

    A channel's weight is what the target's logit loses when the channel is 0. Only the head runs
    again; where it is linear, a channel's loss is its gradient times the channel, and nothing runs.

    Departs from the paper, which divides the loss by the logit: that turns the map's sign where
    the logit is below 0, and else changes its scale only.

    Args:
        model: In evaluation mode; left as it is.
        features: (N, C, h, w) float32, from the backbone.
        gradients: (N, C, h, w) float32, of the target's logit.
        targets: One class per image.

    Returns:
        (N, h, w) float32, >= 0, in logits times features.
    """
    with torch.no_grad():
        losses = (gradients * features).sum(dim=(2, 3))  # (N, C)
        if not is_linear(model, features, gradients, targets):
            losses = torch.stack(
                [
                    _ablate(model, image, target)
                    for image, target in zip(features.split(1), targets, strict=True)
                ]
            )
        return torch.relu((losses[..., None, None] * features).sum(dim=1))


def recipro_cam(model: SplitModel, features: Tensor, targets: Sequence[int]) -> Tensor:
    """Recipro-CAM (Byun and Lee 2022, eq. 3 and 4, arXiv:2209.14074), with masks of one grid cell.

    The target's probability when the features of one grid cell alone are left.

    Args:
        model: In evaluation mode; left as it is.
        features: (N, C, h, w) float32, from the backbone.
        targets: One class per image.

    Returns:
        (N, h, w) float32, >= 0: the probability less the least of the map's fields.
    """
    height, width = features.shape[2:]
    alone = torch.eye(height * width, device=features.device).reshape(-1, 1, height, width)
    maps = []
    with torch.no_grad():
        for image, target in zip(features.split(1), targets, strict=True):
            found = [
                model.head(image * part).float().softmax(dim=1)[:, target]
                for part in alone.split(HEADS)
            ]
            maps.append(torch.cat(found).reshape(height, width))
        values = torch.stack(maps)
        return values - values.amin(dim=(1, 2), keepdim=True)


def is_linear(
    model: SplitModel, features: Tensor, gradients: Tensor, targets: Sequence[int]
) -> bool:
    """Whether the head is one linear layer on pooled features, as its gradients show.

    Those of such a head are the same in every field, and the same for other features.

    Args:
        model: In evaluation mode.
        features: (N, C, h, w) float32.
        gradients: (N, C, h, w) float32, of the targets' logits at `features`.
        targets: One class per image.
    """
    if not _alike(gradients, gradients.mean(dim=(2, 3), keepdim=True).expand_as(gradients)):
        return False
    with torch.enable_grad():
        other = (features.flip(1) * 2 + 1).detach().requires_grad_()
        logits = target_logits(model.head(other.clone()), targets)
        (there,) = torch.autograd.grad(logits.sum(), other)
    return _alike(gradients, there)


def _alike(one: Tensor, other: Tensor) -> bool:
    return torch.allclose(one, other, rtol=1e-3, atol=1e-5 * one.abs().max().item())


def _ablate(model: SplitModel, features: Tensor, target: int) -> Tensor:
    """(C,) what the target's logit loses when each channel of features (1, C, h, w) is 0."""
    logit = model.head(features.clone())[0, target]
    lit = features.flatten(2).any(dim=2)[0].nonzero()[:, 0]  # a channel that is 0 loses nothing
    losses = features.new_zeros(features.shape[1])
    for part in lit.split(HEADS):
        without = features.repeat(len(part), 1, 1, 1)
        without[torch.arange(len(part)), part] = 0
        losses[part] = logit - model.head(without)[:, target]
    return losses
