"""The interval of a mean over groups, by laws and beside SciPy's bootstrap."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from modelzoo.evaluation.intervals import mean_over_groups, wilson_interval


def test_one_group_has_a_mean_and_no_interval() -> None:
    found = mean_over_groups([0.1, 0.5], ["a", "a"])

    assert found.value == pytest.approx(0.3)
    assert math.isnan(found.ci_low)
    assert math.isnan(found.ci_high)


def test_where_all_groups_agree_the_interval_is_wilsons() -> None:
    found = mean_over_groups([1, 1, 1, 1], ["a", "a", "b", "c"])

    assert (found.ci_low, found.ci_high) == pytest.approx(wilson_interval(1, 3))


def test_what_is_no_share_keeps_its_point() -> None:
    found = mean_over_groups([3, 3, 3], ["a", "b", "c"])

    assert (found.ci_low, found.ci_high) == pytest.approx((3, 3))


def test_the_interval_is_that_of_scipy() -> None:
    sums = np.random.default_rng(0).random(40)  # one image in each group
    names = [str(i) for i in range(40)]

    found = mean_over_groups(sums, names, resamples=20_000)

    wanted = stats.bootstrap(
        (sums,), np.mean, n_resamples=20_000, method="percentile", rng=1
    ).confidence_interval
    assert (found.ci_low, found.ci_high) == pytest.approx((wanted.low, wanted.high), abs=0.005)


@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from("abcdef")), min_size=4, max_size=30))
@settings(deadline=None, max_examples=50)
def test_the_interval_lies_within_the_groups_means(found: list[tuple[float, str]]) -> None:
    values, groups = [value for value, _ in found], [group for _, group in found]
    means = [np.mean([value for value, name in found if name == group]) for group in set(groups)]
    assume(max(means) - min(means) > 1e-3)  # else it is Wilson's

    score = mean_over_groups(values, groups, resamples=200)

    assert min(means) - 1e-6 <= score.ci_low <= score.ci_high <= max(means) + 1e-6


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
