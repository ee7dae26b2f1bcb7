"""Features and their gradients, which CAMs are made from. No files, no runs, no hooks."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from xai.errors import UserError
from xai.methods.cam import fuse_depths, layer_cam
from xai.model import are_maps, blank_image, spatial_features, target_logits
from xai.types import PixelMap, SplitModel, StagedModel

NO_STAGES = (
    "This network does not show its inner maps, so LayerCAM has one layer here; choose layer-cam "
    "in place of layer-cam-depths."
)
NEAREST = 3  # classes that Finer-CAM sets against the target, as in the paper


@dataclass(frozen=True, slots=True, eq=False)
class FeatureGradients:
    """What every CAM of the gradient family is made from."""

    features: Tensor  # (N, C, h, w)
    gradients: Tensor  # (N, C, h, w), of the target's logit with respect to the features
    contrast_gradients: Tensor  # the same of the target's logit less those of the nearest classes
    logits: Tensor  # (N, K)
    target_logits: Tensor  # (N,)


def feature_gradients(
    model: SplitModel, images: Tensor, targets: Sequence[int]
) -> FeatureGradients:
    """One pass forward and the head's backward, which leave no trace in `model`.

    Nothing is hooked and no `.grad` is written, so threads may share a model.

    Args:
        model: In evaluation mode.
        images: (N, 3, H, W) float32, normalised.
        targets: One class per image.

    Raises:
        UserError: A target is no class of the model, or its features are no maps.
    """
    with torch.no_grad():
        features = spatial_features(model, images)
    return head_gradients(model, features, targets)


def head_gradients(model: SplitModel, features: Tensor, targets: Sequence[int]) -> FeatureGradients:
    """The same from features (N, C, h, w) at hand: a pass through the head and back.

    Raises:
        UserError: A target is no class of the model.
    """
    # Features of an inference pass are none that gradients can be taken of; a clone is.
    leaf = features.detach().clone() if features.is_inference() else features.detach()
    with torch.enable_grad():
        leaf = leaf.requires_grad_()
        # A head may begin in place (an inplace ReLU), which torch forbids on a leaf.
        logits = model.head(leaf.clone())
        own = target_logits(logits, targets)
        (gradients,) = torch.autograd.grad(own.sum(), leaf, retain_graph=True)
        difference = own - (nearest_classes(logits.detach(), targets) * logits).sum(dim=1)
        (contrast,) = torch.autograd.grad(difference.sum(), leaf)
    return FeatureGradients(leaf.detach(), gradients, contrast, logits.detach(), own.detach())


def nearest_classes(logits: Tensor, targets: Sequence[int]) -> Tensor:
    """How much each class counts among those that Finer-CAM sets against the target.

    Finer-CAM (Zhang et al. 2025, arXiv:2501.11309) explains the target's logit less those of the
    NEAREST classes whose logits are closest to it, weighted by their probabilities. The weights
    are constants here, as gamma is, so that the map sums to a difference of logits; gamma is 1.

    Args:
        logits: (N, K).
        targets: One class per row.

    Returns:
        (N, K) float32 in [0, 1], 0 for the target; each row sums to 1.
    """
    rows = torch.arange(len(logits), device=logits.device)
    own = torch.tensor(targets, device=logits.device)
    distances = (logits - logits[rows, own, None]).abs()
    distances[rows, own] = torch.inf
    nearest = distances.topk(min(NEAREST, logits.shape[1] - 1), dim=1, largest=False).indices
    weights = torch.full_like(logits, -torch.inf)
    weights.scatter_(1, nearest, logits.gather(1, nearest))
    return weights.softmax(dim=1)


def multi_layer_cam(model: SplitModel, image: Tensor, target: int) -> PixelMap:
    """LayerCAM of several stages, fused (Jiang et al. 2021, section III-D).

    Args:
        model: In evaluation mode; left as it is, and may be shared by threads.
        image: (1, 3, H, W) float32, normalised.
        target: Class.

    Returns:
        Values in [0, 1], at the size of the finest stage.

    Raises:
        UserError: The target is no class of the model, or the model shows no inner maps.
    """
    stages, gradients, logits = stage_gradients(model, image, [target])
    maps = [layer_cam(*pair) for pair in zip(stages, gradients, strict=True)]
    return PixelMap(fuse_depths(maps)[0], logits.item(), None, None, 1)


def why_not_multi_layer(model: SplitModel) -> str | None:
    """Why `model` has no LayerCAM of several stages, in a sentence; None: it has one."""
    try:
        stage_gradients(model, blank_image(model), [0])
    except UserError as error:
        return str(error)
    return None


def stage_gradients(
    model: SplitModel, images: Tensor, targets: Sequence[int]
) -> tuple[list[Tensor], list[Tensor], Tensor]:
    """The maps of several depths with the gradients of the targets' logits, in one pass each way.

    Args:
        model: In evaluation mode; left as it is, and may be shared by threads.
        images: (N, 3, H, W) float32, normalised.
        targets: One class per image.

    Returns:
        Maps and gradients, both (N, C, h, w) with each depth's own C, h, w, from the finest to the
        last features; and the targets' logits (N,).

    Raises:
        UserError: A target is no class of the model, or the model shows no inner maps.
    """
    if not isinstance(model, StagedModel):
        raise UserError(NO_STAGES)
    with torch.enable_grad():
        # Gradients reach the stages through the images, so no weight has to require one.
        stages = model.stages(images.detach().requires_grad_())
        if not all(are_maps(stage, images) for stage in stages):
            raise UserError(NO_STAGES)
        logits = target_logits(model.head(stages[-1].clone()), targets)
        found = torch.autograd.grad(logits.sum(), stages, allow_unused=True)
    gradients = [each for each in found if each is not None]
    # timm's Xception hands out copies that its own logits do not depend on.
    if len(gradients) < len(stages):
        raise UserError(NO_STAGES)
    return [stage.detach() for stage in stages], gradients, logits.detach()
