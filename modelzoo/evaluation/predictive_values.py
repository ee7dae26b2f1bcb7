"""Predictive values at any prevalence, and what they mean for 1,000 people. No files."""

import math
from dataclasses import dataclass

from modelzoo.errors import UserError
from modelzoo.evaluation.intervals import Score
from modelzoo.evaluation.operating_points import Rates

PEOPLE = 1000


@dataclass(frozen=True, slots=True)
class PredictiveValues:
    """What a result is worth at one prevalence, with 95 % intervals."""

    prevalence: float
    ppv: Score  # of what is called positive, the share that is
    npv: Score  # of what is called negative, the share that is


@dataclass(frozen=True, slots=True)
class Expected:
    """How many people, with the ends of its 95 % interval; NaN where there is none."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Frequencies:
    """What becomes of `PEOPLE` at one prevalence; the four add up to them."""

    ill: float  # have the condition
    found: Expected
    missed: Expected
    alarms: Expected  # are called positive and do not have it
    cleared: Expected  # are called negative and do not have it


def check_prevalence(prevalence: float) -> float:
    """`prevalence`, where predictive values depend on the model.

    Raises:
        UserError: It is not between 0 and 1.
    """
    if prevalence in (0, 1):
        right, wrong = ("negative", "positive") if prevalence == 0 else ("positive", "negative")
        raise UserError(
            f"At a prevalence of {100 * prevalence:.0f} % every {right} result is right and every "
            f"{wrong} one wrong, whatever the model; give a prevalence between 0 and 100 %."
        )
    if not 0 < prevalence < 1:  # nor is NaN
        raise UserError(
            f"A prevalence of {prevalence:g} was given; it lies between 0 and 1, as 0.1 for 10 %."
        )
    return prevalence


def predictive_values(rates: Rates, prevalence: float) -> PredictiveValues:
    """PPV and NPV at `prevalence`, by Bayes' rule.

    PPV = 1 / (1 + (1 - p) / p / LR+) and NPV = 1 / (1 + p / (1 - p) LR-) of prevalence p: each
    falls as its ratio rises, so the ends of the intervals change places.

    Raises:
        UserError: The prevalence is not between 0 and 1.
    """
    p = check_prevalence(prevalence)
    return PredictiveValues(
        p, _worth(_alarm_ratio(rates), (1 - p) / p), _worth(_miss_ratio(rates), p / (1 - p))
    )


def likelihood_ratios(rates: Rates) -> tuple[Score, Score]:
    """LR+ = s / (1 - c) and LR- = (1 - s) / c of sensitivity s and specificity c; may be infinite.

    How much more often a positive, or a negative, result is seen with the condition than without.
    """
    alarm = _alarm_ratio(rates)
    positive = Score(_over(alarm.value), _over(alarm.ci_high), _over(alarm.ci_low), alarm.note)
    return positive, _miss_ratio(rates)


def _over(ratio: float) -> float:
    return math.inf if ratio == 0 else 1 / ratio


def _worth(ratio: Score, odds: float) -> Score:
    """1 / (1 + ratio * odds), with the ends of its interval."""
    low, value, high = (
        1 / (1 + each * odds) for each in (ratio.ci_high, ratio.value, ratio.ci_low)
    )
    return Score(value, low, high, ratio.note)


def _alarm_ratio(rates: Rates) -> Score:
    """1 / LR+: images called positive without the condition for each one with it."""
    return _ratio(_complement(rates.specificity), rates.sensitivity, "positive")


def _miss_ratio(rates: Rates) -> Score:
    """LR-: images called negative with the condition for each one without it."""
    return _ratio(_complement(rates.sensitivity), rates.specificity, "negative")


def _complement(share: Score) -> Score:
    return Score(1 - share.value, 1 - share.ci_high, 1 - share.ci_low, share.note)


def _ratio(above: Score, below: Score, called: str) -> Score:
    """The ratio of two shares of different images, with its interval from theirs.

    MOVER-R (Donner and Zou 2012, Stat Methods Med Res 21:347), written without the
    subtraction that loses digits. A bootstrap of the ratio itself has no width where no false
    positive was seen, and there a low prevalence needs it most; this is as wide as the intervals of
    sensitivity and specificity say. They are taken as independent, since they are of other images.

    Args:
        above: Value and ends in [0, 1].
        below: The same.
        called: What images are called that both count.
    """
    a, b = above.value, below.value
    if math.isnan(a) or math.isnan(b):
        return Score(math.nan, math.nan, math.nan, above.note if math.isnan(a) else below.note)
    if not a and not b:
        return Score(math.nan, math.nan, math.nan, f"No test image is called {called}.")
    value = a / b if b else math.inf
    lowest = above.ci_low * (2 * a - above.ci_low)
    highest = above.ci_high * (2 * a - above.ci_high)
    most, least = below.ci_high * (2 * b - below.ci_high), below.ci_low * (2 * b - below.ci_low)
    if math.isnan(lowest + most):
        return Score(value, math.nan, math.nan, above.note or below.note)
    rise = a * b + math.sqrt(max(a * a * b * b - lowest * most, 0))
    fall = a * b + math.sqrt(max(a * a * b * b - highest * least, 0))
    low = lowest / rise if lowest > 0 else 0.0
    high = fall / least if least > 0 else math.inf
    return Score(value, min(low, value), max(high, value))


def frequencies(rates: Rates, prevalence: float) -> Frequencies:
    """What is expected for 1,000 people, were each judged as one test image is.

    Raises:
        UserError: The prevalence is not between 0 and 1.
    """
    p = check_prevalence(prevalence)
    ill = PEOPLE * p
    well = PEOPLE - ill
    s, c = rates.sensitivity, rates.specificity
    return Frequencies(
        ill,
        Expected(ill * s.value, ill * s.ci_low, ill * s.ci_high),
        Expected(ill * (1 - s.value), ill * (1 - s.ci_high), ill * (1 - s.ci_low)),
        Expected(well * (1 - c.value), well * (1 - c.ci_high), well * (1 - c.ci_low)),
        Expected(well * c.value, well * c.ci_low, well * c.ci_high),
    )


def whole_numbers(expected: Frequencies) -> tuple[int, int, int, int]:
    """Found, missed, alarms and cleared as whole people that add up to `PEOPLE`.

    Raises:
        ValueError: One of them is not defined.
    """
    ill = round(expected.ill)
    missed, alarms = round(expected.missed.value), round(expected.alarms.value)
    return max(ill - missed, 0), min(missed, ill), alarms, PEOPLE - ill - alarms
