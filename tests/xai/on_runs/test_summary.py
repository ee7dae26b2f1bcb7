"""Means over a test set and their intervals, by hand and by laws."""

from dataclasses import replace

import pytest

from tests.xai.judged import (
    report_of,
    scores,
)
from xai.faithfulness.report import QualityReport
from xai.faithfulness.table import MEASURES
from xai.on_runs.summary import summarise


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
    # Student's t of two groups, 0.2 ± 12.7 * 0.1, as far as a share goes.
    assert (deletion.ci_low, deletion.ci_high) == (0, 1)
    assert (deletion.random, deletion.blurred) == (1, 1)
    assert deletion.centre == pytest.approx(0.6)
    assert deletion.win_share == 0.5
    assert (deletion.images, deletion.groups) == (2, 2)
    assert found["insertion"].win_share == 1
    assert found["increase_in_confidence"].win_share == 0  # as good is not better
    # Beside the centre map the two images gain 0.9 and -0.1, beside the others 0.9 and 0.7.
    assert deletion.gain == pytest.approx(0.4)
    assert deletion.gain_ci_low == pytest.approx(0.4 - 12.706 * 0.5, abs=1e-3)
    assert not deletion.beats
    assert found["insertion"].gain == pytest.approx(0.75)
    assert not found["insertion"].beats  # two groups show nothing
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


def test_one_group_says_nothing_about_others() -> None:
    reports = {name: [report_of(scores(0.1, value))] for name, value in (("1", 0.9), ("2", 0.8))}

    found = {row.measure: row for row in summarise(reports, {"1": "a", "2": "a"})}

    insertion = found["insertion"]
    assert (insertion.ci_low, insertion.ci_high, insertion.gain_ci_low) == (None, None, None)
    assert insertion.gain
    assert insertion.gain > 0
    assert not insertion.beats


def test_what_has_no_better_is_not_counted() -> None:
    own = replace(scores(0.1, 0.9), rotation_variance=0.2)
    reports = {"1": [report_of(own, random=replace(own, rotation_variance=0.9))]}

    found = {row.measure: row for row in summarise(reports, {"1": "a"})}

    assert found["rotation_variance"].win_share is None
    assert (found["rotation_variance"].random, found["rotation_variance"].centre) == (0.9, None)
