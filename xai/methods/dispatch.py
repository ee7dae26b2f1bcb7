"""A row of the table -> its function, called with what the row names. No words, no records."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from torch import Tensor

from xai.methods.features import FeatureGradients
from xai.methods.table import OF_AN_IMAGE, Method, load_function
from xai.types import PixelMap, SplitModel


def map_features(
    row: Method, model: SplitModel, at: FeatureGradients, targets: Sequence[int]
) -> Tensor:
    """What a method that starts from features makes of them: (N, h, w).

    Args:
        row: Which method.
        model: In evaluation mode, for methods that run its head again.
        at: The features of N images, and their gradients.
        targets: One class per image.
    """
    given = {
        "model": model,
        "features": at.features,
        "gradients": at.gradients,
        "contrast_gradients": at.contrast_gradients,
        "targets": targets,
    }
    maps: Tensor = _function(row.function)(*(given[name] for name in row.inputs))
    return maps


def map_image(row: Method, model: SplitModel, image: Tensor, target: int) -> PixelMap:
    """What any other method makes of one image (1, 3, H, W)."""
    assert row.inputs == OF_AN_IMAGE
    made: PixelMap = _function(row.function)(model, image, target)
    return made


@cache
def _function(name: str) -> Any:
    return load_function(name)
