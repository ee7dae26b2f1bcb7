"""Maps of overlapping fields joined into one map of the smear. NumPy only."""

import numpy as np

from xai.types import Floats, Map

MOST_SIDE = 2048  # entries along the longer side of a joined map: 50 MB while it is made


class MapJoiner:
    """Averages maps where their fields overlap, each by the area that it covers.

    An entry of the joined map is about as large as one of a field's map, so nothing is claimed
    finer than it was computed. Its value is the mean of the entries over it, weighted by the area
    that they share with it; the sum over fields is kept, not the fields.
    """

    def __init__(self, size: tuple[int, int], side: int, shape: tuple[int, ...]) -> None:
        """Begin a joined map.

        Args:
            size: Width and height of the image in pixels of the file.
            side: Of a field, in the same pixels.
            shape: (h, w) of a field's map.
        """
        longest = max(round(length * entries / side) for length, entries in self._axes(size, shape))
        reduced = min(1.0, MOST_SIDE / longest)
        self._size, self._side = size, side
        width, height = (
            max(1, round(length * entries / side * reduced))
            for length, entries in self._axes(size, shape)
        )
        self._sum: Floats = np.zeros((height, width))
        self._area: Floats = np.zeros((height, width))

    @staticmethod
    def _axes(size: tuple[int, int], shape: tuple[int, ...]) -> list[tuple[int, int]]:
        """Pixels and entries of a field's map along x, then y."""
        return [(size[0], shape[1]), (size[1], shape[0])]

    def add(self, left: int, upper: int, values: Map) -> None:
        """Add the map (h, w) of the field whose first pixel is (left, upper)."""
        height, width = self._sum.shape
        columns, over_x = _overlaps(left, self._side, values.shape[1], self._size[0], width)
        rows, over_y = _overlaps(upper, self._side, values.shape[0], self._size[1], height)
        self._sum[rows, columns] += over_y @ values.astype(np.float64) @ over_x.T
        self._area[rows, columns] += np.outer(over_y.sum(axis=1), over_x.sum(axis=1))

    @property
    def values(self) -> Map:
        """(H, W) float32; 0 where no field lies."""
        joined: Map = np.divide(
            self._sum, self._area, out=np.zeros_like(self._sum), where=self._area > 0
        ).astype(np.float32)
        return joined


def _overlaps(
    first: int, side: int, entries: int, length: int, joined: int
) -> tuple[slice, Floats]:
    """Which joined entries along an axis a field touches, and the pixels (n, entries) they share.

    Args:
        first: Pixel at which the field begins.
        side: Of the field, in pixels.
        entries: Of the field's map.
        length: Of the image, in pixels.
        joined: Entries of the joined map.
    """
    pixels = length / joined  # of a joined entry
    start = int(first / pixels)
    stop = min(joined, int(np.ceil((first + side) / pixels)))
    edges = np.arange(start, stop + 1) * pixels
    own = first + np.arange(entries + 1) * (side / entries)
    shared = np.minimum(edges[1:, None], own[None, 1:]) - np.maximum(
        edges[:-1, None], own[None, :-1]
    )
    return slice(start, stop), np.maximum(shared, 0.0)
