"""Where the fields of a large smear lie."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from modelzoo.datasets.fields import (
    CUT_FROM,
    OVERLAP,
    Field,
    count_fields,
    cut_field,
    describe_cut,
    place_fields,
)


def test_a_field_of_a_camera_is_cut_by_hand() -> None:
    fields = place_fields((2592, 1944), 500)

    # 375 px from one to the next at most: 2092 / 375 = 5.6 and 1444 / 375 = 3.9 steps.
    assert len(fields) == 7 * 5 == count_fields((2592, 1944), 500)
    assert fields[0] == Field(0, 0, 500)
    assert fields[-1] == Field(2592 - 500, 1944 - 500, 500)
    assert [field.left for field in fields[:7]] == [0, 349, 697, 1046, 1395, 1743, 2092]


@given(st.integers(16, 3000), st.integers(16, 3000), st.integers(32, 1000))
def test_fields_cover_an_image_and_overlap(width: int, height: int, field_px: int) -> None:
    fields = place_fields((width, height), field_px)

    assert len(fields) == count_fields((width, height), field_px)
    if max(width, height) <= CUT_FROM * field_px:
        assert fields == ()
        return
    side = min(field_px, width, height)
    assert {field.side for field in fields} == {side}
    for length, firsts in (
        (width, sorted({field.left for field in fields})),
        (height, sorted({field.upper for field in fields})),
    ):
        assert firsts[0] == 0
        assert firsts[-1] == length - side
        # Rounding to whole pixels may take one of the overlap.
        assert all(np.diff(firsts) <= side * (1 - OVERLAP) + 1)
    assert len(set(fields)) == len(fields)


def test_a_field_has_the_pixels_of_its_place() -> None:
    pixels = np.arange(60 * 40 * 3, dtype=np.uint32).reshape(40, 60, 3).astype(np.uint8)

    cut = np.asarray(cut_field(Image.fromarray(pixels), Field(7, 3, 32)))

    np.testing.assert_array_equal(cut, pixels[3:35, 7:39])


@pytest.mark.parametrize("size", [(224, 224), (336, 200)])
def test_an_image_hardly_larger_than_a_field_is_not_cut(size: tuple[int, int]) -> None:
    assert place_fields(size, 224) == ()
    assert describe_cut(()) == ""


def test_nothing_is_cut_unless_it_is_asked_for() -> None:
    assert place_fields((2592, 1944), 0) == ()


def test_a_cut_is_said_in_words() -> None:
    assert describe_cut(place_fields((2592, 1944), 500)) == (
        "cut into 35 fields of 500 x 500 pixels, neighbours overlapping by 25 % or more"
    )
