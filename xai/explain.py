"""Model and images -> attributions: the one entry. Knows no runs and no pages."""

import time
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from xai.attribution import Attribution
from xai.errors import UserError
from xai.methods import cam
from xai.methods.cam import FeatureGradients, feature_gradients
from xai.methods.gradients import gradient_shap, integrated_gradients, saliency, smooth_grad
from xai.methods.head import ablation_cam, recipro_cam
from xai.methods.kernel_shap import kernel_shap
from xai.methods.occlusion import occlusion
from xai.methods.rerouting import deep_lift, guided_backprop, guided_grad_cam
from xai.methods.score_cam import score_cam
from xai.methods.table import METHODS, ONE_PASS, find_method
from xai.model import chunk_size
from xai.types import PixelMap, SplitModel

# Below, no network here has a map left; above, one image's activations fill a small machine.
MIN_PX, MAX_PX = 8, 2048
# Of the logits' range: from here on, masked images move a model more than real ones do.
WIDE = 5.0

# What each makes of the last features; `model` and `targets` are for those that run the head again.
_CAMS: dict[str, Callable[[SplitModel, FeatureGradients, Sequence[int]], Tensor]] = {
    "grad-cam": lambda model, at, targets: cam.grad_cam(at.features, at.gradients),
    "grad-cam-plus-plus": lambda model, at, targets: cam.grad_cam_plus_plus(
        at.features, at.gradients
    ),
    "hires-cam": lambda model, at, targets: cam.hires_cam(at.features, at.gradients),
    "xgrad-cam": lambda model, at, targets: cam.xgrad_cam(at.features, at.gradients),
    "layer-cam": lambda model, at, targets: cam.layer_cam(at.features, at.gradients),
    "finer-cam": lambda model, at, targets: cam.grad_cam(at.features, at.finer),
    "eigen-cam": lambda model, at, targets: cam.eigen_cam(at.features),
    "ablation-cam": lambda model, at, targets: ablation_cam(
        model, at.features, at.gradients, targets
    ),
    "recipro-cam": lambda model, at, targets: recipro_cam(model, at.features, targets),
}
assert set(ONE_PASS) < set(_CAMS)


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
        UserError: The method is unknown or not right for this network, a target is no class of the
            model, or the images are too small or too large to be explained.
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
    """As `explain`, by method; those that need no more than the last features share one pass."""
    for method in methods:
        find_method(method)
    assert not getattr(model, "training", False), "batch norms would learn from being explained"
    _check_size(images)
    targets = [target] * len(images) if isinstance(target, int) else list(target)
    assert len(targets) == len(images), "one target for all, or one an image"
    cams = [method for method in methods if method in _CAMS]
    found = _cams(model, images, targets, model_hash, cams) if cams else {}
    for method in methods:
        if method in _SINGLY:
            found[method] = _singly(method, model, images, targets, model_hash)
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
        seconds = (time.perf_counter() - started) / len(part)
        for method in methods:
            started = time.perf_counter()
            maps = _CAMS[method](model, at_hand, part)
            own_seconds = (time.perf_counter() - started) / len(part)
            for values, target, logit in zip(
                maps, part, at_hand.target_logits.tolist(), strict=True
            ):
                one = PixelMap(values, logit, None, None, 1)
                found[method].append(
                    _attribution(method, one, target, seconds + own_seconds, model_hash)
                )
    return found


def _check_map(features: Tensor, images: Tensor) -> None:
    """One field has no elsewhere to compare it with."""
    if features.shape[2:] == torch.Size((1, 1)):
        height, width = images.shape[2:]
        raise UserError(
            f"An image of {width} x {height} pixels leaves this network a single field, which "
            "shows no place; give a larger one."
        )


def _singly(
    method: str, model: SplitModel, images: Tensor, targets: list[int], model_hash: str
) -> list[Attribution]:
    found = []
    for image, target in zip(images.split(1), targets, strict=True):
        started = time.perf_counter()
        one = _SINGLY[method](model, image, target)
        seconds = time.perf_counter() - started
        found.append(_attribution(method, one, target, seconds, model_hash))
    return found


def _attribution(
    method: str, one: PixelMap, target: int, seconds: float, model_hash: str
) -> Attribution:
    row = METHODS[method]
    values = one.values.detach().float().cpu().numpy()
    total = abs(values).sum()
    if row.unit == "share" and total > 0:
        values = values / total
    return Attribution(
        values=values,
        method=method,
        target=target,
        is_signed=row.is_signed,
        seconds=seconds,
        forward_passes=one.forward_passes,
        completeness_gap=one.gap,
        logit=one.logit,
        baseline_logit=one.baseline_logit,
        model_hash=model_hash,
        note=one.note,
    )


def _score_cam(model: SplitModel, image: Tensor, target: int, *, is_exact: bool) -> PixelMap:
    found = score_cam(model, image, target, is_exact=is_exact)
    notes = []
    if found.similarity is not None:
        notes.append(
            f"Fast: {found.forward_passes} passes in place of one per channel. In nine of ten "
            f"cases the exact map correlates with this one at {found.similarity:.2f} or more."
        )
    if found.spread > WIDE:
        notes.append(
            f"The masked images' logits spread {found.spread:.0f} times as widely as the image's "
            "own: maps from hiding parts mean little for this run."
        )
    return PixelMap(found.values, found.logit, None, None, found.forward_passes, " ".join(notes))


def _layer_cam_depths(model: SplitModel, image: Tensor, target: int) -> PixelMap:
    stages, gradients, logits = cam.stage_gradients(model, image, [target])
    maps = [cam.layer_cam(*pair) for pair in zip(stages, gradients, strict=True)]
    return PixelMap(cam.fuse_depths(maps)[0], logits.item(), None, None, 1)


_SINGLY: dict[str, Callable[[SplitModel, Tensor, int], PixelMap]] = {
    "layer-cam-depths": _layer_cam_depths,
    "score-cam": partial(_score_cam, is_exact=False),
    "score-cam-exact": partial(_score_cam, is_exact=True),
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
assert {*_CAMS, *_SINGLY} == set(METHODS)
