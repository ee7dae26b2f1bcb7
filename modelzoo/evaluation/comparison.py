"""Paired comparison of runs on the same groups of images."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import stats

from modelzoo.evaluation.clustered import CONFIDENCE
from modelzoo.evaluation.intervals import RESAMPLES, Evaluation, draw_groups
from modelzoo.evaluation.metrics import Floats

ROUNDING = 1e-9  # a difference in accuracy that varies less does not vary


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


@dataclass(frozen=True, slots=True)
class PairDifference:
    """How far the accuracy of one run lies above that of another on the same images.

    NaN where the two cannot be compared, and then `note` says why.
    """

    first: int  # index of the run, as in the next
    second: int
    value: float  # of the first less that of the second
    ci_low: float  # of a 95 % interval that holds for all pairs together, as `p` does
    ci_high: float
    p: float  # two-sided
    note: str = ""


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
    pairs = [(0, index + 1) for index in range(len(others))]
    compared = _compare([best, *others], pairs, resamples=resamples, seed=seed)
    return [
        AccuracyDifference(float(gap), float(gap - width), float(min(gap + width, 1.0)))
        for gap, width in zip(compared.value, compared.half_width, strict=True)
    ]


def pair_differences(
    evaluations: Sequence[Evaluation], *, resamples: int = RESAMPLES, seed: int = 0
) -> list[PairDifference]:
    """The difference in accuracy between every two runs, paired over the same groups.

    By the resamples of `accuracy_differences`, whose intervals hold for all pairs together here.
    The p value of a pair is the share of resamples in which the largest standardised deviation
    among all pairs is at least this pair's standardised difference (Westfall and Young 1993,
    single-step maxT). So it is corrected for all pairs, and below 0.05 where the interval leaves
    out zero (but for the interpolation of one quantile). Holm's correction of single p values would
    say little: 1,000 resamples give none below 0.001, which 55 pairs make 0.055.

    Two runs whose tested images differ are not compared.
    """
    pairs = list(combinations(range(len(evaluations)), 2))
    alike = [pair for pair in pairs if _are_same_images(*(evaluations[index] for index in pair))]
    found: dict[tuple[int, int], PairDifference] = {}
    if alike:
        compared = _compare(evaluations, alike, resamples=resamples, seed=seed)
        for at, pair in enumerate(alike):
            gap, width = float(compared.value[at]), float(compared.half_width[at])
            if math.isnan(compared.p[at]):
                note = ONE_GROUP if compared.groups == 1 else SAME
                found[pair] = PairDifference(*pair, gap, *_NONE, note)
            else:
                low, high = max(gap - width, -1.0), min(gap + width, 1.0)
                found[pair] = PairDifference(*pair, gap, low, high, float(compared.p[at]))
    return [found.get(pair) or PairDifference(*pair, math.nan, *_NONE, OTHER) for pair in pairs]


_NONE = (math.nan, math.nan, math.nan)
ONE_GROUP = "All test images belong to one group, so no interval and no p can be given."
SAME = "The difference is the same in every group, so resamples give no interval and no p."
OTHER = "The two were not tested on the same images, so their difference says nothing."


def _are_same_images(one: Evaluation, other: Evaluation) -> bool:
    """Whether both have the same groups with as many images of each class; no image: no."""
    return (
        one.images > 0
        and one.groups == other.groups
        and one.classes == other.classes
        and np.array_equal(one.confusion_by_group.sum(2), other.confusion_by_group.sum(2))
    )


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single answer to ==
class _Compared:
    """Differences of pairs of runs, all corrected for each other."""

    groups: int
    value: Floats  # (P,), accuracy of the first less that of the second
    half_width: Floats  # (P,), of simultaneous 95 % intervals
    p: Floats  # (P,), two-sided; NaN where the resamples do not vary


def _compare(
    models: Sequence[Evaluation], pairs: Sequence[tuple[int, int]], *, resamples: int, seed: int
) -> _Compared:
    """Compare P pairs of models over B resamples of G groups."""
    groups = sorted({group for model in models for group in model.groups})
    G = len(groups)
    right, total = np.zeros((2, len(models), G))
    for index, model in enumerate(models):
        at = np.searchsorted(groups, model.groups)
        right[index, at] = np.trace(model.confusion_by_group, axis1=1, axis2=2)
        total[index, at] = model.confusion_by_group.sum((1, 2))
    draws = draw_groups(G, resamples=resamples, seed=seed)
    accuracy = right.sum(1) / np.maximum(total.sum(1), 1)
    drawn = (right @ draws) / np.maximum(total @ draws, 1)  # (models, B)
    first, second = np.array(pairs).T
    value = accuracy[first] - accuracy[second]
    deviation = np.abs((drawn[first] - drawn[second]) - value[:, None])  # (P, B)
    error = np.sqrt((deviation**2).mean(1))
    varies = error > ROUNDING
    if G < 2 or not varies.any():
        half = np.full(len(pairs), np.inf if G < 2 else 0.0)
        return _Compared(G, value, half, np.full(len(pairs), np.nan))
    scale = np.where(varies, error, np.inf)
    largest = (deviation / scale[:, None]).max(0) * _widening(G)  # (B,)
    half = np.where(varies, error * float(np.quantile(largest, CONFIDENCE)), 0.0)
    as_large = (largest >= (np.abs(value) / scale)[:, None]).sum(1)
    return _Compared(G, value, half, np.where(varies, (1 + as_large) / (1 + resamples), np.nan))


def _widening(groups: int) -> float:
    """How much wider Student's t is than the normal for so many groups, at least two."""
    tail = (1 + CONFIDENCE) / 2
    student = float(stats.t.ppf(tail, groups - 1)) / float(stats.norm.ppf(tail))
    return student * math.sqrt(groups / (groups - 1))
