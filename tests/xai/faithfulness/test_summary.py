"""Means over a test set and their intervals, by hand and by laws."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.xai.judged import (
    report_of,
    scores,
)
from xai.faithfulness.report import QualityReport
from xai.faithfulness.summary import bootstrap_interval, summarise
from xai.faithfulness.table import MEASURES


def test_the_interval_of_one_value_is_a_point() -> None:
    low, high = bootstrap_interval([0.3, 0.3, 0.3, 0.3], ["a", "a", "b", "c"])

    assert low == pytest.approx(0.3)
    assert high == pytest.approx(0.3)
    assert bootstrap_interval([0.1, 0.5], ["a", "a"]) == pytest.approx((0.3, 0.3))


@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from("abcdef")), min_size=4, max_size=30))
@settings(deadline=None, max_examples=50)
def test_the_interval_lies_within_the_groups_means(found: list[tuple[float, str]]) -> None:
    values, groups = [value for value, _ in found], [group for _, group in found]

    low, high = bootstrap_interval(values, groups, resamples=200)

    means = [np.mean([value for value, name in found if name == group]) for group in set(groups)]
    assert min(means) - 1e-9 <= low <= high <= max(means) + 1e-9


def test_the_interval_holds_the_mean_and_narrows_with_groups() -> None:
    values = np.random.default_rng(0).random(200)
    few, many = [str(i % 5) for i in range(200)], [str(i % 100) for i in range(200)]

    clustered = np.sort(values)  # so that groups of neighbours differ
    together = bootstrap_interval(clustered.tolist(), [str(i // 40) for i in range(200)])
    apart = bootstrap_interval(clustered.tolist(), many)

    for groups in (few, many):
        low, high = bootstrap_interval(values.tolist(), groups)
        assert low < values.mean() < high
    assert together[1] - together[0] > 2 * (apart[1] - apart[0])


def test_a_summary_by_hand() -> None:
    reports = {
        "1": [report_of(scores(0.1, 0.9))],
        "2": [report_of(scores(0.3, 0.7), centre=scores(0.2, 0.1))],
    }

    found = {row.measure: row for row in summarise(reports, {"1": "a", "2": "b"})}

    assert list(found) == [
        "average_drop",
        "deletion",
        "increase_in_confidence",
        "insertion",
    ]  # what has values
    assert set(found) < set(MEASURES)
    deletion = found["deletion"]
    assert deletion.method == "grad-cam"
    assert deletion.value == pytest.approx(0.2)
    assert (deletion.ci_low, deletion.ci_high) == pytest.approx((0.1, 0.3))
    assert (deletion.random, deletion.blurred) == (1, 1)
    assert deletion.centre == pytest.approx(0.6)
    assert deletion.win_share == 0.5
    assert (deletion.images, deletion.groups) == (2, 2)
    assert found["insertion"].win_share == 1
    assert found["increase_in_confidence"].win_share == 0  # as good is not better
    # Beside the centre map the two images gain 0.9 and -0.1, beside the others 0.9 and 0.7.
    assert deletion.gain == pytest.approx(0.4)
    assert deletion.gain_ci_low == pytest.approx(-0.1)
    assert not deletion.beats
    assert found["insertion"].beats
    assert not found["increase_in_confidence"].beats
    assert deletion.area is None


def test_the_area_is_the_mean_of_the_images_that_have_the_score() -> None:
    def report(energy: float | None, area: float) -> QualityReport:
        own = replace(scores(0.1, 0.9), nucleus_energy=energy)
        return replace(report_of(own, random=own, centre=own, blurred=own), nucleus_area=area)

    reports = {"1": [report(0.5, 0.2)], "2": [report(0.7, 0.4)], "3": [report(None, 0.9)]}

    found = {row.measure: row for row in summarise(reports, dict.fromkeys("123", "a"))}

    assert found["nucleus_energy"].area == pytest.approx(0.3)
    assert found["nucleus_energy"].gain == 0
    assert found["deletion"].area is None


def test_what_has_no_better_is_not_counted() -> None:
    own = replace(scores(0.1, 0.9), rotation_variance=0.2)
    reports = {"1": [report_of(own, random=replace(own, rotation_variance=0.9))]}

    found = {row.measure: row for row in summarise(reports, {"1": "a"})}

    assert found["rotation_variance"].win_share is None
    assert (found["rotation_variance"].random, found["rotation_variance"].centre) == (0.9, None)
