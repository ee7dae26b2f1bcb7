"""The interval of a mean over groups, by laws and beside SciPy's t."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from modelzoo.evaluation.clustered import wilson_interval
from modelzoo.evaluation.intervals import mean_over_groups


def test_one_group_has_a_mean_and_no_interval() -> None:
    found = mean_over_groups([0.1, 0.5], ["a", "a"])

    assert found.value == pytest.approx(0.3)
    assert math.isnan(found.ci_low)
    assert math.isnan(found.ci_high)


def test_where_all_groups_agree_the_interval_is_wilsons() -> None:
    found = mean_over_groups([1, 1, 1, 1], ["a", "a", "b", "c"], is_share=True)

    assert (found.ci_low, found.ci_high) == pytest.approx(wilson_interval(1, 3))


def test_what_is_no_share_keeps_its_point() -> None:
    found = mean_over_groups([3, 3, 3], ["a", "b", "c"])

    assert (found.ci_low, found.ci_high) == pytest.approx((3, 3))


def test_the_interval_is_that_of_scipy() -> None:
    sums = np.random.default_rng(0).random(40)  # one image in each group
    names = [str(i) for i in range(40)]

    found = mean_over_groups(sums, names)

    wanted = stats.t.interval(0.95, 39, loc=sums.mean(), scale=stats.sem(sums))
    assert (found.ci_low, found.ci_high) == pytest.approx(wanted)


@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from("abcdef")), min_size=4, max_size=30))
@settings(deadline=None, max_examples=50)
def test_the_interval_of_a_share_is_one(found: list[tuple[float, str]]) -> None:
    values, groups = [value for value, _ in found], [group for _, group in found]
    assume(len(set(groups)) > 1)

    score = mean_over_groups(values, groups, is_share=True)

    assert 0 <= score.ci_low <= score.value + 1e-9
    assert score.value - 1e-9 <= score.ci_high <= 1


def test_a_gain_that_is_none_passes_with_few_groups_no_more_often_than_with_many() -> None:
    random = np.random.default_rng(0)
    for groups in (2, 3, 8):
        passed = 0
        for _ in range(400):
            effect = random.normal(size=groups).repeat(3)
            names = [str(n // 3) for n in range(3 * groups)]
            passed += mean_over_groups(effect + random.normal(size=3 * groups), names).ci_low > 0
        assert passed <= 20  # 2.5 % is 10


def test_the_interval_holds_the_mean_and_narrows_with_groups() -> None:
    values = np.random.default_rng(0).random(200)
    few, many = [str(i % 5) for i in range(200)], [str(i % 100) for i in range(200)]

    clustered = np.sort(values)  # so that groups of neighbours differ
    together = mean_over_groups(clustered, [str(i // 40) for i in range(200)])
    apart = mean_over_groups(clustered, many)

    for groups in (few, many):
        found = mean_over_groups(values, groups)
        assert found.ci_low < values.mean() < found.ci_high
    assert together.ci_high - together.ci_low > 2 * (apart.ci_high - apart.ci_low)
