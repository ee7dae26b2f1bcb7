"""Moved copies of a map and its rank among them: by hand, by laws, by simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from tests.xai.judged import ReadsCorner, as_attribution, bright_corner, maps, scores
from xai.faithfulness.judge import judge
from xai.faithfulness.placement import moved_copies, place_map
from xai.faithfulness.report import QualityReport
from xai.types import Floats

BOTH = ("insertion", "deletion")


def spots(random: np.random.Generator, side: int = 20) -> Floats:
    smooth: Floats = gaussian_filter(random.normal(size=(side, side)), side / 8, mode="wrap")
    smooth -= smooth.min()
    return smooth


def test_a_single_entry_is_moved_to_24_other_places() -> None:
    values = np.zeros((10, 10))
    values[3, 9] = 2.0

    places = {tuple(np.argwhere(copy)[0].tolist()) for copy in moved_copies(values, (10, 10))}

    fifths = {((3 + down) % 10, (9 + right) % 10) for down in range(0, 10, 2) for right in
              range(0, 10, 2)}  # fmt: skip
    assert places == fifths - {(3, 9)}


@given(maps)
@settings(deadline=None, max_examples=30)
def test_copies_have_the_values_of_the_map_at_the_size_of_the_image(values: Floats) -> None:
    copies = moved_copies(values, (20, 25))

    assert len(copies) == 24
    of_first = np.sort(copies[0].ravel())
    for copy in copies:
        assert copy.shape == (20, 25)
        np.testing.assert_array_equal(np.sort(copy.ravel()), of_first)
        assert copy.min() >= 0


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=30))
@settings(deadline=None)
def test_the_smaller_p_of_random_scores_is_uniform_or_larger(
    areas: list[tuple[float, float]],
) -> None:
    """Each of the scores in turn is the map's: p of k / n at most is that of k of n at most."""
    qualities = [scores(*area) for area in areas]
    smallest = []
    for index, own in enumerate(qualities):
        found = place_map(own, qualities[:index] + qualities[index + 1 :], BOTH)
        smallest.append(min(each.p for each in found.values()))

    for p in smallest:
        assert sum(other <= p + 1e-12 for other in smallest) <= p * len(areas) + 1e-9


def test_p_by_hand() -> None:
    copies = [scores(0.4, 0.3), scores(0.5, 0.2), scores(0.6, 0.1)]

    best = place_map(scores(0.1, 0.9), copies, BOTH)
    worst = place_map(scores(0.9, 0.0), copies, BOTH)
    (alone,) = place_map(scores(0.45, 0.0), copies, ("deletion",)).values()

    assert {(each.beaten, each.p) for each in best.values()} == {(3, 0.25)}
    assert {(each.beaten, each.p) for each in worst.values()} == {(0, 1.0)}
    assert (alone.beaten, alone.copies, alone.p) == (2, 3, 0.5)
    assert not alone.is_better


def test_what_is_as_good_everywhere_has_p_1() -> None:
    found = place_map(scores(0.3, 0.7), [scores(0.3, 0.7 + 1e-9)] * 24, BOTH)

    assert {(each.beaten, each.p) for each in found.values()} == {(0, 1.0)}
    assert place_map(scores(0.3, 0.7), [scores(0.3, 0.7)], ()) == {}


def judged(values: Floats) -> QualityReport:
    return judge(ReadsCorner(), bright_corner(), as_attribution(values, "unknown"))


@pytest.mark.parametrize("size", [1.0, 3.0])
def test_a_map_that_marks_what_decides_has_the_smallest_p(size: float) -> None:
    at = np.zeros((16, 16))
    at[3:5, 3:5] = 1  # the middle of the quarter that is read

    placements = judged(gaussian_filter(at, size)).placements

    assert {each.p for each in placements.values()} == {1 / 25}
    assert all(each.is_better and each.beaten == 24 for each in placements.values())


def test_random_maps_are_rarely_called_better() -> None:
    random = np.random.default_rng(1)
    reports = [judged(spots(random)) for _ in range(150)]

    better = [any(p.is_better for p in each.placements.values()) for each in reports]

    # At most one in 25 by right; 13 of 150 would be seen once in a hundred such tests.
    assert 0 < sum(better) <= 12


def test_the_baseline_of_random_placement_is_the_mean_of_the_copies() -> None:
    report = judged(spots(np.random.default_rng(2)))
    copies = moved_copies(spots(np.random.default_rng(2)), (16, 16))

    each = [judged(copy).own for copy in copies]

    for measure in ("deletion", "insertion", "average_drop"):
        mean = np.mean([getattr(one, measure) for one in each])
        assert getattr(report.random, measure) == pytest.approx(mean, abs=0.01)
