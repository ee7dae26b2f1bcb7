"""Bayes' rule by hand, and intervals of ratios against their equation and in simulation."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from modelzoo.errors import UserError
from modelzoo.evaluation.intervals import Score
from modelzoo.evaluation.operating_points import Rates
from modelzoo.evaluation.predictive_values import (
    frequencies,
    likelihood_ratios,
    predictive_values,
    whole_numbers,
)


def rates_of(found: int, positives: int, cleared: int, negatives: int) -> Rates:
    """Rates with Wilson's intervals, as scipy has them, of independent images."""

    def share(right: int, images: int) -> Score:
        ends = stats.binomtest(right, images).proportion_ci(method="wilson")
        return Score(right / images, min(ends.low, right / images), max(ends.high, right / images))

    return Rates(
        positives,
        negatives,
        found,
        negatives - cleared,
        share(found, positives),
        share(cleared, negatives),
    )


def test_of_1000_people_by_hand() -> None:
    rates = rates_of(90, 100, 160, 200)

    of_all = frequencies(rates, 0.1)
    values = predictive_values(rates, 0.1)

    assert of_all.ill == 100
    assert whole_numbers(of_all) == (90, 10, 180, 720)
    assert of_all.found.value == pytest.approx(90)
    assert of_all.missed.value == pytest.approx(10)
    assert of_all.alarms.value == pytest.approx(180)
    assert of_all.cleared.value == pytest.approx(720)
    assert values.ppv.value == pytest.approx(90 / 270)
    assert values.npv.value == pytest.approx(720 / 730)


def test_likelihood_ratios_by_hand() -> None:
    positive, negative = likelihood_ratios(rates_of(90, 100, 160, 200))

    assert positive.value == pytest.approx(0.9 / 0.2)
    assert negative.value == pytest.approx(0.1 / 0.8)
    assert positive.ci_low < positive.value < positive.ci_high
    assert negative.ci_low < negative.value < negative.ci_high


def test_at_the_share_of_the_test_set_ppv_is_the_share_of_positives_that_are_right() -> None:
    values = predictive_values(rates_of(90, 100, 160, 200), 100 / 300)

    assert values.ppv.value == pytest.approx(90 / 130)
    assert values.npv.value == pytest.approx(160 / 170)


shares = st.floats(0.01, 0.99)


@given(shares, shares, st.floats(0.01, 1), st.floats(0.01, 1), shares)
def test_ends_solve_the_equation_of_mover_r(
    s: float, c: float, down: float, up: float, prevalence: float
) -> None:
    sensitivity = Score(s, s * (1 - down), s + (1 - s) * up)
    specificity = Score(c, c * (1 - up), c + (1 - c) * down)
    rates = Rates(9, 9, 9, 9, sensitivity, specificity)

    values = predictive_values(rates, prevalence)

    a, low_a, high_a = 1 - c, 1 - specificity.ci_high, 1 - specificity.ci_low
    odds = (1 - prevalence) / prevalence
    low, high = (_ratio_of(end, odds) for end in (values.ppv.ci_high, values.ppv.ci_low))
    assert (a - low * s) ** 2 == pytest.approx(
        (a - low_a) ** 2 + (low * (sensitivity.ci_high - s)) ** 2, abs=1e-6
    )
    assume(high < 1e6)
    assert (a - high * s) ** 2 == pytest.approx(
        (a - high_a) ** 2 + (high * (s - sensitivity.ci_low)) ** 2, rel=1e-6, abs=1e-6
    )


def _ratio_of(worth: float, odds: float) -> float:
    """(1 - specificity) / sensitivity, from the predictive value."""
    return (1 / worth - 1) / odds if worth else math.inf


@given(st.integers(0, 20), st.integers(0, 20), st.integers(1, 99), st.integers(20, 40))
def test_values_lie_in_their_intervals_and_these_between_0_and_1(
    found: int, cleared: int, percent: int, images: int
) -> None:
    values = predictive_values(rates_of(found, images, cleared, images), percent / 100)

    for each in (values.ppv, values.npv):
        if not math.isnan(each.value):
            assert 0 <= each.ci_low <= each.value <= each.ci_high <= 1
            assert each.ci_high - each.ci_low > 1e-4


def test_without_a_false_alarm_a_rare_condition_still_leaves_ppv_in_doubt() -> None:
    values = predictive_values(rates_of(100, 100, 50, 50), 0.01)

    # 3.7 % is the upper limit of 0 in 50 with 95 % on both sides, by Wilson 7.1 %.
    assert values.ppv.value == 1
    assert values.ppv.ci_low == pytest.approx(0.01 / (0.01 + 0.0713 * 0.99), abs=0.01)


def test_a_model_that_calls_nothing_positive_has_no_ppv() -> None:
    values = predictive_values(rates_of(0, 100, 50, 50), 0.1)

    assert math.isnan(values.ppv.value)
    assert values.ppv.note == "No test image is called positive."
    assert values.npv.value == pytest.approx(0.9)


def test_a_model_that_calls_everything_positive_has_the_prevalence_as_ppv() -> None:
    rates = rates_of(100, 100, 0, 50)

    values = predictive_values(rates, 0.1)

    assert values.ppv.value == pytest.approx(0.1)
    assert math.isnan(values.npv.value)
    assert likelihood_ratios(rates)[0].value == 1


def test_a_perfect_test_has_an_infinite_ratio() -> None:
    positive, negative = likelihood_ratios(rates_of(100, 100, 50, 50))

    assert positive.value == positive.ci_high == math.inf
    assert 10 < positive.ci_low < 20  # 1 / 0.0713
    assert (negative.value, negative.ci_low) == (0, 0)


@pytest.mark.parametrize(
    ("s", "c", "positives", "negatives"),
    [
        (0.95, 0.9, 60, 40),
        (0.99, 0.97, 40, 60),
        (0.7, 0.8, 25, 25),
    ],
)
def test_intervals_hold_the_truth_as_often_as_they_say(
    s: float, c: float, positives: int, negatives: int
) -> None:
    generator = np.random.default_rng(0)
    p, times = 0.1, 600
    truth = s * p / (s * p + (1 - c) * (1 - p)), c * (1 - p) / (c * (1 - p) + (1 - s) * p)

    held = np.zeros(2)
    for found, cleared in zip(
        generator.binomial(positives, s, times),
        generator.binomial(negatives, c, times),
        strict=True,
    ):
        values = predictive_values(rates_of(int(found), positives, int(cleared), negatives), p)
        for at, each in enumerate((values.ppv, values.npv)):
            held[at] += each.ci_low <= truth[at] <= each.ci_high

    assert (held / times > 0.93).all()
    assert (held / times < 0.985).all()


@pytest.mark.parametrize(
    ("prevalence", "sentence"),
    [
        (0.0, "At a prevalence of 0 % every negative result is right"),
        (1.0, "At a prevalence of 100 % every positive result is right"),
        (10.0, "A prevalence of 10 was given; it lies between 0 and 1, as 0.1 for 10 %."),
        (-0.1, "A prevalence of -0.1 was given"),
        (math.nan, "A prevalence of nan was given"),
    ],
)
def test_a_prevalence_at_which_nothing_depends_on_the_model_is_a_sentence(
    prevalence: float, sentence: str
) -> None:
    rates = rates_of(90, 100, 160, 200)

    with pytest.raises(UserError, match=sentence):
        predictive_values(rates, prevalence)
    with pytest.raises(UserError, match=sentence):
        frequencies(rates, prevalence)


@given(st.floats(0.0001, 0.9999), st.integers(0, 40), st.integers(0, 40))
def test_people_add_up_to_1000(prevalence: float, found: int, cleared: int) -> None:
    expected = frequencies(rates_of(found, 40, cleared, 40), prevalence)

    four = (expected.found, expected.missed, expected.alarms, expected.cleared)
    assert sum(each.value for each in four) == pytest.approx(1000)
    assert all(each.low <= each.value + 1e-9 <= each.high + 2e-9 for each in four)
    whole = whole_numbers(expected)
    assert sum(whole) == 1000
    assert min(whole) >= 0
    assert np.abs(np.subtract(whole, [each.value for each in four])).max() < 1.5


def test_without_an_interval_there_is_none_of_what_follows() -> None:
    sensitivity = Score(0.9, math.nan, math.nan, "All images belong to one group.")
    rates = Rates(9, 9, 8, 1, sensitivity, Score(0.8, 0.7, 0.9))

    values = predictive_values(rates, 0.1)

    assert values.ppv.value == pytest.approx(1 / 3)
    assert math.isnan(values.ppv.ci_low)
    assert math.isnan(values.npv.ci_high)
    assert values.ppv.note == "All images belong to one group."
    assert math.isnan(frequencies(rates, 0.1).found.low)
