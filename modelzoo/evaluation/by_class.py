"""What predictions are worth on each class, with intervals over groups. Records out; no files."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelzoo.evaluation.areas import Integers, auc_by_class, average_precision_by_class
from modelzoo.evaluation.clustered import (
    PRECISION,
    SENSITIVITY,
    Floats,
    Intervals,
    count_outcomes,
    jackknife_interval,
    share_intervals,
)
from modelzoo.evaluation.intervals import ONE_GROUP, Score, Tally

NOT_DEFINED = "The class has no image here, or is never predicted, or there is no other class."


@dataclass(frozen=True, slots=True)
class ClassScores:
    """The scores of one class on one part."""

    name: str
    images: int
    groups: int  # that hold them
    predicted: int  # images of any class that are predicted as it
    sensitivity: Score
    precision: Score  # not defined where it is never predicted
    auc: Score  # against the rest, as the next
    average_precision: Score


def score_classes(found: Tally, classes: Sequence[str]) -> list[ClassScores]:
    """The scores of each class with 95 % intervals over groups, as `evaluate` has them.

    A class whose images all belong to one group has no interval.

    Args:
        found: From `tally`.
        classes: (K,), names.
    """
    images, predicted = found.confusion.sum(1), found.confusion.sum(0)
    is_here = found.confusion_by_group.sum(2) > 0  # (G, K), groups that hold the class
    is_other = found.confusion_by_group.sum((1, 2))[:, None] > found.confusion_by_group.sum(2)
    holding, others = is_here.sum(0), is_other.sum(0)
    outcomes = count_outcomes(found.confusion_by_group)
    sensitivity, precision = (share_intervals(outcomes, each) for each in (SENSITIVITY, PRECISION))
    areas, means = (
        _ranked(found, measure, np.minimum(holding, others))
        for measure in (auc_by_class, average_precision_by_class)
    )
    return [
        ClassScores(
            name,
            int(images[k]),
            int(holding[k]),
            int(predicted[k]),
            share_score(sensitivity, k),
            share_score(precision, k),
            areas[k],
            means[k],
        )
        for k, name in enumerate(classes)
    ]


def share_score(shares: Intervals, k: int) -> Score:
    """The share of class `k` with its interval, or the reason for having none."""
    value, groups = float(shares.value[k]), int(shares.groups[k])
    if math.isnan(value):
        return Score(value, math.nan, math.nan, NOT_DEFINED)
    if groups < 2:
        return Score(value, math.nan, math.nan, ONE_GROUP)
    return Score(value, float(shares.low[k]), float(shares.high[k]))


def _ranked(
    found: Tally,
    measure: Callable[[Integers, Floats, Floats], Floats],
    groups: npt.NDArray[np.intp],
) -> list[Score]:
    """A score of each class against the rest, of (K,) groups that hold the fewer of the two."""
    once = np.ones((len(found.labels), 1))
    whole = measure(found.labels, found.probabilities, once)[:, 0]
    without = found.without_each(measure)
    scores = []
    for value, each, n in zip(whole.tolist(), without, groups.tolist(), strict=True):
        low, high = jackknife_interval(value, each, n)
        is_known = not math.isnan(value)
        note = NOT_DEFINED if not is_known else ONE_GROUP if math.isnan(low) else ""
        scores.append(Score(value, low, high, note))
    return scores
