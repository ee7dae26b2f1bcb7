"""Means over a test set and their intervals, by hand and by laws."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from tests.xai.judged import (
    report_of,
    scores,
)
from xai.faithfulness.report import QualityReport
from xai.faithfulness.table import MEASURES
from xai.on_runs.summary import summarise

BASELINES = ("random", "centre", "blurred")


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
    assert found["insertion"].gain == pytest.approx(0.75)
    # Two groups can turn around two ways, so that p is at least one half; as good is no gain.
    assert found["insertion"].p_random == 0.5
    assert found["increase_in_confidence"].p_random == 1
    assert {row.compare(name) for row in found.values() for name in BASELINES} == {"not shown"}
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
    assert (insertion.ci_low, insertion.ci_high, insertion.p_random) == (None, None, 1)
    assert insertion.gain
    assert insertion.gain > 0
    assert insertion.has_too_few_groups
    assert insertion.compare("random") == "not shown"


def test_what_has_no_better_is_not_counted() -> None:
    own = replace(scores(0.1, 0.9), rotation_variance=0.2)
    reports = {"1": [report_of(own, random=replace(own, rotation_variance=0.9))]}

    found = {row.measure: row for row in summarise(reports, {"1": "a"})}

    assert found["rotation_variance"].win_share is None
    assert (found["rotation_variance"].random, found["rotation_variance"].centre) == (0.9, None)


def reports_of(
    gains: np.typing.NDArray[np.float64], measure: str = "insertion"
) -> dict[str, list[QualityReport]]:
    """An image per gain over three maps that score 0.5; the other measure gains nothing."""
    other = scores(0.5, 0.5)
    return {
        str(index): [
            report_of(
                replace(other, **{measure: 0.5 + gain if measure == "insertion" else 0.5 - gain}),
                random=other,
                centre=other,
                blurred=other,
            )
        ]
        for index, gain in enumerate(gains.tolist())
    }


@pytest.mark.parametrize("measure", ["insertion", "deletion"])
def test_p_is_that_of_a_permutation_test_over_groups(measure: str) -> None:
    random = np.random.default_rng(3)
    gains = random.normal(0.05, 0.1, size=16).clip(-0.5, 0.5)
    groups = np.repeat(np.arange(8), 2)
    by_image = {str(index): f"group {group}" for index, group in enumerate(groups)}

    found = {row.measure: row for row in summarise(reports_of(gains, measure), by_image)}

    # The three gains are the same and the other measure never gains: one hypothesis.
    sums = np.bincount(groups, gains)
    exact = stats.permutation_test(
        (sums, np.zeros(8)), lambda x, y: float((x - y).sum()), permutation_type="samples"
    )
    for name in BASELINES:
        assert found[measure].p_against(name) == pytest.approx(exact.pvalue)


def test_a_gain_in_every_group_is_better_from_seven_groups_on() -> None:
    for groups, is_better in ((6, False), (7, True)):
        gains = np.full(groups, 0.2)

        rows = summarise(reports_of(gains), {str(index): str(index) for index in range(groups)})

        (row,) = (each for each in rows if each.measure == "insertion")
        assert row.p_random == 2 / 2**groups
        assert (row.compare("random") == "better") is is_better
        assert row.has_too_few_groups is not is_better


def test_a_loss_in_every_group_is_worse() -> None:
    rows = summarise(reports_of(np.full(9, -0.2), "deletion"), {str(i): str(i) for i in range(9)})

    (row,) = (each for each in rows if each.measure == "deletion")
    assert {row.compare(name) for name in BASELINES} == {"worse"}


def test_worthless_gains_are_rarely_better() -> None:
    random = np.random.default_rng(0)
    by_image = {str(index): str(index // 2) for index in range(24)}  # 12 groups
    called = 0
    for _ in range(200):
        noise = np.repeat(random.normal(0, 0.1, 12), 2) + random.normal(0, 0.05, 24)
        rows = summarise(reports_of(noise.clip(-0.5, 0.5)), by_image)
        called += any(row.compare("random") == "better" for row in rows)

    assert called <= stats.binom.ppf(0.999, 200, 0.05)
