"""Confidence intervals of shares of grouped images, and of means of shares. Arrays in and out.

Images of one group (a patient, overlapping fields) are right and wrong together, so that N images
tell as much as N / d independent ones; d is the design effect (Kish 1965). The intervals are
Wilson's (1927) with this effective number and Student's t in place of the normal (Korn and Graubard
1998; Dean and Pagano 2015 compare such intervals). A bootstrap over groups is too narrow for few
groups and near 100 %, where few of its resamples hold an error: `benchmarks.evaluation` has both.
Letters: G groups, K classes, S shares.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.floating]

CONFIDENCE = 0.95

# The design effect that errors show is averaged with the one of this correlation within groups, as
# if that came from so many groups with an error: of none or one nothing can be seen. Chosen by
# `benchmarks.evaluation`: less is too narrow where whole groups are wrong together.
ASSUMED_CORRELATION = 0.3
ASSUMED_GROUPS = 3


@dataclass(frozen=True, slots=True)
class Share:
    """What true positives, false negatives, false positives and true negatives of a class count."""

    above: tuple[float, float, float, float]
    below: tuple[float, float, float, float]  # at least as much, and not of all the same kinds


SENSITIVITY = Share((1, 0, 0, 0), (1, 1, 0, 0))
PRECISION = Share((1, 0, 0, 0), (1, 0, 1, 0))
SPECIFICITY = Share((0, 0, 0, 1), (0, 0, 1, 1))
F1 = Share((2, 0, 0, 0), (2, 1, 1, 0))
F2 = Share((5, 0, 0, 0), (5, 4, 1, 0))


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single answer to ==
class Intervals:
    """S shares with their 95 % intervals; NaN where no image counts."""

    value: Floats  # (S,), in [0, 1]
    low: Floats  # (S,)
    high: Floats  # (S,)
    influence: Floats  # (G, S): how far each group moves each share, to first order
    groups: npt.NDArray[np.intp]  # (S,), groups in which images count
    independent: Floats  # (S,), images that would be as certain were none grouped with another
    moved: Floats  # (S, 4): how far an image moves each share, to first order


def count_outcomes(confusion_by_group: npt.NDArray[np.int64]) -> Floats:
    """(G, K, 4), true and false positives and negatives of each class, in the order of `Share`."""
    cells = confusion_by_group.astype(float)
    hit = np.diagonal(cells, axis1=1, axis2=2)
    missed, alarm = cells.sum(2) - hit, cells.sum(1) - hit
    rest = cells.sum((1, 2))[:, None] - hit - missed - alarm
    return np.stack([hit, missed, alarm, rest], axis=-1)


def share_intervals(outcomes: Floats, share: Share) -> Intervals:
    """Shares with their intervals over groups.

    Args:
        outcomes: (G, S, 4), from `count_outcomes`.
        share: Which of them count.
    """
    above, below = np.asarray(share.above), np.asarray(share.below)
    total = outcomes.sum(0)  # (S, 4)
    counted = total @ below
    has_images = counted > 0
    value = np.divide(total @ above, counted, out=np.full(len(counted), np.nan), where=has_images)
    divisor = np.where(has_images, counted, 1.0)
    known = np.nan_to_num(value)
    # To first order an image moves the share by how far it lies above or below it.
    moved = (above - known[:, None] * below) / divisor[:, None]  # (S, 4)
    influence = (outcomes * moved).sum(-1)  # (G, S)
    size = outcomes @ (below > 0)  # (G, S), images that count
    groups = (size > 0).sum(0)
    low, high = np.full((2, len(counted)), np.nan)
    independent = np.full(len(counted), np.nan)
    for index in np.flatnonzero(has_images):
        independent[index] = _independent(
            total[index], moved[index], above, below, float(value[index])
        )
        ends = _interval(
            float(value[index]),
            float(independent[index]),
            _design(influence[:, index], total[index], moved[index], size[:, index]),
            int(groups[index]),
            CONFIDENCE,
        )
        low[index], high[index] = ends
    return Intervals(value, low, high, influence, groups, independent, moved)


def macro_interval(
    confusion_by_group: npt.NDArray[np.int64], share: Share
) -> tuple[float, float, float]:
    """The mean over the classes that occur of their share, with its interval over groups.

    The variance of each class is that of a share drawn towards the mean, so that a class whose few
    images are all right leaves open what they leave open, and not nothing. Student's t has the
    degrees of freedom of Satterthwaite (1946), so that what rests on few groups counts as that.

    Args:
        confusion_by_group: (G, K, K); classes without an image are left out.
        share: Of each class; 0 where no image counts, as the precision of one never predicted.

    Returns:
        Value and both ends; NaN without images.
    """
    present = confusion_by_group.sum((0, 2)) > 0
    if not present.any():
        return math.nan, math.nan, math.nan
    shares = share_intervals(count_outcomes(confusion_by_group), share)
    value = np.nan_to_num(shares.value[present])
    groups = np.maximum(shares.groups[present], 1)
    mean, K = float(value.mean()), len(value)
    n = np.nan_to_num(shares.independent[present], nan=1.0)
    moved = np.where(present[:, None], shares.moved, 0.0)
    cells = _spread_over_cells(moved) / K  # (K, K): how far an image of each kind moves the mean
    total = confusion_by_group.sum(0)
    alone = value * (1 - value) / n  # (K,), variances of the classes' own shares
    plain = float((total * cells**2).sum())
    drawn = (value * groups + mean * ASSUMED_GROUPS) / (groups + ASSUMED_GROUPS)
    variances = drawn * (1 - drawn) / n
    if 0 < mean < 1:
        # One error can count in two classes: as much more as it does in what is there.
        together = plain / (float(alone.sum()) / K**2) if plain > 0 and alone.any() else 1.0
        images = mean * (1 - mean) / (float(variances.sum()) / K**2 * together)
    else:
        variances = 1 / n**2
        wrong = cells[np.ix_(present, present)]
        images = 1 / max(float(np.abs(wrong[~np.eye(K, dtype=bool)]).max(initial=0)), 1e-9)
    moves = (confusion_by_group * cells).sum((1, 2))
    seen = int(min((moves < 0).sum(), (moves > 0).sum()))
    design = _average_design(moves, plain, confusion_by_group.sum((1, 2)), seen)
    free = groups - 1 + ASSUMED_GROUPS
    degrees = float(variances.sum() ** 2 / (variances**2 / free).sum()) if variances.any() else 1.0
    low, high = _interval(mean, images, design, degrees + 1, CONFIDENCE)
    errors = sum(above < below for above, below in zip(share.above, share.below, strict=True))
    if mean >= 1 and errors == 1:  # else an error counts in two classes
        # Errors in all classes at once are less likely than in the one that counts most.
        halves = 1 - np.nan_to_num(shares.low[present])
        low = max(low, 1 - math.sqrt(float((halves**2).sum())) / K)
    return mean, low, high


def _spread_over_cells(moved: Floats) -> Floats:
    """(K, K), true class by predicted class: how far one image moves the sum over the classes.

    Args:
        moved: (K, 4), by what it is to each class, in the order of `Share`.
    """
    hit, missed, alarm, rest = moved.T
    cells = rest.sum() + (missed - rest)[:, None] + (alarm - rest)[None, :]
    np.fill_diagonal(cells, rest.sum() + hit - rest)
    return np.asarray(cells)


def score_interval(
    function: Callable[[Floats], Floats],
    confusion_by_group: npt.NDArray[np.int64],
    *,
    lowest: float = 0.0,
    confidence: float = CONFIDENCE,
) -> tuple[float, float, float]:
    """Any score of a confusion matrix with its interval, as the share of its range below it.

    The variance is the jackknife's over groups, set against the one over images for the design
    effect.

    Args:
        function: (..., K, K) float64 -> (...), at most 1.
        confusion_by_group: (G, K, K).
        lowest: What the score cannot fall below.
        confidence: Of the interval.

    Returns:
        Value and both ends; NaN where the score, or its interval, is not defined.
    """
    cells = confusion_by_group.astype(float)
    total, size = cells.sum(0), cells.sum((1, 2))
    K, groups = len(total), int((size > 0).sum())
    value = float(function(total))
    if math.isnan(value) or groups < 2:
        return value, math.nan, math.nan
    scale = 1 - lowest
    kinds = np.eye(K * K).reshape(K * K, K, K)  # one image of each kind
    counts = total.ravel()
    without = function(np.maximum(total - kinds, 0.0)) - value
    with_one = function(total + kinds) - value
    influence = np.nan_to_num(function(total - cells) - value) / scale
    moved = np.where(counts > 0, np.nan_to_num(without), 0.0) / scale
    images = float((counts * moved**2).sum())
    share = (value - lowest) / scale
    if images > 0 and 0 < share < 1:
        n = share * (1 - share) / images
    else:
        n = 1 / max(float(np.abs(np.nan_to_num(with_one)).max()) / scale, 1e-9)
    wrong = size - np.trace(cells, axis1=1, axis2=2)
    design = _average_design(influence, images, size, int((wrong > 0).sum()))
    low, high = _interval(share, n, design, groups, confidence)
    return value, lowest + scale * low, lowest + scale * high


def jackknife_interval(
    value: float,
    without: Floats,
    groups: float,
    *,
    lowest: float = 0.0,
    highest: float = 1.0,
) -> tuple[float, float]:
    """The interval of any score from what it is without each group in turn (Efron 1982).

    Of a score in [lowest, highest] in Wilson's form; of one without an upper end Student's t of its
    logarithm.

    Args:
        value: Over all images.
        without: (G,), NaN where it is not defined; then there is no interval (NaN).
        groups: How many hold what the score rests on; where it is the same without each group, it
            is as certain as a share of so many.
        lowest: What the score cannot fall below.
        highest: What it cannot exceed; infinite where nothing bounds it.
    """
    G = len(without)
    if G < 2 or np.isnan(without).any() or math.isnan(value):
        return math.nan, math.nan
    squares = (without - without.mean()) ** 2
    variance = float((G - 1) / G * squares.sum())
    return _within(value, variance, _degrees(squares), groups, lowest, highest)


def folds_interval(
    values: Floats, *, lowest: float = 0.0, highest: float = 1.0
) -> tuple[float, float]:
    """The interval of the mean of a score over folds whose test images differ, by Student's t.

    In the form of `jackknife_interval`. Folds share training images, so that they vary a little
    together (Bengio and Grandvalet 2004); what a simulation of clusters shows is in
    `docs/statistics.md`.

    Args:
        values: (F,), one per fold; of one fold there is no interval (NaN).
        lowest: What the score cannot fall below.
        highest: What it cannot exceed; infinite where nothing bounds it.
    """
    F = len(values)
    if F < 2 or np.isnan(values).any():
        return math.nan, math.nan
    variance = float(values.var(ddof=1)) / F
    return _within(float(values.mean()), variance, F - 1, F, lowest, highest)


def _within(
    value: float, variance: float, degrees: float, groups: float, lowest: float, highest: float
) -> tuple[float, float]:
    """The interval of a score of known variance, within what it can be."""
    if math.isinf(highest):
        if value <= lowest:
            return math.nan, math.nan
        t = float(special.stdtrit(degrees, (1 + CONFIDENCE) / 2))
        factor = math.exp(t * math.sqrt(variance) / (value - lowest))
        return lowest + (value - lowest) / factor, lowest + (value - lowest) * factor
    scale = highest - lowest
    share = min(max((value - lowest) / scale, 0.0), 1.0)
    n = float(groups)
    if variance > 1e-18 and 0 < share < 1:
        n = share * (1 - share) / (variance / scale**2)
        groups = min(groups, degrees + 1)
    low, high = _interval(share, n, 1.0, groups, CONFIDENCE)
    return lowest + scale * low, lowest + scale * high


def _degrees(squares: Floats) -> float:
    """Degrees of freedom of a sum of (G,) squares by Satterthwaite (1946), from how they vary.

    G - 1 at most, and few where few groups make up the sum, as near an area of 1.
    """
    G, total = len(squares), float(squares.sum())
    spread = float((squares**2).sum()) - total**2 / G
    return float(G - 1) if spread <= 0 else min(max(2 * total**2 / spread, 1.0), G - 1)


def mean_interval(values: Floats, groups: npt.NDArray[np.intp]) -> tuple[float, float]:
    """The interval of a mean over images by Student's t over groups; NaN of a single group.

    Args:
        values: (N,), one per image.
        groups: (N,), index of each image's group, from 0.
    """
    G, N = int(groups.max()) + 1, len(values)
    if G < 2:
        return math.nan, math.nan
    mean = float(values.mean())
    sums = np.bincount(groups, weights=values - mean)
    error = math.sqrt(G / (G - 1) * float((sums**2).sum())) / N
    half = float(special.stdtrit(G - 1, (1 + CONFIDENCE) / 2)) * error
    return mean - half, mean + half


def _independent(total: Floats, moved: Floats, above: Floats, below: Floats, value: float) -> float:
    """How many images a plain share as certain as this one would have, were they independent."""
    variance = float((total * moved**2).sum())
    if variance > 0 and 0 < value < 1:
        return value * (1 - value) / variance
    # All are right, or all wrong: 1 over what one more of the other kind would move.
    heaviest = below[below > above] if value >= 1 else above[above > 0]
    return float(total @ below / heaviest.max())


def _design(influence: Floats, total: Floats, moved: Floats, size: Floats) -> float:
    """The design effect of one share."""
    images = float((total * moved**2).sum())
    with_error = int((np.abs(influence) > 0).sum()) if images > 0 else 0
    down, up = int((influence < 0).sum()), int((influence > 0).sum())
    return _average_design(influence, images, size, min(with_error, down, up))


def _average_design(influence: Floats, images: float, size: Floats, seen: int) -> float:
    """The design effect that `seen` groups show, averaged with the one that is assumed.

    Args:
        influence: (G,), of the groups.
        images: Variance of the score were all images independent.
        size: (G,), images of each group that count.
        seen: Groups that hold the rarer outcome.
    """
    groups = int((size > 0).sum())
    # Kish: the number of images in the group of an image, on average over the images.
    mates = float((size**2).sum() / size.sum())
    assumed = 1 + (mates - 1) * ASSUMED_CORRELATION
    if images <= 0 or groups < 2 or not seen:
        return assumed
    shown = float((influence**2).sum()) * groups / (groups - 1) / images
    return max((shown * seen + assumed * ASSUMED_GROUPS) / (seen + ASSUMED_GROUPS), 1.0)


def _interval(
    share: float, n: float, design: float, groups: float, confidence: float
) -> tuple[float, float]:
    tail = (1 + confidence) / 2
    # Not stats.t.ppf, which checks its arguments for longer than all the rest takes.
    z, t = float(special.ndtri(tail)), float(special.stdtrit(max(groups - 1, 1), tail))
    return wilson_interval(share, n / design * (z / t) ** 2, confidence=confidence)


def wilson_interval(
    share: float, n: float, *, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Wilson's interval of a share of `n` (Wilson 1927): never of zero width."""
    z = float(special.ndtri((1 + confidence) / 2))
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, min(centre - half, share)), min(1.0, max(centre + half, share))
