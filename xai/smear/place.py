"""Where the cells of an image lie: in words, and at another size."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from xai.types import Labels


def place_of(labels: Labels, cell: int) -> str:
    """The ninth of the image in which the centre of a cell lies: "upper left", "middle".

    Args:
        labels: (H, W) int, the number of each pixel's cell.
        cell: One of the numbers.
    """
    return places_of(labels)[cell]


def places_of(labels: Labels) -> dict[int, str]:
    """The same of every cell, by its number."""
    numbers = [int(number) for number in np.unique(labels) if number]
    centres = ndimage.center_of_mass(labels > 0, labels, numbers)
    return {
        number: _name_ninth(centre, labels.shape)
        for number, centre in zip(numbers, centres, strict=True)
    }


def _name_ninth(centre: Sequence[float], shape: Sequence[int]) -> str:
    row, column = (int(3 * (at + 0.5) / side) for at, side in zip(centre, shape, strict=True))
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
