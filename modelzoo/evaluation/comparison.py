"""Paired comparison of runs on the same groups of images."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from modelzoo.evaluation.intervals import CONFIDENCE, RESAMPLES, Evaluation, draw_groups


@dataclass(frozen=True, slots=True)
class AccuracyDifference:
    """How far the accuracy of one run lies below that of another on the same images."""

    value: float
    ci_low: float
    ci_high: float

    @property
    def is_significant(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.ci_low > 0


def accuracy_differences(
    best: Evaluation, others: Sequence[Evaluation], *, resamples: int = RESAMPLES, seed: int = 0
) -> list[AccuracyDifference]:
    """How far each of `others` lies below `best`, paired over the same groups.

    The 95 % hold for all of them together: the half-width is the bootstrap's standard error times
    the 95th percentile, over resamples, of the largest standardised deviation among them (Efron and
    Tibshirani 1993, ch. 12), so that ten comparisons do not find a difference by chance. Few groups
    widen it as Student's t does; one group has an infinite one.

    A group that a run has no prediction for counts for the others alone.
    """
    if not others:
        return []
    models = [best, *others]
    groups = sorted({group for model in models for group in model.groups})
    G = len(groups)
    right, total = np.zeros((2, len(models), G))
    for index, model in enumerate(models):
        at = np.searchsorted(groups, model.groups)
        right[index, at] = np.trace(model.confusion_by_group, axis1=1, axis2=2)
        total[index, at] = model.confusion_by_group.sum((1, 2))
    draws = draw_groups(G, resamples=resamples, seed=seed)
    accuracy = right.sum(1) / total.sum(1)
    drawn_total = total @ draws  # (models, B)
    drawn = (right @ draws) / np.maximum(drawn_total, 1)
    value = accuracy[0] - accuracy[1:]
    deviation = np.abs((drawn[0] - drawn[1:]) - value[:, None])  # (others, B)
    error = np.sqrt((deviation**2).mean(1))
    standardised = deviation / np.where(error > 0, error, np.inf)[:, None]
    factor = float(np.quantile(standardised.max(0), CONFIDENCE)) * _widening(G)
    half = np.where(error > 0, error * factor, 0.0) if G > 1 else np.full(len(others), np.inf)
    return [
        AccuracyDifference(float(gap), float(gap - width), float(min(gap + width, 1.0)))
        for gap, width in zip(value, half, strict=True)
    ]


def _widening(groups: int) -> float:
    """How much wider Student's t is than the normal for so many groups."""
    if groups < 2:
        return math.inf
    tail = (1 + CONFIDENCE) / 2
    student = float(stats.t.ppf(tail, groups - 1)) / float(stats.norm.ppf(tail))
    return student * math.sqrt(groups / (groups - 1))
