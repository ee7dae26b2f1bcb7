"""What is said of an operating point."""

import math

import pytest

from modelzoo.evaluation.intervals import Score
from modelzoo.evaluation.operating_points import Choice, Rates, Threshold
from modelzoo.evaluation.operating_words import (
    describe_choice,
    describe_frequencies,
    describe_limits,
    describe_rate_briefly,
    describe_rates,
    describe_ratio_briefly,
    describe_threshold,
    describe_values,
)
from modelzoo.evaluation.predictive_values import frequencies, predictive_values
from modelzoo.evaluation.run_thresholds import OperatingPoint

BLASTS = ("Early", "Pre", "Pro")
RATES = Rates(500, 105, 480, 2, Score(0.96, 0.92, 0.99), Score(0.98, 0.94, 0.997))
NONE = Score(math.nan, math.nan, math.nan, "No test image is positive.")


def point(choice: Choice, threshold: Threshold, rates: Rates = RATES) -> OperatingPoint:
    return OperatingPoint(choice, ("Benign",), threshold, rates, ())


@pytest.mark.parametrize(
    ("threshold", "text"),
    [
        (None, "argmax"),
        (0.5, "0.500"),
        (0.98765, "0.988"),
        (0.99996, "0.999960"),
        (0.00012, "0.00012"),
        (1.0, "1"),
        (0.0, "0"),
    ],
)
def test_only_exactly_1_is_1(threshold: float | None, text: str) -> None:
    assert describe_threshold(threshold) == text


def test_a_threshold_is_said_with_the_set_that_chose_it() -> None:
    chosen = point(Choice(BLASTS, "sensitivity", 0.99), Threshold(0.8312, 248, 54, 0.992, 0.963))

    assert describe_choice(chosen) == (
        "An image is positive where the sum of the probabilities of Early, Pre and Pro is at least "
        "0.831, the highest threshold with a sensitivity of at least 99.0 % on the validation "
        "images (248 positive, 54 negative), where it has 99.2 % sensitivity and 96.3 % "
        "specificity."
    )


def test_without_a_threshold_nothing_is_said_of_validation() -> None:
    one = point(Choice(("Pro",)), Threshold(None))
    typed = point(Choice(BLASTS, "typed", 0.7), Threshold(0.7))

    assert describe_choice(one) == (
        "An image is positive where its predicted class (argmax) is Pro."
    )
    assert "one of Early, Pre and Pro" in describe_choice(point(Choice(BLASTS), Threshold(None)))
    assert describe_choice(typed).endswith("at least 0.700, a threshold that was typed.")
    assert "validation" not in describe_choice(typed)


def test_rates_name_their_images() -> None:
    assert describe_rates(point(Choice(BLASTS), Threshold(None))) == (
        "Of the 500 test images of Early, Pre and Pro 96.0 % (95 % CI 92.0–99.0 %) are positive "
        "(sensitivity). Of the 105 test images of Benign 98.0 % (95 % CI 94.0–99.7 %) are negative "
        "(specificity)."
    )


def test_what_cannot_be_said_is_said() -> None:
    nothing = Rates(0, 105, 0, 2, NONE, RATES.specificity)

    words = describe_rates(point(Choice(BLASTS), Threshold(None), nothing))

    assert words.startswith("No test image is of Early, Pre and Pro, so there is no sensitivity.")
    assert "PPV is not defined (no test image is positive)" in describe_values(
        predictive_values(nothing, 0.1), is_set=True
    )
    assert "an unknown number would be found" in describe_frequencies(frequencies(nothing, 0.1))
    assert describe_rate_briefly(NONE) == describe_ratio_briefly(NONE) == "not defined"


def test_values_say_whose_the_prevalence_is() -> None:
    values = predictive_values(RATES, 0.1)

    assert describe_values(values, is_set=True).startswith(
        "At 10.0 %, the prevalence set, 84.2 % (95 % CI "  # 96 of 96 + 18
    )
    assert "99.5 % (95 % CI " in describe_values(values, is_set=True)  # 882 of 882 + 4
    assert "the share among the test images" in describe_values(values, is_set=False)


def test_of_1000_patients_the_ranges_are_those_of_the_rates() -> None:
    assert describe_frequencies(frequencies(RATES, 0.1)) == (
        "Of 1,000 patients, 100 of whom have the condition at this prevalence, 96 (92–99) would be "
        "found and 4 (1–8) missed; of the 900 others 18 (2–54) would get a false alarm and 882 "
        "(846–898) would be cleared (ranges: 95 % CI)."
    )


def test_fewer_than_one_is_not_none() -> None:
    words = describe_frequencies(frequencies(RATES, 0.0004))

    assert "1,000 patients, fewer than 1 of whom have the condition" in words
    assert "fewer than 1 (0–1) missed" in words


def test_limits_name_hematogones_where_benign_is_known() -> None:
    known, unknown = describe_limits(("Benign", *BLASTS)), describe_limits(("cat", "dog"))

    assert "Images are not patients" in known[0]
    assert "diagnosis" in known[1]
    assert "hematogones" in known[2]
    assert unknown == known[:2]


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (Score(4.5, 3.21, 6.789), "4.50 (3.21–6.79)"),
        (Score(math.inf, 14.02, math.inf), "\N{INFINITY} (14.0–\N{INFINITY})"),
        (Score(0.0, 0.0, 0.0371), "0.00 (0.00–0.0371)"),
        (Score(120.4, math.nan, math.nan), "120"),
    ],
)
def test_ratios_have_three_digits(ratio: Score, text: str) -> None:
    assert describe_ratio_briefly(ratio) == text
