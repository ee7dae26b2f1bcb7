"""Model and images -> attributions: the one entry. Knows no runs and no pages."""

import time
from collections.abc import Sequence

import torch
from torch import Tensor

from xai.attribution import Attribution
from xai.errors import UserError
from xai.methods.dispatch import map_features, map_image
from xai.methods.features import head_gradients
from xai.methods.table import Method, find_method
from xai.model import chunk_size, spatial_features
from xai.types import PixelMap, SplitModel

# Below, no network here has a map left; above, one image's activations fill a small machine.
MIN_PX, MAX_PX = 8, 2048


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
    """As `explain`, by method; those that start from the last features share one pass."""
    rows = [find_method(method) for method in methods]
    assert not getattr(model, "training", False), "batch norms would learn from being explained"
    _check_size(images)
    targets = [target] * len(images) if isinstance(target, int) else list(target)
    assert len(targets) == len(images), "one target for all, or one per image"
    made = _from_features(
        [row.name for row in rows if row.starts_from_features], model, images, targets, model_hash
    )
    for row in rows:
        if not row.starts_from_features:
            made[row.name] = _from_images(row, model, images, targets, model_hash)
    return {method: made[method] for method in methods}


def explain_features(
    model: SplitModel,
    features: Tensor,
    *,
    methods: Sequence[str],
    targets: Sequence[int],
    seconds: float = 0.0,
    model_hash: str = "",
) -> dict[str, list[Attribution]]:
    """As `explain_by_all`, from features at hand.

    Args:
        model: In evaluation mode.
        features: (N, C, h, w), what `model.features` gives for the images.
        methods: Names of methods that start from the last features.
        targets: One class per image.
        seconds: That it took to make the features.
        model_hash: Handed on to the attributions.

    Raises:
        UserError: A target is no class of the model, or the features are a map of 1 x 1.
    """
    started = time.perf_counter()
    _check_map(features)
    at = head_gradients(model, features, targets)
    shared_seconds = seconds + time.perf_counter() - started
    logits = at.target_logits.tolist()
    made: dict[str, list[Attribution]] = {}
    for row in map(find_method, methods):
        assert row.starts_from_features, "other methods need the images"
        started = time.perf_counter()
        maps = map_features(row, model, at, targets)
        each = (shared_seconds + time.perf_counter() - started) / len(targets)
        made[row.name] = [
            _attribution(row, PixelMap(values, logit, None, None, 1), one, each, model_hash)
            for values, logit, one in zip(maps, logits, targets, strict=True)
        ]
    return made


def _check_size(images: Tensor) -> None:
    height, width = images.shape[2:]
    if min(height, width) < MIN_PX or max(height, width) > MAX_PX:
        raise UserError(
            f"The image is {width} x {height} pixels, which cannot be explained; "
            f"give {MIN_PX} to {MAX_PX} a side."
        )


def _from_features(
    methods: Sequence[str],
    model: SplitModel,
    images: Tensor,
    targets: list[int],
    model_hash: str,
) -> dict[str, list[Attribution]]:
    """Attributions by method; time is that of a chunk, shared evenly by its images."""
    chunk = chunk_size(images)
    made: dict[str, list[Attribution]] = {name: [] for name in methods}
    for start in range(0, len(images) if methods else 0, chunk):
        started = time.perf_counter()
        with torch.no_grad():
            features = spatial_features(model, images[start : start + chunk])
        of_chunk = explain_features(
            model,
            features,
            methods=methods,
            targets=targets[start : start + chunk],
            seconds=time.perf_counter() - started,
            model_hash=model_hash,
        )
        for name, attributions in of_chunk.items():
            made[name] += attributions
    return made


def _check_map(features: Tensor) -> None:
    """Refuse a map of 1 x 1, on which no place can stand out from the others."""
    if features.shape[2:] == torch.Size((1, 1)):
        raise UserError(
            "An image of this size leaves this network a feature map of 1 x 1, which shows no "
            "place; give a larger image."
        )


def _from_images(
    row: Method, model: SplitModel, images: Tensor, targets: list[int], model_hash: str
) -> list[Attribution]:
    made = []
    for image, target in zip(images.split(1), targets, strict=True):
        started = time.perf_counter()
        one = map_image(row, model, image, target)
        made.append(_attribution(row, one, target, time.perf_counter() - started, model_hash))
    return made


def _attribution(
    row: Method, made: PixelMap, target: int, seconds: float, model_hash: str
) -> Attribution:
    values = made.values.detach().float().cpu().numpy()
    total = abs(values).sum()
    if row.unit == "share" and total > 0:
        values = values / total
    return Attribution(
        values=values,
        method=row.name,
        target=target,
        is_signed=row.is_signed,
        seconds=seconds,
        forward_passes=made.forward_passes,
        completeness_gap=made.gap,
        logit=made.logit,
        baseline_logit=made.baseline_logit,
        model_hash=model_hash,
        note=made.note,
    )
