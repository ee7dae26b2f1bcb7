"""Metrics from confusion matrices and probabilities; one row per metric. No files."""

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from modelzoo.text import fraction, percent

Floats = npt.NDArray[np.floating]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Metric:
    """One score, in [0, 1]: its name in tables, what it means, and how it is written."""

    name: str
    title: str
    help: str
    unit: Literal["%", ""] = "%"  # "": a fraction, as areas are given

    def describe(self, value: float) -> str:
        """`95.8 %`, or `0.995` of a fraction."""
        return percent(value) if self.unit == "%" else fraction(value)

    def describe_interval(self, low: float, high: float) -> str:
        """`91.2–98.7`, without the unit."""
        return f"{self.describe(low).removesuffix(' %')}–{self.describe(high).removesuffix(' %')}"


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("accuracy", "Accuracy", "Share of the test images whose true class is predicted."),
        Metric(
            "balanced_accuracy",
            "Balanced accuracy",
            "Mean over the classes of the share that is predicted correctly: rare classes count as "
            "much as common ones.",
        ),
        Metric(
            "precision",
            "Precision",
            "Of the images predicted as a class, the share that belongs to it; mean over the "
            "classes.",
        ),
        Metric(
            "sensitivity",
            "Sensitivity",
            "Of the images of a class, the share that is predicted as it; mean over the classes, "
            "which makes it equal to balanced accuracy.",
        ),
        Metric(
            "specificity",
            "Specificity",
            "Of the images of all other classes, the share that is not predicted as this one; mean "
            "over the classes.",
        ),
        Metric("f1", "F1", "Harmonic mean of precision and sensitivity; mean over the classes."),
        Metric(
            "auc",
            "AUC",
            "Area under the ROC curve: the chance that an image of a class gets a higher "
            "probability for it than an image of another one; mean over the classes. 0.5 is "
            "guessing, 1 no error at any threshold.",
            unit="",
        ),
    )
}


def scores_of_confusion(confusion: npt.ArrayLike) -> dict[str, Floats]:
    """Every score that follows from confusion matrices (..., K, K), each (...) float64.

    Means over classes run over those that occur as a true class (scikit-learn's
    `balanced_accuracy_score` does the same); a class that is never predicted has precision 0.
    What is not defined (no image at all; specificity with one true class) is NaN.
    """
    cells = np.asarray(confusion, np.float64)
    support = cells.sum(-1)  # (..., K), true
    given = cells.sum(-2)  # (..., K), predicted
    right = np.diagonal(cells, axis1=-2, axis2=-1)
    total = support.sum(-1)
    outside = total[..., None] - support
    is_present = support > 0

    sensitivity = _divide(right, support)
    precision = np.where(given > 0, _divide(right, given), 0.0)
    specificity = _divide(outside - (given - right), outside)
    f1 = _divide(2 * right, support + given)

    def mean(values: Floats) -> Floats:
        return _divide(np.where(is_present, values, 0.0).sum(-1), is_present.sum(-1))

    return {
        "accuracy": _divide(right.sum(-1), total),
        "balanced_accuracy": mean(sensitivity),
        "precision": mean(precision),
        "sensitivity": mean(sensitivity),
        "specificity": mean(specificity),
        "f1": mean(f1),
    }


def auc_by_class(labels: Integers, probabilities: Floats, weights: Floats) -> Floats:
    """Area under the ROC curve of each class against the rest, ties counted half.

    Sorted once for all resamples: Mann and Whitney's count of (image inside, image outside)
    pairs in the right order, weighted.

    Args:
        labels: (N,), index of the true class.
        probabilities: (N, K).
        weights: (N, B), how often each image is in each resample.

    Returns:
        (K, B) float64; NaN where a class has no image inside or none outside.
    """
    areas = np.empty((probabilities.shape[1], weights.shape[1]))
    for target in range(probabilities.shape[1]):
        is_inside = labels == target
        score = probabilities[:, target]
        outside = np.flatnonzero(~is_inside)
        outside = outside[np.argsort(score[outside], kind="stable")]
        below = np.zeros((len(outside) + 1, weights.shape[1]), weights.dtype)
        np.cumsum(weights[outside], axis=0, out=below[1:])
        low = np.searchsorted(score[outside], score[is_inside], side="left")
        high = np.searchsorted(score[outside], score[is_inside], side="right")
        inside = weights[is_inside]
        ordered = np.einsum("nb,nb->b", inside, below[low], dtype=np.float64)
        if (low == high).all():
            ordered_or_tied = ordered
        else:
            ordered_or_tied = np.einsum("nb,nb->b", inside, below[high], dtype=np.float64)
        pairs = inside.sum(0, dtype=np.float64) * below[-1]
        areas[target] = _divide((ordered + ordered_or_tied) / 2, pairs)
    return areas


def mean_of_defined(values: Floats) -> Floats:
    """Mean over the first axis, NaNs left out; NaN where there is nothing else."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # "Mean of empty slice": NaN is meant
        return np.asarray(np.nanmean(values, axis=0))


def _divide(above: npt.ArrayLike, below: npt.ArrayLike) -> Floats:
    """`above / below`, NaN where `below` is 0, without a warning."""
    divisor = np.asarray(below, np.float64)
    quotient = np.full(divisor.shape, np.nan)
    np.divide(np.asarray(above, np.float64), divisor, out=quotient, where=divisor > 0)
    return quotient
