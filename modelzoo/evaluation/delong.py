"""Differences between the areas under ROC curves of runs on the same images, which come in groups.

DeLong, DeLong and Clarke-Pearson (1988), for grouped images as Obuchowski (1997) has it.
Letters: N images, K classes, T of them at once (one, or all for the macro-average), G groups.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy import stats

from modelzoo.evaluation.areas import Integers
from modelzoo.evaluation.clustered import CONFIDENCE, Floats


@dataclass(frozen=True, slots=True)
class AreaDifference:
    """How far one run's area lies above another's; NaN where there is no interval."""

    first: int  # index of the run, as in the next
    second: int
    value: float  # of the first less that of the second
    ci_low: float  # of this pair alone
    ci_high: float
    p: float  # two-sided, corrected for all pairs (Holm 1979)


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single answer to ==
class Placements:
    """Areas of classes against the rest, and how far each group moves them, to first order."""

    areas: Floats  # (T,)
    inside: Floats  # (T, G), moved by its images of the class
    outside: Floats  # (T, G), by its others


def area_differences(
    labels: Integers,
    probabilities: Sequence[Floats],
    groups: npt.NDArray[np.intp],
    target: int | None = None,
) -> list[AreaDifference]:
    """The difference between every two runs, of one class against the rest or of the mean over all.

    Args:
        labels: (N,), index of the true class, the same for all runs.
        probabilities: (N, K) of each run.
        groups: (N,), index of each image's group, from 0.
        target: Index of the class; None: the macro-average.

    Returns:
        Every pair, in the order of the runs; none where a class has no image inside or outside.
    """
    targets = range(probabilities[0].shape[1]) if target is None else [target]
    if any((labels == k).all() or not (labels == k).any() for k in targets):
        return []
    placed = [place(labels, each, groups, targets) for each in probabilities]
    factors = _factors(labels, groups, targets)
    pairs = list(combinations(range(len(placed)), 2))
    gaps, errors = [], []
    for first, second in pairs:
        one, other = placed[first], placed[second]
        gaps.append(float((one.areas - other.areas).mean()))
        moves = one.inside - other.inside, one.outside - other.outside
        errors.append(math.sqrt(max(variance(*moves, factors), 0.0)))
    t = float(stats.t.ppf((1 + CONFIDENCE) / 2, max(int(groups.max()), 1)))
    single = [
        2 * float(stats.t.sf(abs(gap) / error, int(groups.max()))) if error > 0 else math.nan
        for gap, error in zip(gaps, errors, strict=True)
    ]
    return [
        AreaDifference(*pair, gap, gap - t * error, gap + t * error, p)
        if not math.isnan(p)
        else AreaDifference(*pair, gap, math.nan, math.nan, p)
        for pair, gap, error, p in zip(pairs, gaps, errors, holm(single), strict=True)
    ]


def place(
    labels: Integers,
    probabilities: Floats,
    groups: npt.NDArray[np.intp],
    targets: Sequence[int],
) -> Placements:
    """The areas of `targets`, each with images inside and outside, and what groups add to them."""
    areas, inside, outside = [], [], []
    G = int(groups.max()) + 1
    for k in targets:
        is_inside, score = labels == k, probabilities[:, k]
        own, others = score[is_inside], score[~is_inside]
        of_own = _share_below(own, others)  # DeLong's V10: how many of the others lie below
        of_others = 1 - _share_below(others, own)  # V01: how many of the class lie above
        area = float(of_own.mean())
        areas.append(area)
        inside.append(np.bincount(groups[is_inside], of_own - area, G) / len(own))
        outside.append(np.bincount(groups[~is_inside], of_others - area, G) / len(others))
    return Placements(np.array(areas), np.array(inside), np.array(outside))


def _share_below(values: Floats, of: Floats) -> Floats:
    """The share of `of` that lies below each of `values`, ties counted half."""
    order = np.sort(of)
    below, up_to = (np.searchsorted(order, values, side) for side in ("left", "right"))
    return np.asarray((below + up_to) / (2 * len(of)))


def _factors(
    labels: Integers, groups: npt.NDArray[np.intp], targets: Sequence[int]
) -> tuple[float, float, float]:
    """I / (I - 1) of the groups that hold the class, of those that hold others, and of all."""
    is_inside = labels == targets[0]
    counts = (np.unique(groups[part]).size for part in (is_inside, ~is_inside, labels >= 0))
    own, others, every = (n / (n - 1) if n > 1 else math.nan for n in counts)
    return (own, others, every) if len(targets) == 1 else (every, every, every)


def variance(inside: Floats, outside: Floats, factors: tuple[float, float, float]) -> float:
    """Of the mean area over T classes, from (T, G) as `Placements` has them.

    Obuchowski's equation 3: S10 / M + S01 / N + 2 S11 / (MN), whose sums over images have been
    divided by M and N here.
    """
    own, others = inside.mean(0), outside.mean(0)
    of_own, of_others, every = factors
    return float(
        of_own * (own**2).sum() + of_others * (others**2).sum() + 2 * every * (own * others).sum()
    )


def holm(values: Sequence[float]) -> list[float]:
    """P values corrected for all of them (Holm 1979); those that are NaN stay and do not count."""
    known = [index for index, p in enumerate(values) if not math.isnan(p)]
    corrected, highest = list(values), 0.0
    for before, index in enumerate(sorted(known, key=values.__getitem__)):
        highest = max(highest, min((len(known) - before) * values[index], 1.0))
        corrected[index] = highest
    return corrected
