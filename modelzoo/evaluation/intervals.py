"""Confidence intervals of scores: a bootstrap over groups. Predictions in, records out; no files.

Images of one group (a patient, overlapping fields) are drawn together, since their errors are
correlated: drawing single images would promise more than the data can tell.
Letters: N images, G groups, K classes, B resamples.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import stats

from modelzoo.evaluation.metrics import METRICS, Floats, Integers, Metric
from modelzoo.runs.predictions import Predictions

CONFIDENCE = 0.95


RESAMPLES = 1000


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
    100 % is about 1 - 4/G to 1. A macro score of 100 % is treated the same.

    Args:
        predictions: Of one part; images without a label are left out.
        group_by_image: Group of each image id; one that is missing is a group of its own.
        resamples: How many times the groups are drawn.
        seed: Of the draws: runs with the same groups are given the same ones.
    """
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

    draws = draw_groups(len(groups), resamples=resamples, seed=seed)
    tallies = draws.T @ cells.reshape(len(groups), K * K).astype(np.float32)
    confusions = tallies.reshape(resamples, K, K).astype(np.float64)
    scored = _Scored(labels, probabilities, group, draws, confusions, cells.sum(0, dtype=float))
    missing = [
        name
        for name, count in zip(predictions.classes, cells.sum((0, 2)), strict=True)
        if not count
    ]
    scores = {
        name: _score(
            math.nan if missing and metric.needs_every_class else _value(metric, scored),
            _resampled(metric, scored),
            len(groups),
            _why(metric, missing, images),
        )
        for name, metric in METRICS.items()
    }
    return Evaluation(
        predictions.classes,
        scores,
        tuple(groups.tolist()),
        cells,
        _notes(missing, len(groups), int((~has_label).sum())),
    )


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
    return _score(float(values.mean()), resampled, len(names), "")


def wilson_interval(share: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share of `n` (Wilson 1927): never of zero width."""
    z = float(stats.norm.ppf((1 + CONFIDENCE) / 2))
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, min(centre - half, share)), min(1.0, max(centre + half, share))


def _score(value: float, resampled: Floats, groups: int, why: str) -> Score:
    """`value` with the percentile interval of `resampled`, or the reason for having none."""
    if math.isnan(value):
        return Score(value, math.nan, math.nan, why)
    if groups == 1:
        return Score(
            value,
            math.nan,
            math.nan,
            "All test images belong to one group: no interval is possible.",
        )
    tail = (1 - CONFIDENCE) / 2
    low, high = np.nanquantile(resampled, [tail, 1 - tail])
    is_share = -1e-6 < value < 1 + 1e-6  # tallies of resamples are float32: so much is rounding
    if high - low > 1e-6 or not is_share:
        return Score(value, float(low), float(high))
    low, high = wilson_interval(min(max(value, 0.0), 1.0), groups)
    return Score(
        value,
        low,
        high,
        f"Every resample gave the same score; the interval is Wilson's for {groups} groups.",
    )


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single answer to ==
class _Scored:
    """What every metric is computed from: the images, and the resamples of their groups."""

    labels: Integers  # (N,)
    probabilities: Floats  # (N, K)
    group: npt.NDArray[np.intp]  # (N,), index of each image's group
    draws: npt.NDArray[np.float32]  # (G, B)
    confusions: Floats  # (B, K, K)
    confusion: Floats  # (K, K), of all images


def _value(metric: Metric, scored: _Scored) -> float:
    """The metric over all images."""
    if metric.from_confusion:
        return float(metric.from_confusion(scored.confusion))
    whole = np.ones((len(scored.labels), 1))
    return float(_of_probabilities(metric, scored, whole)[0])


def _resampled(metric: Metric, scored: _Scored) -> Floats:
    """(B,) the metric over each resample; of probabilities in blocks of resamples."""
    if metric.from_confusion:
        return metric.from_confusion(scored.confusions)
    block = max(1, BLOCK // max(len(scored.labels), 1))
    return np.concatenate(
        [
            _of_probabilities(
                metric, scored, np.take(scored.draws[:, at : at + block], scored.group, 0)
            )
            for at in range(0, scored.draws.shape[1], block)
        ]
    )


def _of_probabilities(metric: Metric, scored: _Scored, weights: Floats) -> Floats:
    assert metric.from_probabilities
    if not len(scored.labels):
        return np.full(weights.shape[1], math.nan)
    return metric.from_probabilities(scored.labels, scored.probabilities, weights)


def _why(metric: Metric, missing: list[str], images: list[str]) -> str:
    """Why a score of these images may be undefined."""
    if not images:
        return "No test image has a label."
    if metric.needs_every_class and missing:
        classes = " or ".join(missing)
        return f"No test image is of class {classes}, so its {metric.title} is not defined."
    return "All test images are of one class."


def _notes(missing: list[str], groups: int, unlabelled: int) -> tuple[str, ...]:
    notes = []
    if missing and groups:
        notes.append(
            f"No test image is of class {' or '.join(missing)}; means over classes leave it out."
        )
    if groups == 0:
        notes.append("No test image has a label, so there is nothing to score.")
    elif groups == 1:
        notes.append("All test images belong to one group, so no interval can be given.")
    elif groups < FEW_GROUPS:
        notes.append(
            f"The test images belong to only {groups} groups: intervals are rough, and too narrow."
        )
    if unlabelled:
        images = "images have" if unlabelled > 1 else "image has"
        notes.append(f"{unlabelled} test {images} no known label and cannot be scored.")
    return tuple(notes)
