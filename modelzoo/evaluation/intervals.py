"""Confidence intervals of scores: a bootstrap over groups. Predictions in, records out; no files.

Images of one group (a patient, overlapping fields) are drawn together, since their errors are
correlated: drawing single images would promise more than the data can tell.
Letters: N images, G groups, K classes, B resamples.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import stats

from modelzoo.datasets.splits import PART_WORDS
from modelzoo.evaluation.metrics import METRICS, Floats, Integers, Metric
from modelzoo.runs.predictions import Predictions
from modelzoo.text import join_few

CONFIDENCE = 0.95


RESAMPLES = 1000


FEWEST_RESAMPLES = 40  # in which a score is defined: one lies beyond each end of the interval


FEW_GROUPS = 10  # below this many a bootstrap is known to be too narrow (Cameron et al. 2008)


BLOCK = 1_000_000  # image weights held at once, 4 MB; 100 MB at once were no faster


@dataclass(frozen=True, slots=True)
class Score:
    """One score with its 95 % interval; NaN where it is not defined, and then `note` says why."""

    value: float
    ci_low: float
    ci_high: float
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single answer to ==
class Evaluation:
    """What one run's predictions on one part are worth."""

    classes: tuple[str, ...]
    scores: dict[str, Score]  # by name in METRICS
    groups: tuple[str, ...]  # in order of name
    confusion_by_group: npt.NDArray[np.int64]  # (G, K, K), true class by predicted class
    notes: tuple[str, ...]  # what a reader must know to judge the scores

    @property
    def confusion(self) -> npt.NDArray[np.int64]:
        """(K, K), true class by predicted class."""
        return np.asarray(self.confusion_by_group.sum(0))

    @property
    def missing_classes(self) -> list[str]:
        """Those without an image."""
        images = zip(self.classes, self.confusion.sum(1), strict=True)
        return [name for name, n in images if not n]

    @property
    def images(self) -> int:
        """How many images were scored."""
        return int(self.confusion_by_group.sum())


def evaluate(
    predictions: Predictions,
    group_by_image: Mapping[str, str],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Evaluation:
    """Every score of `predictions` with its 95 % percentile interval over groups.

    Where the resamples all agree (100 % right) their interval would have no width, though the next
    group may well be wrong: Wilson's interval for that share of G groups takes its place, which for
    100 % is about 1 - 4/G to 1. A macro score of 100 % is treated the same, and so is a score in
    [-1, 1], as the share of that range which lies below it.

    Args:
        predictions: Of one part; images without a label are left out.
        group_by_image: Group of each image id; one that is missing is a group of its own.
        resamples: How many times the groups are drawn.
        seed: Of the draws: runs with the same groups are given the same ones.
    """
    drawn = resample(predictions, group_by_image, resamples=resamples, seed=seed)
    images = zip(predictions.classes, drawn.confusion.sum(1), strict=True)
    missing = [name for name, n in images if not n]
    groups = len(drawn.groups)
    scores = {
        name: score(
            _value(metric, drawn),
            _resampled(metric, drawn),
            groups,
            _why(metric, missing, drawn),
            lowest=metric.lowest,
        )
        for name, metric in METRICS.items()
    }
    return Evaluation(
        predictions.classes,
        scores,
        drawn.groups,
        drawn.confusion_by_group,
        _notes(drawn, len(predictions.images)),
    )


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single answer to ==
class Resampled:
    """What scores are computed from: the labelled images of one part, and how often each counts."""

    part: str  # in words, as "training"
    labels: Integers  # (N,)
    probabilities: Floats  # (N, K)
    groups: tuple[str, ...]  # in order of name
    group: npt.NDArray[np.intp]  # (N,), index of each image's group
    draws: npt.NDArray[np.float32]  # (G, B)
    confusion_by_group: npt.NDArray[np.int64]  # (G, K, K), true class by predicted class
    confusions: Floats  # (B, K, K), of each resample

    @property
    def confusion(self) -> Floats:
        """(K, K) float64, of all images."""
        return np.asarray(self.confusion_by_group.sum(0, dtype=np.float64))

    def of_probabilities(self, measure: Callable[[Integers, Floats, Floats], Floats]) -> Floats:
        """(..., B), what `measure` makes of labels, probabilities and weights (N, B) of images."""
        block = max(1, BLOCK // max(len(self.labels), 1))
        starts = range(0, self.draws.shape[1], block)
        weights = (np.take(self.draws[:, at : at + block], self.group, 0) for at in starts)
        parts = [measure(self.labels, self.probabilities, each) for each in weights]
        return np.concatenate(parts, axis=-1)


def resample(
    predictions: Predictions,
    group_by_image: Mapping[str, str],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Resampled:
    """The labelled images of `predictions`, and resamples of their groups; as `evaluate` has it."""
    has_label = predictions.labels >= 0
    labels = predictions.labels[has_label]
    probabilities = predictions.probabilities[has_label]
    images = [image for image, has in zip(predictions.images, has_label, strict=True) if has]
    K = len(predictions.classes)
    groups, group = np.unique(
        np.array([group_by_image.get(image, image) for image in images], dtype=np.str_),
        return_inverse=True,
    )
    cells = np.zeros((len(groups), K, K), np.int64)
    predicted = probabilities.argmax(1) if len(labels) else labels
    np.add.at(cells, (group, labels, predicted), 1)
    part = PART_WORDS[predictions.parts[0]] if predictions.parts else "test"
    draws = draw_groups(len(groups), resamples=resamples, seed=seed)
    confusions = resample_confusions(cells, draws)
    names = tuple(groups.tolist())
    return Resampled(part, labels, probabilities, names, group, draws, cells, confusions)


def resample_confusions(
    confusion_by_group: npt.NDArray[np.int64], draws: npt.NDArray[np.float32]
) -> Floats:
    """(B, K, K) float64, the confusion matrix of each resample, of (G, K, K) and draws (G, B)."""
    G, K, _ = confusion_by_group.shape
    tallies = draws.T @ confusion_by_group.reshape(G, K * K).astype(np.float32)
    return tallies.reshape(-1, K, K).astype(np.float64)


@lru_cache(maxsize=8)
def draw_groups(groups: int, *, resamples: int, seed: int) -> npt.NDArray[np.float32]:
    """(G, B) float32, read only: how often each group is drawn in each resample of G groups."""
    generator = np.random.default_rng(seed)
    drawn = generator.integers(0, max(groups, 1), size=(resamples, groups))
    cell = drawn + groups * np.arange(resamples)[:, None]
    counts = np.bincount(cell.ravel(), minlength=groups * resamples)
    draws = np.ascontiguousarray(counts.reshape(resamples, groups).T, dtype=np.float32)
    draws.flags.writeable = False
    return draws


def mean_over_groups(
    values: npt.ArrayLike,
    groups: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Score:
    """The mean of `values` with its 95 % percentile interval over groups.

    Args:
        values: (N,), one per image, finite.
        groups: (N,), of each image.
        resamples: How many times the groups are drawn.
        seed: Of the draws: the same for every mean over the same groups.

    Returns:
        Without an interval (NaN) where all images belong to one group.
    """
    values = np.asarray(values, np.float64)
    names, index = np.unique(np.asarray(groups, np.str_), return_inverse=True)
    draws = draw_groups(len(names), resamples=resamples, seed=seed)
    sums, counts = np.bincount(index, weights=values), np.bincount(index)
    resampled = (draws.T @ sums) / (draws.T @ counts)
    return score(float(values.mean()), resampled, len(names), "")


def wilson_interval(share: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share of `n` (Wilson 1927): never of zero width."""
    z = float(stats.norm.ppf((1 + CONFIDENCE) / 2))
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, min(centre - half, share)), min(1.0, max(centre + half, share))


def score(value: float, resampled: Floats, groups: int, why: str, *, lowest: float = 0.0) -> Score:
    """`value` with the percentile interval of `resampled`, or the reason for having none.

    Args:
        value: Over all images; NaN where it is not defined.
        resampled: (B,), over each resample; those in which it is not defined (NaN), since they lack
            a class, are left out, and counted in the note.
        groups: How many were drawn from.
        why: The note of a value that is not defined.
        lowest: What the value cannot fall below; the highest is 1.
    """
    if math.isnan(value):
        return Score(value, math.nan, math.nan, why)
    if groups == 1:
        reason = "All images belong to one group: no interval is possible."
        return Score(value, math.nan, math.nan, reason)
    defined = resampled[~np.isnan(resampled)]
    without = len(resampled) - len(defined)
    if len(defined) < min(FEWEST_RESAMPLES, len(resampled)):
        reason = f"{without:,} of {len(resampled):,} resamples lack a class: no interval."
        return Score(value, math.nan, math.nan, reason)
    note = ""
    if without:
        lack = "lacks a class and is" if without == 1 else "lack a class and are"
        note = f"{without:,} of {len(resampled):,} resamples {lack} left out of the interval."
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    share = (value - lowest) / (1 - lowest)
    is_share = -1e-6 < share < 1 + 1e-6  # tallies of resamples are float32: so much is rounding
    if high - low > 1e-6 or not is_share:
        return Score(value, float(low), float(high), note)
    ends = wilson_interval(min(max(share, 0.0), 1.0), groups)
    low, high = (lowest + (1 - lowest) * end for end in ends)
    same = f"Every resample gave the same score; the interval is Wilson's for {groups} groups."
    return Score(value, low, high, f"{same} {note}".rstrip())


def _value(metric: Metric, drawn: Resampled) -> float:
    """The metric over all images."""
    if metric.from_confusion:
        return float(metric.from_confusion(drawn.confusion))
    assert metric.from_probabilities
    if not len(drawn.labels):
        return math.nan
    whole = np.ones((len(drawn.labels), 1))
    return float(metric.from_probabilities(drawn.labels, drawn.probabilities, whole)[0])


def _resampled(metric: Metric, drawn: Resampled) -> Floats:
    """(B,) the metric over each resample."""
    if metric.from_confusion:
        return metric.from_confusion(drawn.confusions)
    assert metric.from_probabilities
    if not len(drawn.labels):
        return np.full(drawn.draws.shape[1], math.nan)
    return drawn.of_probabilities(metric.from_probabilities)


def _why(metric: Metric, missing: list[str], drawn: Resampled) -> str:
    """Why a score of these images may be undefined."""
    if not len(drawn.labels):
        return f"No {drawn.part} image has a label."
    if metric.from_probabilities and missing:
        have = "has" if len(missing) == 1 else "have"
        return f"{metric.title} is not defined: {join_few(missing)} {have} no {drawn.part} images."
    return f"All {drawn.part} images are of one class."


def _notes(drawn: Resampled, predicted: int) -> tuple[str, ...]:
    """What a reader must know of the groups and labels of the images.

    Args:
        drawn: Those with a label.
        predicted: How many there are with and without.
    """
    part, groups = drawn.part, len(drawn.groups)
    notes = []
    if groups == 0:
        notes.append(f"No {part} image has a label, so there is nothing to score.")
    elif groups == 1:
        notes.append(f"All {part} images belong to one group, so no interval can be given.")
    elif groups < FEW_GROUPS:
        notes.append(
            f"The {part} images belong to only {groups} groups: intervals are rough, and too "
            "narrow."
        )
    if unlabelled := predicted - len(drawn.labels):
        images = "images have" if unlabelled > 1 else "image has"
        notes.append(f"{unlabelled} {part} {images} no known label and cannot be scored.")
    return tuple(notes)
