"""The operating point of a run: chosen on its validation part, measured on its test part."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelzoo.datasets.splits import LEAKY, Split, count_leaked
from modelzoo.evaluation.intervals import Score
from modelzoo.evaluation.operating_points import (
    Choice,
    Criterion,
    Rates,
    Threshold,
    choose,
    choose_threshold,
    measure,
)
from modelzoo.evaluation.predictive_values import likelihood_ratios, predictive_values
from modelzoo.evaluation.run_scores import describe_leak, read_doubts, require_same_images
from modelzoo.evaluation.temperature import calibrate, find_temperature
from modelzoo.runs.folder import Run
from modelzoo.runs.operating_point import KeptPoint
from modelzoo.runs.predictions import Predictions, read_predictions
from modelzoo.runs.records import Temperature, read_split
from modelzoo.text import count


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """One run at one threshold, with what a reader must know to judge it."""

    choice: Choice
    negative: tuple[str, ...]
    threshold: Threshold
    rates: Rates
    notes: tuple[str, ...]
    # What logits are divided by for the scores that the threshold is of; None: by nothing, or it
    # does not matter, since the predicted class decides.
    temperature: float | None = None

    @property
    def share(self) -> float:
        """Share of the test images that are positive: the prevalence among them."""
        images = self.rates.positives + self.rates.negatives
        return self.rates.positives / images if images else math.nan


def find_operating_point(
    run: Run,
    positive: tuple[str, ...],
    criterion: Criterion = "argmax",
    wanted: float | None = None,
    *,
    calibrated: bool = False,
    read: Callable[[Path], Predictions] = read_predictions,
) -> OperatingPoint:
    """The threshold of `run` that is asked for, and what it does on its test images.

    Args:
        run: Its folder.
        positive: The positive classes; the others are negative.
        criterion: By what the threshold is chosen.
        wanted: As in `Choice`.
        calibrated: Whether the scores are of probabilities that are scaled by the run's
            temperature, in validation and test alike.
        read: The predictions of a run's folder, for a reader that remembers them.

    Raises:
        UserError: Split or predictions are missing or damaged, nothing can be chosen so, or the run
            has no temperature.
    """
    predictions, split = read(run.path), read_split(run.path)
    choice = choose(predictions.classes, positive, criterion, wanted)
    temperature = find_temperature(run.path, read) if calibrated else None
    if temperature:
        predictions = calibrate(predictions, temperature)
    test, validation = predictions.only("test"), predictions.only("validation")
    require_same_images(run, split, test, "test")
    notes = []
    if choice.criterion not in ("argmax", "typed") and len(validation.images):
        require_same_images(run, split, validation, "validation")
        if leaked := count_leaked(split, "validation"):
            notes.append(_describe_leaked_choice(leaked, len(validation.images)))
    threshold = choose_threshold(choice, validation if len(validation.images) else None)
    used = temperature.temperature if temperature and threshold.value is not None else None
    return _measure(run, split, test, choice, threshold, notes, used)


def measure_kept(
    run: Run, kept: KeptPoint, *, read: Callable[[Path], Predictions] = read_predictions
) -> OperatingPoint:
    """What the operating point that is kept with `run` does on its test images, as it was kept.

    Args:
        run: Its folder.
        kept: From `read_point`; its threshold and temperature are used as they are.
        read: As of `find_operating_point`.

    Raises:
        UserError: As of it, or the run has other classes by now.
    """
    predictions, split = read(run.path), read_split(run.path)
    choice = choose(predictions.classes, kept.positive, kept.criterion, kept.wanted)
    if kept.temperature is not None:
        scaling = Temperature(temperature=kept.temperature, images=0, wrong=0)
        predictions = calibrate(predictions, scaling)
    test = predictions.only("test")
    require_same_images(run, split, test, "test")
    threshold = Threshold(kept.threshold, kept.validation_positives, kept.validation_negatives)
    return _measure(run, split, test, choice, threshold, [], kept.temperature)


def _measure(
    run: Run,
    split: Split,
    test: Predictions,
    choice: Choice,
    threshold: Threshold,
    notes: list[str],
    temperature: float | None,
) -> OperatingPoint:
    """A threshold on the test images, with what a reader must know beside `notes`."""
    if leaked := count_leaked(split, "test"):
        notes.insert(0, describe_leak(leaked, len(test.images)))
    if run.config.split in LEAKY:
        notes.insert(0, LEAKY[run.config.split])
    group_by_image = split.unit_by_image
    rates = measure(test, group_by_image, choice.positive, threshold.value)
    negative = tuple(name for name in test.classes if name not in choice.positive)
    said = (*notes, *read_doubts(run))
    return OperatingPoint(choice, negative, threshold, rates, said, temperature)


def _describe_leaked_choice(leaked: int, images: int) -> str:
    """What it means for a threshold that validation images are akin to training images."""
    verb = "shares its" if leaked == 1 else "share their"
    return (
        f"{leaked} of the {count(images, 'validation image')} {verb} group with "
        "training images, so their scores are surer than those of new images, and the threshold "
        "chosen on them may do less on others."
    )


def as_kept(point: OperatingPoint) -> KeptPoint:
    """What is kept of an operating point with its run."""
    return KeptPoint(
        positive=list(point.choice.positive),
        negative=list(point.negative),
        criterion=point.choice.criterion,
        wanted=point.choice.wanted,
        threshold=point.threshold.value,
        validation_positives=point.threshold.positives,
        validation_negatives=point.threshold.negatives,
        temperature=point.temperature,
    )


def point_record(point: OperatingPoint, prevalence: float | None) -> dict[str, Any]:
    """An operating point as plain values: shares in [0, 1], ratios, counts; NaN where not known.

    Args:
        point: Of one run.
        prevalence: Of PPV and NPV; None: the share among the test images. Both are NaN where that
            is 0 or 1.

    Raises:
        UserError: The prevalence is not between 0 and 1.
    """
    used = point.share if prevalence is None else prevalence
    nothing = Score(math.nan, math.nan, math.nan)
    ppv, npv = nothing, nothing
    if prevalence is not None or 0 < used < 1:
        values = predictive_values(point.rates, used)
        ppv, npv = values.ppv, values.npv
    lr_positive, lr_negative = likelihood_ratios(point.rates)
    record: dict[str, Any] = {
        "criterion": point.choice.criterion,
        "wanted": point.choice.wanted,
        "threshold": point.threshold.value,
        "temperature": point.temperature,
        "validation_positives": point.threshold.positives,
        "validation_negatives": point.threshold.negatives,
        "validation_sensitivity": point.threshold.sensitivity,
        "validation_specificity": point.threshold.specificity,
        "test_positives": point.rates.positives,
        "test_negatives": point.rates.negatives,
        "true_positives": point.rates.found,
        "false_positives": point.rates.alarms,
        "prevalence": used,
        "prevalence_is_set": prevalence is not None,
    }
    for name, score in (
        ("sensitivity", point.rates.sensitivity),
        ("specificity", point.rates.specificity),
        ("ppv", ppv),
        ("npv", npv),
        ("lr_positive", lr_positive),
        ("lr_negative", lr_negative),
    ):
        record |= {
            name: score.value,
            f"{name}_ci_low": score.ci_low,
            f"{name}_ci_high": score.ci_high,
        }
    return record
