"""Model and images -> attributions: the one entry. Knows no runs and no pages."""

import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from xai.attribution import Attribution
from xai.cam import feature_gradients, grad_cam, grad_cam_plus_plus
from xai.errors import UserError
from xai.gradients import gradient_shap, integrated_gradients, saliency, smooth_grad
from xai.hooked import deep_lift, guided_backprop, guided_grad_cam
from xai.methods import METHODS, ONE_PASS, find_method
from xai.model import SplitModel, chunk_size
from xai.pixel_map import PixelMap
from xai.regions import kernel_shap, occlusion

# Below, no network here has a map left; above, one image's activations fill a small machine.
MIN_PX, MAX_PX = 8, 2048

_CAMS = {"grad-cam": grad_cam, "grad-cam-plus-plus": grad_cam_plus_plus}
assert tuple(_CAMS) == ONE_PASS

_PIXELS: dict[str, Callable[[SplitModel, Tensor, int], PixelMap]] = {
    "integrated-gradients": integrated_gradients,
    "saliency": saliency,
    "smoothgrad": smooth_grad,
    "gradient-shap": gradient_shap,
    "deep-lift": deep_lift,
    "guided-backprop": guided_backprop,
    "guided-grad-cam": guided_grad_cam,
    "occlusion": occlusion,
    "kernel-shap": kernel_shap,
}


def explain(
    model: SplitModel,
    images: Tensor,
    *,
    method: str,
    target: int | Sequence[int],
    model_hash: str = "",
) -> list[Attribution]:
    """How much each place of each image counted for its target.

    The model is left as it was, also after an error, and may be shared by threads.

    Args:
        model: In evaluation mode.
        images: (N, 3, H, W) float32, normalised, on the model's device.
        method: Name of a row in `xai.methods`.
        target: One class for all images, or one an image.
        model_hash: Handed on to the attributions.

    Raises:
        UserError: The method is unknown or not defined on this network, a target is no class of
            the model, or the images are too small or too large to be explained.
    """
    return explain_by_all(model, images, methods=[method], target=target, model_hash=model_hash)[
        method
    ]


def explain_by_all(
    model: SplitModel,
    images: Tensor,
    *,
    methods: Sequence[str],
    target: int | Sequence[int],
    model_hash: str = "",
) -> dict[str, list[Attribution]]:
    """As `explain`, by method; those of `xai.methods.ONE_PASS` share one pass."""
    for method in methods:
        find_method(method)
    assert not getattr(model, "training", False), "batch norms would learn from being explained"
    _check_size(images)
    targets = [target] * len(images) if isinstance(target, int) else list(target)
    assert len(targets) == len(images), "one target for all, or one an image"
    cams = [method for method in methods if method in _CAMS]
    found = _cams(model, images, targets, model_hash, cams) if cams else {}
    for method in methods:
        if method in _PIXELS:
            found[method] = _pixel_maps(model, images, targets, model_hash, method)
    return found


def _check_size(images: Tensor) -> None:
    height, width = images.shape[2:]
    if min(height, width) < MIN_PX or max(height, width) > MAX_PX:
        raise UserError(
            f"The image is {width} x {height} pixels, which cannot be explained; "
            f"give {MIN_PX} to {MAX_PX} a side."
        )


def _cams(
    model: SplitModel,
    images: Tensor,
    targets: list[int],
    model_hash: str,
    methods: Sequence[str],
) -> dict[str, list[Attribution]]:
    chunk = chunk_size(images)
    found: dict[str, list[Attribution]] = {method: [] for method in methods}
    for start in range(0, len(images), chunk):
        started = time.perf_counter()
        part = targets[start : start + chunk]
        at_hand = feature_gradients(model, images[start : start + chunk], part)
        _check_map(at_hand.features, images)
        logits = at_hand.logits.tolist()
        seconds = (time.perf_counter() - started) / len(part)
        for method in methods:
            maps = _CAMS[method](at_hand.features, at_hand.gradients).float().cpu().numpy()
            found[method] += [
                Attribution(
                    values=values,
                    method=method,
                    target=target,
                    is_signed=False,
                    seconds=seconds,
                    forwards=1,
                    expected_error=None,
                    logit=logit,
                    baseline_logit=None,
                    model_hash=model_hash,
                )
                for values, target, logit in zip(maps, part, logits, strict=True)
            ]
    return found


def _check_map(features: Tensor, images: Tensor) -> None:
    """One field has no elsewhere to compare it with."""
    if features.shape[2:] == torch.Size((1, 1)):
        height, width = images.shape[2:]
        raise UserError(
            f"An image of {width} x {height} pixels leaves this network a single field, which "
            "shows no place; give a larger one."
        )


def _pixel_maps(
    model: SplitModel, images: Tensor, targets: list[int], model_hash: str, method: str
) -> list[Attribution]:
    found = []
    for image, target in zip(images.split(1), targets, strict=True):
        started = time.perf_counter()
        pixel_map = _PIXELS[method](model, image, target)
        values = pixel_map.values.float().cpu().numpy()
        found.append(
            Attribution(
                values=values,
                method=method,
                target=target,
                is_signed=METHODS[method].is_signed,
                seconds=time.perf_counter() - started,
                forwards=pixel_map.forwards,
                expected_error=pixel_map.gap,
                logit=pixel_map.logit,
                baseline_logit=pixel_map.baseline_logit,
                model_hash=model_hash,
            )
        )
    return found
