"""Scores with their confidence intervals over groups. Predictions in, records out; no files.

Images of one group (a patient, overlapping fields) are right and wrong together: an interval over
single images would promise more than the data can tell.
Letters: N images, G groups, K classes, B weightings.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from modelzoo.datasets.splits import PART_WORDS
from modelzoo.evaluation.areas import Floats, Integers
from modelzoo.evaluation.clustered import (
    CONFIDENCE,
    jackknife_interval,
    macro_interval,
    mean_interval,
    score_interval,
    wilson_interval,
)
from modelzoo.evaluation.metrics import METRICS, Metric, accuracy
from modelzoo.evaluation.units import Unit
from modelzoo.runs.predictions import Predictions
from modelzoo.text import join_few

FEW_GROUPS = 10  # below this many an interval rests on little: it is said


ROUNDING = 1e-12
ONE_GROUP = "All images belong to one group: no interval is possible."
CLASS_IN_ONE_GROUP = "All images of a class belong to one group: no interval is possible."


BLOCK = 1_000_000  # image weights held at once, 4 MB; 100 MB at once were no faster


@dataclass(frozen=True, slots=True)
class Score:
    """One score with its 95 % interval; NaN where it is not defined, and then `note` says why."""

    value: float
    ci_low: float
    ci_high: float
    note: str = ""


T = TypeVar("T")


class ByMetric(Mapping[str, T]):
    """Something of each score by its name in METRICS, computed when it is first asked for.

    Intervals of some scores take tens of milliseconds a run, and most tables show few.
    """

    def __init__(self, compute: Callable[[Metric], T]) -> None:
        self._compute = compute
        self._found: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        if name not in self._found:
            self._found[name] = self._compute(METRICS[name])
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(METRICS)

    def __len__(self) -> int:
        return len(METRICS)


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single answer to ==
class Evaluation:
    """What one run's predictions on one part are worth."""

    classes: tuple[str, ...]
    scores: Mapping[str, Score]  # by name in METRICS
    groups: tuple[str, ...]  # in order of name
    confusion_by_group: npt.NDArray[np.int64]  # (G, K, K), true class by predicted class
    notes: tuple[str, ...]  # what a reader must know to judge the scores
    per: Unit = "image"  # what was scored as one
    averaged: int = 0  # images that the units are means of; 0: each image is scored by itself
    undivided: int = 0  # units before those of several classes were divided by class

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
    def units(self) -> int:
        """How many images, groups or patients were scored, each as one."""
        return int(self.confusion_by_group.sum())

    @property
    def images(self) -> int:
        """How many images were scored, each by itself or in a unit."""
        return self.averaged or self.units


def evaluate(predictions: Predictions, group_by_image: Mapping[str, str]) -> Evaluation:
    """Every score of `predictions` with its 95 % interval over groups, by `clustered`.

    Args:
        predictions: Of one part; images without a label are left out.
        group_by_image: Group of each image id; one that is missing is a group of its own.
    """
    found = tally(predictions, group_by_image)
    images = zip(predictions.classes, found.confusion.sum(1), strict=True)
    missing = [name for name, n in images if not n]
    return Evaluation(
        predictions.classes,
        ByMetric(partial(_score_or_why, found=found, missing=missing)),
        found.groups,
        found.confusion_by_group,
        _notes(found, len(predictions.images)),
    )


def pool(folds: Sequence[Sequence[Evaluation]]) -> Evaluation:
    """The answers on test parts without a group in common as those on one part, with their scores.

    Scores of probabilities are not defined: those of several models are not on one scale.

    Args:
        folds: Evaluations of the runs on each part, whose answers are averaged.
    """
    first = [members[0] for members in folds]
    names = np.array([group for each in first for group in each.groups], np.str_)
    order = np.argsort(names)
    cells = np.concatenate(
        [np.mean([each.confusion_by_group for each in members], axis=0) for members in folds]
    )[order]
    K = len(first[0].classes)
    found = Tally(
        "test", np.zeros(0, int), np.zeros((0, K)), tuple(names[order].tolist()), order, cells
    )
    scores = ByMetric(
        partial(_score, found=found, why="Scores of probabilities are not pooled over folds.")
    )
    return Evaluation(first[0].classes, scores, found.groups, cells, (), first[0].per)


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single answer to ==
class Tally:
    """What scores are computed from: the labelled images of one part, and their groups."""

    part: str  # in words, as "training"
    labels: Integers  # (N,)
    probabilities: Floats  # (N, K)
    groups: tuple[str, ...]  # in order of name
    group: npt.NDArray[np.intp]  # (N,), index of each image's group
    confusion_by_group: npt.NDArray[np.int64]  # (G, K, K), true class by predicted class

    @property
    def confusion(self) -> Floats:
        """(K, K) float64, of all images."""
        return np.asarray(self.confusion_by_group.sum(0, dtype=np.float64))

    def without_each(self, measure: Callable[[Integers, Floats, Floats], Floats]) -> Floats:
        """(..., G), what `measure` makes of the images without each group in turn.

        Args:
            measure: Of labels, probabilities and weights (N, B) of images.
        """
        block = max(1, BLOCK // max(len(self.labels), 1))
        parts = [measure(self.labels, self.probabilities, np.zeros((len(self.labels), 0)))]
        for start in range(0, len(self.groups), block):
            left_out = np.arange(start, min(start + block, len(self.groups)))
            weights = (self.group[:, None] != left_out).astype(np.float32)
            parts.append(measure(self.labels, self.probabilities, weights))
        return np.concatenate(parts, axis=-1)


def tally(predictions: Predictions, group_by_image: Mapping[str, str]) -> Tally:
    """The labelled images of `predictions` with their groups; as `evaluate` has it."""
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
    return Tally(part, labels, probabilities, tuple(groups.tolist()), group, cells)


def score_accuracy(
    right: npt.NDArray[np.integer],
    images: npt.NDArray[np.integer],
    *,
    confidence: float = CONFIDENCE,
) -> Score:
    """The share of images that are right, as `evaluate` has it of all.

    Args:
        right: (G,), images of each group that are right.
        images: (G,), all of each group.
        confidence: Of the interval.
    """
    cells = np.zeros((len(images), 2, 2), np.int64)
    cells[:, 0, 0], cells[:, 0, 1] = right, images - right
    value, low, high = score_interval(accuracy, cells, confidence=confidence)
    return Score(value, low, high, ONE_GROUP if math.isnan(low) else "")


def mean_over_groups(
    values: npt.ArrayLike, groups: Sequence[str], *, is_share: bool = False
) -> Score:
    """The mean of `values` with its 95 % interval by Student's t over groups.

    Args:
        values: (N,), one per image, finite.
        groups: (N,), of each image.
        is_share: Whether no value can lie outside [0, 1]: then the interval does not, and where all
            groups agree, Wilson's for so many groups takes the place of one without width.

    Returns:
        Without an interval (NaN) where all images belong to one group.
    """
    values = np.asarray(values, np.float64)
    names, index = np.unique(np.asarray(groups, np.str_), return_inverse=True)
    mean = float(values.mean())
    low, high = mean_interval(values, index)
    if math.isnan(low):
        return Score(mean, low, high, ONE_GROUP)
    if high - low < ROUNDING and is_share:
        note = f"Every group gave the same; the interval is Wilson's for {len(names)} groups."
        return Score(mean, *wilson_interval(mean, len(names)), note)
    return Score(mean, max(low, 0.0), min(high, 1.0)) if is_share else Score(mean, low, high)


def _score(metric: Metric, found: Tally, why: str) -> Score:
    """One score of all images with its interval, or the reason for having none."""
    if metric.from_confusion:
        value = float(metric.from_confusion(found.confusion))
        if math.isnan(value):
            return Score(value, math.nan, math.nan, why)
        if len(found.groups) == 1:
            return Score(value, math.nan, math.nan, ONE_GROUP)
        if metric.share:
            _, low, high = macro_interval(found.confusion_by_group, metric.share)
        else:
            _, low, high = score_interval(
                metric.from_confusion, found.confusion_by_group, lowest=metric.lowest
            )
        return Score(value, low, high)
    assert metric.from_probabilities
    if not len(found.labels):
        return Score(math.nan, math.nan, math.nan, why)
    whole = np.ones((len(found.labels), 1))
    value = float(metric.from_probabilities(found.labels, found.probabilities, whole)[0])
    if math.isnan(value):
        return Score(value, math.nan, math.nan, why)
    if len(found.groups) == 1:
        return Score(value, math.nan, math.nan, ONE_GROUP)
    if metric.interval:
        ends = metric.interval(found.labels, found.probabilities, found.group)
        return Score(value, *ends)
    if metric.without_each:
        without = metric.without_each(found.labels, found.probabilities, found.group)
    else:
        without = found.without_each(metric.from_probabilities)
    if np.isnan(without).any():
        return Score(value, math.nan, math.nan, CLASS_IN_ONE_GROUP)
    low, high = jackknife_interval(
        value, without, len(found.groups), lowest=metric.lowest, highest=metric.highest
    )
    return Score(value, low, high)


def _score_or_why(metric: Metric, found: Tally, missing: list[str]) -> Score:
    return _score(metric, found, _why(metric, missing, found))


def _why(metric: Metric, missing: list[str], found: Tally) -> str:
    """Why a score of these images may be undefined."""
    if not len(found.labels):
        return f"No {found.part} image has a label."
    if metric.from_probabilities and missing:
        have = "has" if len(missing) == 1 else "have"
        return f"{metric.title} is not defined: {join_few(missing)} {have} no {found.part} images."
    return f"All {found.part} images are of one class."


def _notes(found: Tally, predicted: int) -> tuple[str, ...]:
    """What a reader must know of the groups and labels of the images.

    Args:
        found: Those with a label.
        predicted: How many there are with and without.
    """
    part, groups = found.part, len(found.groups)
    notes = []
    if groups == 0:
        notes.append(f"No {part} image has a label, so there is nothing to score.")
    elif groups == 1:
        notes.append(f"All {part} images belong to one group, so no interval can be given.")
    elif groups < FEW_GROUPS:
        notes.append(f"The {part} images belong to only {groups} groups, so intervals are rough.")
    if unlabelled := predicted - len(found.labels):
        images = "images have" if unlabelled > 1 else "image has"
        notes.append(f"{unlabelled} {part} {images} no known label and cannot be scored.")
    return tuple(notes)
