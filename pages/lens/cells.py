"""From the numbers of pixels' cells to outlines that a browser can draw and hit. No Streamlit."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from pages.lens.data import Box, Cell, Polygon
from xai.smear.place import places_of  # noqa: TID253  # no torch behind it
from xai.types import Labels, Mask  # noqa: TID253  # names of arrays: no torch behind it

CLOSENESS = 0.6  # pixels of the labels that an outline may be off, with far fewer corners


def outline_cells(labels: Labels, nuclei: Mask, box: Box) -> tuple[Cell, ...]:
    """The cells of an image, in the order of their numbers from 1 on.

    Args:
        labels: (h, w) int, the number of each pixel's cell; 0: none.
        nuclei: (h, w) bool.
        box: What of the image the labels cover.
    """
    places = ndimage.find_objects(labels.astype(np.int32))
    names = places_of(labels)
    return tuple(
        _cell(f"Cell {number}, {names[number]}", number, at, labels, nuclei, box)
        if at
        else Cell(name=f"Cell {number}", outlines=())  # no pixel: so that the order stays
        for number, at in enumerate(places, 1)
    )


def _cell(
    name: str, number: int, at: tuple[slice, ...], labels: Labels, nuclei: Mask, box: Box
) -> Cell:
    mask = labels[at] == number
    return Cell(
        name=name,
        outlines=_outline(mask, at, labels.shape, box),
        nuclei=_outline(mask & nuclei[at], at, labels.shape, box),
    )


def _outline(
    mask: npt.NDArray[np.bool_], at: tuple[slice, ...], shape: tuple[int, ...], box: Box
) -> tuple[Polygon, ...]:
    """Polygons around `mask`, which lies `at` a place in an array of `shape` over the box."""
    # Half a second, which only a page with cells has to pay.
    from skimage.measure import approximate_polygon, find_contours

    polygons = []
    for contour in find_contours(np.pad(mask, 1).astype(np.float32), 0.5):
        corners = approximate_polygon(contour, CLOSENESS)[:-1]  # the last is the first
        # Less the padding; a pixel's middle is half a pixel from its edge.
        rows, columns = corners[:, 0] - 0.5 + at[0].start, corners[:, 1] - 0.5 + at[1].start
        x = np.clip(box.left + columns * box.width / shape[1], box.left, box.left + box.width)
        y = np.clip(box.top + rows * box.height / shape[0], box.top, box.top + box.height)
        polygons.append(
            tuple((round(float(a), 1), round(float(b), 1)) for a, b in zip(x, y, strict=True))
        )
    return tuple(polygons)
