"""Intervals of grouped images: cases by hand, a jackknife, laws, and coverage in simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics

from modelzoo.evaluation.clustered import (
    F1,
    F2,
    PRECISION,
    SENSITIVITY,
    SPECIFICITY,
    Share,
    count_outcomes,
    jackknife_interval,
    macro_interval,
    mean_interval,
    score_interval,
    share_intervals,
    wilson_interval,
)
from modelzoo.evaluation.metrics import accuracy, matthews_correlation

Cells = np.ndarray


def draw_cells(
    random: np.random.Generator,
    *,
    groups: int = 60,
    most: int = 3,
    share: float = 0.9,
    correlation: float = 0.3,
    rare: float = 0.25,
) -> Cells:
    """(G, 4, 4): groups of one class each, right together by a beta-binomial law."""
    classes = np.concatenate(
        [
            np.arange(4),
            random.choice(4, groups - 4, p=[rare, *[(1 - rare) / 3] * 3]),
        ]
    )
    sizes = random.integers(1, most + 1, groups)
    spread = (1 - correlation) / correlation
    right = random.binomial(sizes, random.beta(share * spread, (1 - share) * spread, groups))
    cells = np.zeros((groups, 4, 4), np.int64)
    cells[np.arange(groups), classes, classes] = right
    wrong = (classes + random.integers(1, 4, groups)) % 4
    cells[np.arange(groups), classes, wrong] += sizes - right
    return cells


def of_accuracy(cells: Cells) -> tuple[float, float]:
    return score_interval(accuracy, cells)[1:]


def alone(right: int, wrong: int) -> Cells:
    """Two classes, each image in a group of its own."""
    cells = np.zeros((right + wrong, 2, 2), np.int64)
    cells[:right, 0, 0] = cells[right:, 0, 1] = 1
    return cells


def test_images_in_groups_of_their_own_have_wilsons_interval() -> None:
    # Brown, Cai and DasGupta 2001: 90 of 100 gives 0.8256 to 0.9448; t in place of z widens it, and
    # so does leaving out one of 100 images.
    low, high = of_accuracy(alone(90, 10))
    assert 0.8256 - 0.003 < low < 0.8256
    assert 0.9448 < high < 0.9448 + 0.003


def test_all_right_by_hand() -> None:
    """60 groups of three images: correlation 0.3 makes 180 images count as 180 / 1.6."""
    cells = np.zeros((60, 2, 2), np.int64)
    cells[:30, 0, 0] = cells[30:, 1, 1] = 3
    t2 = stats.t.ppf(0.975, 59) ** 2
    expected = 1 - t2 / (180 / 1.6 + t2)

    assert of_accuracy(cells) == pytest.approx((expected, 1), abs=0.0003)  # one of 180 is left out
    value, low, high = score_interval(accuracy, cells)
    assert (value, high) == (1, 1)
    assert low == pytest.approx(expected, abs=0.001)


def test_groups_that_are_wrong_together_have_the_variance_of_the_jackknife() -> None:
    cells = draw_cells(np.random.default_rng(0), groups=900, most=4, share=0.8, correlation=0.6)
    total = cells.sum(0)
    without = [np.trace(total - each) / (total - each).sum() for each in cells]
    variance = 899 / 900 * np.square(np.array(without) - np.mean(without)).sum()
    value = np.trace(total) / total.sum()

    low, high = of_accuracy(cells)

    assert high - low == pytest.approx(2 * 1.963 * math.sqrt(variance), rel=0.02)
    assert (low + high) / 2 == pytest.approx(value, abs=0.002)


@pytest.mark.parametrize(
    ("share", "published"),
    [
        (SENSITIVITY, lambda true, given: metrics.recall_score(true, given, average=None)),
        (PRECISION, lambda true, given: metrics.precision_score(true, given, average=None)),
        (F1, lambda true, given: metrics.f1_score(true, given, average=None)),
        (F2, lambda true, given: metrics.fbeta_score(true, given, beta=2, average=None)),
        (
            SPECIFICITY,
            lambda true, given: [
                metrics.recall_score(true == k, given == k, pos_label=False) for k in range(4)
            ],
        ),
    ],
)
def test_shares_are_those_of_scikit_learn(share: Share, published: object) -> None:
    cells = draw_cells(np.random.default_rng(2), share=0.7)
    total = cells.sum(0)
    true, given_ = (np.repeat(each.ravel(), total.ravel()) for each in np.indices((4, 4)))

    found = share_intervals(count_outcomes(cells), share)

    wanted = np.asarray(published(true, given_))  # type: ignore[operator]
    np.testing.assert_allclose(found.value, wanted)
    value, low, high = macro_interval(cells, share)
    assert value == pytest.approx(wanted.mean())
    assert low < value < high


@given(st.integers(0, 10_000), st.sampled_from([(60, 3), (25, 6), (12, 8)]))
@settings(deadline=None, max_examples=60)
def test_a_better_score_has_no_lower_limit_that_falls(seed: int, shape: tuple[int, int]) -> None:
    random = np.random.default_rng(seed)
    groups, most = shape
    cells = draw_cells(random, groups=groups, most=most, share=0.96)
    wrong = np.argwhere(cells * (1 - np.eye(4, dtype=int)))
    if not len(wrong):
        return
    group, true, said = random.choice(wrong)
    better = cells.copy()
    better[group, true, said] -= 1
    better[group, true, true] += 1

    assert of_accuracy(better)[0] >= of_accuracy(cells)[0] - 0.002


@given(st.integers(0, 10_000))
@settings(deadline=None, max_examples=30)
def test_the_order_of_groups_and_classes_changes_nothing(seed: int) -> None:
    random = np.random.default_rng(seed)
    cells = draw_cells(random, groups=20)
    classes, groups = random.permutation(4), random.permutation(20)
    turned = cells[np.ix_(groups, classes, classes)]

    assert macro_interval(turned, F1) == pytest.approx(macro_interval(cells, F1))
    assert score_interval(matthews_correlation, turned, lowest=-1) == pytest.approx(
        score_interval(matthews_correlation, cells, lowest=-1)
    )


def test_a_rare_class_that_is_all_right_leaves_room_for_an_error() -> None:
    """5 of 101 images in 3 groups: a bootstrap of them never sees an error."""
    cells = np.zeros((35, 2, 2), np.int64)
    cells[:3, 0, 0] = (2, 2, 1)
    cells[3:, 1, 1] = 3

    value, low, high = macro_interval(cells, SENSITIVITY)

    assert (value, high) == (1, 1)
    assert 0.5 < low < 0.85  # an error among the five alone would make it 0.9
    assert of_accuracy(cells)[0] > 0.9


@pytest.mark.parametrize(
    ("groups", "most", "rare", "share"),
    [(67, 3, 0.25, 0.97), (25, 6, 0.25, 0.9), (67, 3, 0.05, 0.9)],
)
def test_intervals_hold_the_truth_as_often_as_they_promise(
    groups: int, most: int, rare: float, share: float
) -> None:
    """200 data sets: of 95 % a share below 0.89 has a chance of one in a thousand."""
    random = np.random.default_rng(5)
    held = dict.fromkeys(("accuracy", "sensitivity", "f1"), 0)
    for _ in range(200):
        cells = draw_cells(random, groups=groups, most=most, rare=rare, share=share)
        low, high = of_accuracy(cells)
        held["accuracy"] += low <= share <= high
        _, low, high = macro_interval(cells, SENSITIVITY)
        held["sensitivity"] += low <= share <= high
        if rare == 0.25:  # then the F1 of each class is the share itself
            _, low, high = macro_interval(cells, F1)
            held["f1"] += low <= share <= high
        else:
            held["f1"] += 1

    assert min(held.values()) >= 178


def test_the_jackknife_by_hand() -> None:
    without = np.array([0.80, 0.82, 0.78, 0.84])
    variance = 3 / 4 * (0.01**2 + 0.01**2 + 0.03**2 + 0.03**2)
    n = 0.81 * 0.19 / variance

    low, high = jackknife_interval(0.81, without, 4)

    # Squares 1, 1, 9 and 9: 2 * 20^2 / (164 - 20^2 / 4) is more than the three degrees there are.
    factor = (stats.norm.ppf(0.975) / stats.t.ppf(0.975, 3)) ** 2
    assert (low, high) == pytest.approx(wilson_interval(0.81, n * factor))
    few = np.append(np.full(20, 0.9), [0.8])  # one group makes up nearly all of the variance
    assert jackknife_interval(0.9, few, 21)[0] < 0.5
    assert np.isnan(jackknife_interval(0.81, np.array([0.8, math.nan]), 2)).all()
    low, high = jackknife_interval(0.2, np.array([0.1, 0.2, 0.3]), 3, highest=math.inf)
    assert low * high == pytest.approx(0.04)  # as far from it on a scale of logarithms
    assert 0 < low < 0.2


def test_a_mean_by_hand() -> None:
    values = np.array([1.0, 2.0, 4.0, 5.0])

    low, high = mean_interval(values, np.arange(4))

    wanted = stats.t.interval(0.95, 3, loc=3, scale=stats.sem(values))
    assert (low, high) == pytest.approx(wanted)
    assert np.isnan(mean_interval(values, np.zeros(4, np.intp))).all()


def test_wilson_interval_by_hand() -> None:
    # Brown, Cai and DasGupta 2001: 10 of 100 gives 0.0552 to 0.1744.
    assert wilson_interval(0.1, 100) == pytest.approx((0.0552, 0.1744), abs=1e-4)
