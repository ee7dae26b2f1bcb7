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
