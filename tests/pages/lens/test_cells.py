import numpy as np
import pytest
from PIL import Image, ImageDraw

from pages.lens.cells import outline_cells
from pages.lens.data import Box


def test_an_outline_filled_again_is_the_cell() -> None:
    y, x = np.mgrid[:90, :90]
    labels = np.zeros((90, 90), np.int16)
    labels[np.hypot(x - 30, y - 40) < 20] = 1
    labels[(x > 60) & (y > 70)] = 2  # cut off by the edge
    nuclei = np.hypot(x - 30, y - 40) < 9

    cells = outline_cells(labels, nuclei, Box(0, 0, 900, 900))

    for number, cell in enumerate(cells, 1):
        drawn = Image.new("1", (900, 900))
        for polygon in cell.outlines:
            ImageDraw.Draw(drawn).polygon(list(polygon), fill=1)
        wanted = np.kron(labels == number, np.ones((10, 10), bool))
        found = np.asarray(drawn)
        assert (found & wanted).sum() / (found | wanted).sum() > 0.93
    assert [len(cell.nuclei) for cell in cells] == [1, 0]


def test_outlines_lie_where_the_box_lies() -> None:
    labels = np.zeros((10, 10), int)
    labels[2:8, 2:8] = 1

    (cell,) = outline_cells(labels, labels > 9, Box(100, 300, 50, 50))

    xs, ys = zip(*cell.outlines[0], strict=True)
    assert (min(xs), max(xs)) == (110, 140)
    assert (min(ys), max(ys)) == (310, 340)
    assert cell.name == "Cell 1, middle"


def test_a_cell_without_a_pixel_keeps_its_place_in_the_order() -> None:
    labels = np.zeros((10, 10), int)
    labels[0:4, 0:4] = 2

    first, second = outline_cells(labels, labels > 9, Box(0, 0, 10, 10))

    assert first.outlines == ()
    assert second.name == "Cell 2, upper left"


@pytest.mark.parametrize("size", [(7, 9), (9, 7)])
def test_no_cells_have_no_outlines(size: tuple[int, int]) -> None:
    labels = np.zeros(size, int)

    assert outline_cells(labels, labels > 0, Box(0, 0, 9, 9)) == ()
