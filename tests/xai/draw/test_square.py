import numpy as np
import pytest

from modelzoo.datasets.images import share_outside
from xai.draw.square import LINE_COLOUR, dim_outside


@pytest.mark.parametrize(("height", "width"), [(60, 100), (100, 60), (61, 100)])
def test_what_is_outside_the_middle_square_is_dark_and_the_rest_as_it_was(
    height: int, width: int
) -> None:
    pixels = np.full((height, width, 3), 200, np.uint8)

    drawn = dim_outside(pixels)

    dark = np.asarray((drawn < 100).all(axis=2))
    assert dark.mean() == pytest.approx(share_outside(width, height))
    assert (drawn[height // 2, width // 2] == 200).all()
    assert dark[0, 0]
    assert dark[-1, -1]
    line = np.all(drawn == np.array(LINE_COLOUR), axis=2)
    assert line[height // 2].any()
    assert line[:, width // 2].any()
    assert (pixels == 200).all()
