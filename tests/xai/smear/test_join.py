"""Maps of fields joined into one of the smear."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelzoo.datasets.fields import place_fields
from xai.smear.join import MOST_SIDE, MapJoiner


def test_two_fields_are_averaged_where_they_overlap() -> None:
    """An image of 6 x 4 px; fields of 4 x 4 px with maps of 2 x 2, so entries of 2 px."""
    joiner = MapJoiner((6, 4), 4, (2, 2))
    joiner.add(0, 0, np.array([[1, 2], [3, 4]], np.float32))
    joiner.add(2, 0, np.array([[10, 20], [30, 40]], np.float32))

    np.testing.assert_allclose(joiner.values, [[1, 6, 20], [3, 17, 40]])


def test_a_field_between_two_entries_counts_by_its_area() -> None:
    """The second field begins 1 px into an entry of 2 px: an entry has half of each neighbour."""
    joiner = MapJoiner((8, 4), 4, (2, 2))
    joiner.add(0, 0, np.full((2, 2), 1, np.float32))
    joiner.add(3, 0, np.array([[10, 20], [10, 20]], np.float32))

    # Entries 0-2, 2-4, 4-6 and 6-8 px; the second field's are 3-5 and 5-7 px.
    row = [1, (2 * 1 + 1 * 10) / 3, (1 * 10 + 1 * 20) / 2, 20]
    np.testing.assert_allclose(joiner.values, [row, row])


@given(st.integers(70, 400), st.integers(70, 400), st.sampled_from([(7, 7), (2, 2), (5, 5)]))
def test_an_even_map_stays_even_whatever_the_overlap(
    width: int, height: int, shape: tuple[int, int]
) -> None:
    fields = place_fields((width, height), 64)
    if not fields:
        return
    joiner = MapJoiner((width, height), fields[0].side, shape)
    for field in fields:
        joiner.add(field.left, field.upper, np.full(shape, 0.25, np.float32))

    np.testing.assert_allclose(joiner.values, 0.25, rtol=1e-6)


def test_the_place_of_attribution_is_kept() -> None:
    """Of a smear with one bright field entry, the strongest joined entry lies over it."""
    size, side = (2592, 1944), 500
    joiner = MapJoiner(size, side, (7, 7))
    spot = (1500, 900)  # x, y in pixels
    for field in place_fields(size, side):
        values = np.zeros((7, 7), np.float32)
        x, y = spot[0] - field.left, spot[1] - field.upper
        if 0 <= x < side and 0 <= y < side:
            values[y * 7 // side, x * 7 // side] = 1
        joiner.add(field.left, field.upper, values)
    rows, columns = joiner.values.shape

    row, column = np.unravel_index(joiner.values.argmax(), joiner.values.shape)

    assert (columns, rows) == (round(2592 * 7 / 500), round(1944 * 7 / 500))
    assert (column + 0.5) * 2592 / columns == pytest.approx(spot[0], abs=500 / 7)
    assert (row + 0.5) * 1944 / rows == pytest.approx(spot[1], abs=500 / 7)


def test_a_joined_map_has_a_largest_size() -> None:
    joiner = MapJoiner((9000, 4500), 32, (224, 224))
    joiner.add(100, 200, np.ones((224, 224), np.float32))

    assert joiner.values.shape == (MOST_SIDE // 2, MOST_SIDE)
