"""What chance does to a calibration error: arrays in, numbers out, no files.

Chance adds to the mean distance of confidence and share, so a bootstrap or jackknife of it never
comes down to 0 (`benchmarks.calibration` has the jackknife). Here test sets are imagined in its
place: of ideal calibration with labels drawn from the probabilities (Bröcker and Smith 2007,
10.1175/WAF993.1; Vaicenavicius et al. 2019, arXiv:1902.06977), and of errors larger than that, of
which the interval holds those that give an error such as the one seen often enough.
Letters: N images, M bins, G groups, S test sets imagined.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelzoo.evaluation.clustered import (
    ASSUMED_CORRELATION,
    ASSUMED_GROUPS,
    CONFIDENCE,
    SENSITIVITY,
    share_intervals,
)
from modelzoo.evaluation.losses import Floats, Integers, confidence_and_outcome, in_bins

SIMULATED = 1000  # test sets of ideal calibration: the highest of 97.5 % of them is known to 2 %
IMAGINED = 1000  # of larger errors, by the normal law
BLOCK = 2_000_000  # random numbers held at once, 8 MB
STEPS = 12  # halvings of an interval of errors: to 0.0003
DRAWN = 3  # images that a bin's share is drawn towards its mean probability by

Bools = npt.NDArray[np.bool_]
Groups = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class IdealCalibration:
    """The ECE of a model whose probabilities are all true, on as many images, in as many bins.

    Its labels are drawn from the probabilities of the run itself, those of one group together as
    far as the run's are.
    """

    mean: float
    highest: float  # 97.5 % of such test sets lie at it or below


@dataclass(frozen=True, slots=True)
class ErrorInterval:
    """What a calibration error that was seen says of the one behind it."""

    low: float  # of the 95 % interval; 0: not distinguishable from ideal calibration
    high: float
    debiased: float  # the error under which half of all test sets would lie below the one seen
    ideal: IdealCalibration


def ece_interval(labels: Integers, probabilities: Floats, group: Groups) -> tuple[float, float]:
    """The 95 % interval of `losses.expected_calibration_error`, of at least two groups.

    Args:
        labels: (N,).
        probabilities: (N, K).
        group: (N,), index of each image's group, from 0.
    """
    confidence, outcome = confidence_and_outcome(labels, probabilities)
    found = error_interval(confidence, outcome, group)
    return found.low, found.high


def error_interval(
    confidence: Floats, outcome: Bools, group: Groups, *, of_class: bool = False, seed: int = 0
) -> ErrorInterval:
    """The 95 % interval of a calibration error over groups of images.

    It begins at 0 unless the error is larger than in 97.5 % of test sets of ideal calibration. Else
    its ends are the errors under which 2.5 % of test sets give as much, or as little. The upper end
    is at least that of the distance between mean probability and share, by `share_intervals`,
    since no calibration error is smaller than that distance. It covers 95 % or more:
    `benchmarks.calibration`.

    Args:
        confidence: (N,), N > 0, probability of the outcome.
        outcome: (N,), whether it came.
        group: (N,), index of each image's group, from 0.
        of_class: Whether it is one class against the rest and not the predicted class, whose
            probability is too high where it is wrong.
        seed: Of the test sets.

    Returns:
        Both ends NaN where all images belong to one group.
    """
    confidence = confidence.astype(np.float64)
    at = in_bins(confidence).argmax(0)
    error = float(np.abs(np.bincount(at, confidence - outcome)).sum()) / len(outcome)
    rho = correlation_within(confidence, outcome, at, group)
    ideal = simulate_ideal(confidence, group, rho, seed=seed)
    if len(np.unique(group)) < 2:
        return ErrorInterval(math.nan, math.nan, math.nan, ideal)
    imagine = _imagined(confidence, at, group, rho, of_class=of_class, seed=seed)
    tail = (1 - CONFIDENCE) / 2
    low = 0.0
    if error > ideal.highest:
        low = _solve(imagine, lambda errors: (errors >= error).mean() >= tail)
    high = _solve(imagine, lambda errors: (errors <= error).mean() < tail)
    high = max(high, error, _largest_distance(confidence, outcome, group))
    middle = _solve(imagine, lambda errors: (errors >= error).mean() >= 0.5)
    low = min(low, error)
    return ErrorInterval(low, high, min(max(middle, low), high), ideal)


def correlation_within(confidence: Floats, outcome: Bools, at: Groups, group: Groups) -> float:
    """How far images of one group have their outcomes together, [0, 1], beyond their bins' shares.

    Of few groups with a rarer outcome little is seen, so it is averaged with the one assumed, as in
    `clustered`.

    Args:
        confidence: (N,).
        outcome: (N,).
        at: (N,), index of each image's bin.
        group: (N,), index of each image's group.
    """
    images = np.bincount(at)
    came = np.bincount(at, outcome)
    share = (came + DRAWN * np.bincount(at, confidence) / images) / (images + DRAWN)
    p = share[at]
    spread = np.sqrt(p * (1 - p))
    off = outcome - (came / images)[at]
    pairs = float((np.bincount(group, spread) ** 2).sum() - (spread**2).sum())
    together = float((np.bincount(group, off) ** 2).sum() - (off**2).sum())
    seen = int(min((np.bincount(group, each) > 0).sum() for each in (outcome, ~outcome)))
    if pairs < 1e-9:  # no two images of one group
        return ASSUMED_CORRELATION
    shown = min(max(together / pairs, 0.0), 1.0)
    return (shown * seen + ASSUMED_CORRELATION * ASSUMED_GROUPS) / (seen + ASSUMED_GROUPS)


def simulate_ideal(
    confidence: Floats,
    group: Groups,
    correlation: float,
    *,
    simulations: int = SIMULATED,
    seed: int = 0,
) -> IdealCalibration:
    """The ECE of test sets whose outcomes come with exactly the probability `confidence` (N,).

    An image takes a number of its group for its own with the root of the correlation as
    probability: two images of equal probability then have outcomes of that correlation.

    Args:
        confidence: (N,).
        group: (N,), index of each image's group, from 0.
        correlation: Within groups, [0, 1].
        simulations: How many test sets.
        seed: Of the outcomes.
    """
    generator = np.random.default_rng(seed)
    members = in_bins(confidence).astype(np.float32)
    N, G = len(confidence), int(group.max()) + 1
    wanted = confidence.astype(np.float32)[:, None]
    expected = (members @ wanted).astype(np.float64)
    errors = []
    for start in range(0, simulations, max(1, BLOCK // N)):
        size = min(max(1, BLOCK // N), simulations - start)
        drawn = generator.random((N, size), dtype=np.float32)
        shared = generator.random((N, size), dtype=np.float32) < math.sqrt(correlation)
        of_group = generator.random((G, size), dtype=np.float32)[group]
        came = np.where(shared, of_group, drawn) < wanted
        off = np.abs(members @ came.astype(np.float32) - expected)
        errors.append(off.sum(0, dtype=np.float64) / N)
    found = np.concatenate(errors)
    return IdealCalibration(float(found.mean()), float(np.quantile(found, (1 + CONFIDENCE) / 2)))


def _imagined(
    confidence: Floats, at: Groups, group: Groups, rho: float, *, of_class: bool, seed: int
) -> Callable[[float], tuple[float, Floats]]:
    """A function of a shift of all probabilities: the true error, and (S,) errors seen under it.

    Bins' gaps are normal with the covariance of outcomes that are correlated by `rho` within
    groups, and as wide in the tails as Student's t of so many groups. The true probability is lower
    than the model's by the shift: the predicted class is right less often. That of one class lies
    nearer to one half.
    """
    N, G, M = len(confidence), int(group.max()) + 1, int(at.max()) + 1
    generator = np.random.default_rng(seed)
    heavy = np.sqrt((G - 1) / generator.chisquare(G - 1, (IMAGINED, 1)))
    base = generator.standard_normal((IMAGINED, M)) * heavy
    cell = group * M + at
    down = np.where(confidence < 0.5, -1.0, 1.0) if of_class else 1.0

    def imagine(shift: float) -> tuple[float, Floats]:
        p = np.clip(confidence - down * shift, 0, 1)
        variance = p * (1 - p)
        by_group = np.bincount(cell, np.sqrt(variance), minlength=G * M).reshape(G, M) / N
        alone = np.diag(np.bincount(at, variance, minlength=M)) / N**2
        covariance = (1 - rho) * alone + rho * by_group.T @ by_group
        root = np.linalg.cholesky(covariance + 1e-15 * np.eye(M))
        gaps = np.bincount(at, confidence - p, minlength=M) / N
        return float(np.abs(gaps).sum()), np.abs(gaps + base @ root.T).sum(1)

    return imagine


def _solve(
    imagine: Callable[[float], tuple[float, Floats]], is_enough: Callable[[Floats], np.bool_]
) -> float:
    """The least true error whose errors seen are enough, which larger ones then are, too."""
    if is_enough(imagine(0.0)[1]):
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if is_enough(imagine(middle)[1]) else (middle, high)
    return imagine(high)[0]


def _largest_distance(confidence: Floats, outcome: Bools, group: Groups) -> float:
    """The upper end of the distance between mean probability and share."""
    came, not_come = (np.bincount(group, each).astype(float) for each in (outcome, ~outcome))
    none = np.zeros_like(came)
    outcomes = np.stack([came, not_come, none, none], axis=-1)[:, None]
    share = share_intervals(outcomes, SENSITIVITY)
    mean = float(confidence.mean())
    return max(mean - float(share.low[0]), float(share.high[0]) - mean)
