"""Sentences on a run's operating point, for pages and commands. No files, no drawing."""

import math
from collections.abc import Sequence

from modelzoo.evaluation.intervals import Score
from modelzoo.evaluation.operating_points import Criterion, suggest_positive
from modelzoo.evaluation.predictive_values import PEOPLE, Expected, Frequencies, PredictiveValues
from modelzoo.evaluation.run_thresholds import OperatingPoint
from modelzoo.runs.operating_point import KeptPoint
from modelzoo.text import confidence_interval, count, join_few, percent, shorten

ROUNDING = 1e-6  # of a number of people: 0.92 times 100 is above 92
NAME_LETTERS = 40  # of a class in a sentence
CRITERION_WORDS: dict[Criterion, str] = {
    "argmax": "predicted class (argmax)",
    "sensitivity": "wanted sensitivity",
    "specificity": "wanted specificity",
    "youden": "Youden's J",
    "typed": "typed threshold",
}


def name_classes(names: Sequence[str]) -> str:
    """`Early, Pre and Pro`; long names are shortened."""
    return join_few([shorten(name, NAME_LETTERS) for name in names])


def describe_threshold(threshold: float | None) -> str:
    """A threshold with at least three decimals, so that only exactly 1 is 1; `argmax` of none."""
    if threshold is None:
        return "argmax"
    from_end = min(threshold, 1 - threshold)
    if from_end <= 0:
        return f"{threshold:.0f}"
    return f"{threshold:.{min(max(3, 1 - math.floor(math.log10(from_end))), 9)}f}"


def describe_choice(point: OperatingPoint) -> str:
    """From which score on an image is positive, and why."""
    names, threshold = name_classes(point.choice.positive), point.threshold
    if threshold.value is None:
        one_of = "" if len(point.choice.positive) == 1 else "one of "
        return f"An image is positive where its predicted class (argmax) is {one_of}{names}."
    many = len(point.choice.positive) > 1
    scaled = _scaling(point.temperature)
    what = f"sum of the{scaled} probabilities" if many else f"{scaled} probability".lstrip()
    begin = f"An image is positive where the {what} of {names} is at least "
    begin += describe_threshold(threshold.value)
    if point.choice.criterion == "typed":
        return f"{begin}, a threshold that was typed."
    wanted = f"{point.choice.criterion} of at least {percent(point.choice.wanted or 0)}"
    which = {
        "sensitivity": f"the highest threshold with a {wanted}",
        "specificity": f"the lowest threshold with a {wanted}",
        "youden": "the threshold with the largest sum of sensitivity and specificity (Youden's J)",
    }[point.choice.criterion]
    reached = [
        f"{percent(rate)} {name}"
        for name, rate in (
            ("sensitivity", threshold.sensitivity),
            ("specificity", threshold.specificity),
        )
        if not math.isnan(rate)
    ]
    has = f", where it has {' and '.join(reached)}" if reached else ""
    return (
        f"{begin}, {which} on the validation images ({threshold.positives:,} positive, "
        f"{threshold.negatives:,} negative){has}."
    )


def _scaling(temperature: float | None) -> str:
    """Which probabilities a threshold is of, before the word."""
    return "" if temperature is None else f" calibrated (temperature {temperature:.2f})"


def describe_scores(point: OperatingPoint) -> str:
    """Whether a threshold is of calibrated probabilities, where these were asked for."""
    if point.threshold.value is None:
        return "The predicted class is the same for calibrated probabilities, so nothing changes."
    if point.temperature is None:
        return "This run has no temperature: its threshold is of probabilities as they are."
    return (
        "The threshold is of calibrated probabilities, in validation and test alike, and holds for "
        "these only."
    )


def describe_kept(kept: KeptPoint) -> str:
    """What is kept with a run."""
    images = kept.validation_positives + kept.validation_negatives
    chosen = f", chosen on {count(images, 'validation image')}" if images else ""
    by = CRITERION_WORDS[kept.criterion]
    if kept.criterion in ("sensitivity", "specificity"):
        by += f" of {percent(kept.wanted or 0)}"
    at = "" if kept.threshold is None else f" from {describe_threshold(kept.threshold)} on"
    if kept.temperature is not None:
        at += f" of calibrated probabilities (temperature {kept.temperature:.2f})"
    return f"{name_classes(kept.positive)} positive{at}, by {by}{chosen}."


def describe_rates(point: OperatingPoint) -> str:
    """Sensitivity and specificity on the test images."""
    rates = point.rates
    return " ".join(
        [
            _describe_rate(rates.positives, point.choice.positive, rates.sensitivity, "positive"),
            _describe_rate(rates.negatives, point.negative, rates.specificity, "negative"),
        ]
    )


def _describe_rate(images: int, classes: Sequence[str], rate: Score, called: str) -> str:
    kind = "sensitivity" if called == "positive" else "specificity"
    if math.isnan(rate.value):
        return f"No test image is of {name_classes(classes)}, so there is no {kind}."
    be = "is" if images == 1 else "are"
    return (
        f"Of the {count(images, 'test image')} of {name_classes(classes)} "
        f"{_with_interval(rate)} {be} {called} ({kind})."
    )


def _with_interval(rate: Score) -> str:
    """`96.0 % (95 % CI 92.1–98.7 %)`."""
    if math.isnan(rate.ci_low):
        return f"{percent(rate.value)} (no interval)"
    return f"{percent(rate.value)} ({confidence_interval(rate.ci_low, rate.ci_high)})"


def describe_values(values: PredictiveValues, *, is_set: bool) -> str:
    """PPV and NPV at a prevalence.

    Args:
        values: At that prevalence.
        is_set: Whether a person set it; else it is the share of the test set.
    """
    whose = "the prevalence set" if is_set else "the share among the test images"
    parts = [
        f"{_with_interval(worth)} of {called} results are right ({name})"
        if not math.isnan(worth.value)
        else f"{name} is not defined ({worth.note.rstrip('.').lower()})"
        for name, called, worth in (
            ("PPV", "positive", values.ppv),
            ("NPV", "negative", values.npv),
        )
    ]
    return f"At {percent(values.prevalence)}, {whose}, {' and '.join(parts)}."


def describe_frequencies(expected: Frequencies) -> str:
    """What becomes of 1,000 patients, with 95 % intervals as ranges."""
    ill, well = _people(expected.ill), _people(PEOPLE - expected.ill)
    return (
        f"Of {PEOPLE:,} patients, {ill} of whom have the condition at this prevalence, "
        f"{describe_expected(expected.found)} would be found and "
        f"{describe_expected(expected.missed)} missed; of the {well} others "
        f"{describe_expected(expected.alarms)} would get a false alarm and "
        f"{describe_expected(expected.cleared)} would be cleared (ranges: 95 % CI)."
    )


def describe_expected(people: Expected) -> str:
    """`96 (92–99)`, the ends in whole people outwards; without an interval the number alone."""
    if math.isnan(people.value):
        return "an unknown number"
    if math.isnan(people.low):
        return _people(people.value)
    low, high = math.floor(people.low + ROUNDING), math.ceil(people.high - ROUNDING)
    return f"{_people(people.value)} ({low:,}–{high:,})"


def _people(expected: float) -> str:
    """A number of people; only exactly none is 0."""
    return "fewer than 1" if 0 < expected < 0.5 else f"{expected:,.0f}"


def describe_limits(classes: Sequence[str]) -> list[str]:
    """What the picture of 1,000 patients is not.

    Args:
        classes: All of the run, to say what a negative one means where that is known.
    """
    sentences = [
        "Images are not patients: the rates are those of single images, and a patient is judged by "
        "many cells and other tests.",
        "The prevalence is an assumption, not measured here, and nothing on this page is a "
        "diagnosis.",
    ]
    if suggest_positive(classes) and any("benign" in name.casefold() for name in classes):
        sentences.append(
            "In the ALL image data set (Aria et al. 2021) benign images show hematogones, normal "
            "precursors of B cells, of patients in whom leukaemia was suspected: specificity says "
            "nothing of other findings or of healthy people."
        )
    return sentences


def describe_rate_briefly(rate: Score) -> str:
    """A share with its interval, under a title that says CI: `96.0 % (92.1–98.7)`."""
    if math.isnan(rate.value):
        return "not defined"
    if math.isnan(rate.ci_low):
        return percent(rate.value)
    ends = (percent(end).removesuffix(" %") for end in (rate.ci_low, rate.ci_high))
    return f"{percent(rate.value)} ({'–'.join(ends)})"


def describe_ratio_briefly(ratio: Score) -> str:
    """A likelihood ratio with its interval: `12.4 (6.1–31)`."""
    if math.isnan(ratio.value):
        return "not defined"
    if math.isnan(ratio.ci_low):
        return _ratio(ratio.value)
    return f"{_ratio(ratio.value)} ({_ratio(ratio.ci_low)}–{_ratio(ratio.ci_high)})"


def _ratio(value: float) -> str:
    return "\N{INFINITY}" if math.isinf(value) else f"{value:#.3g}".rstrip(".")
