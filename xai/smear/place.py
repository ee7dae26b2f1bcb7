"""Where something lies in an image, in words."""

import numpy as np

from xai.types import Labels


def place_of(labels: Labels, cell: int) -> str:
    """Where a cell's middle lies, in words."""
    height, width = labels.shape
    y, x = (np.mean(at) for at in np.nonzero(labels == cell))
    row = ("upper", "", "lower")[min(2, int(3 * y / height))]
    column = ("left", "", "right")[min(2, int(3 * x / width))]
    return " ".join(word for word in (row, column) if word) or "middle"
