"""Where the cells of an image lie: in words, and at another size."""

from typing import Any

import numpy as np
import numpy.typing as npt

from xai.types import Labels


def place_of(labels: Labels, cell: int) -> str:
    """The ninth of the image in which the centre of a cell lies: "upper left", "middle".

    Args:
        labels: (H, W) int, the number of each pixel's cell.
        cell: One of the numbers.
    """
    row, column = (
        int(3 * (np.mean(at) + 0.5) / side)
        for at, side in zip(np.nonzero(labels == cell), labels.shape, strict=True)
    )
    words = (("upper", "", "lower")[row], ("left", "", "right")[column])
    return " ".join(filter(None, words)) or "middle"


def enlarge_labels(values: npt.NDArray[Any], size: tuple[int, int]) -> npt.NDArray[Any]:
    """`values` (h, w) at `size` (H, W) by nearest neighbour: numbers of cells have no mean."""
    rows, columns = (
        ((2 * np.arange(new) + 1) * old) // (2 * new)
        for new, old in zip(size, values.shape, strict=True)
    )
    enlarged: npt.NDArray[Any] = values[rows[:, None], columns]
    return enlarged
