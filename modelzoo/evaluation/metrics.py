"""Metrics from confusion matrices and probabilities; one row per metric. No files.

Letters: N images, K classes, B resamples.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from modelzoo.text import fraction, percent

Floats = npt.NDArray[np.floating]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One score, in [0, 1]: how it is computed, its name in tables, and how it is written.

    One of the two functions is given. Both return float64, NaN where the score is not defined.
    """

    name: str
    title: str
    help: str
    # Confusion matrices (..., K, K) float64, true class by predicted class -> (...).
    from_confusion: Callable[[Floats], Floats] | None = None
    # True classes (N,), probabilities (N, K), N > 0, how often each image is in each resample
    # (N, B) -> (B,).
    from_probabilities: Callable[[Integers, Floats, Floats], Floats] | None = None
    higher_is_better: bool = True
    unit: Literal["%", ""] = "%"  # "": a fraction, as areas are given

    def describe(self, value: float) -> str:
        """`95.8 %`, or `0.995` of a fraction."""
        return percent(value) if self.unit == "%" else fraction(value)

    def describe_interval(self, low: float, high: float) -> str:
        """`91.2–98.7`, without the unit."""
        return f"{self.describe(low).removesuffix(' %')}–{self.describe(high).removesuffix(' %')}"

    @property
    def full_help(self) -> str:
        """The help text, with the direction where lower is better."""
        return self.help if self.higher_is_better else f"{self.help} Lower is better."


def scores_of_confusion(confusion: npt.ArrayLike) -> dict[str, Floats]:
    """Every metric that follows from confusion matrices (..., K, K), each (...) float64."""
    cells = np.asarray(confusion, np.float64)
    return {
        metric.name: metric.from_confusion(cells)
        for metric in METRICS.values()
        if metric.from_confusion
    }


def accuracy(confusion: Floats) -> Floats:
    """Share of the images whose true class is predicted; NaN without images."""
    return _divide(_correct(confusion).sum(-1), confusion.sum((-2, -1)))


def macro_sensitivity(confusion: Floats) -> Floats:
    """Mean over the classes that occur of the share that is predicted as such.

    scikit-learn's `balanced_accuracy_score` is the same.
    """
    return _mean_over_present(sensitivity_by_class(confusion), confusion)


def sensitivity_by_class(confusion: Floats) -> Floats:
    """(..., K), the share of each class that is predicted as such; NaN without images of it."""
    return _divide(_correct(confusion), confusion.sum(-1))


def macro_precision(confusion: Floats) -> Floats:
    """Mean over the classes that occur; a class that is never predicted has a precision of 0."""
    by_class = precision_by_class(confusion)
    return _mean_over_present(np.where(np.isnan(by_class), 0.0, by_class), confusion)


def precision_by_class(confusion: Floats) -> Floats:
    """(..., K), the share of what is predicted as a class that belongs to it; NaN if nothing is."""
    return _divide(_correct(confusion), confusion.sum(-2))


def macro_specificity(confusion: Floats) -> Floats:
    """Mean over the classes that occur; NaN where there is only one."""
    outside = confusion.sum((-2, -1))[..., None] - confusion.sum(-1)
    false_positives = confusion.sum(-2) - _correct(confusion)
    return _mean_over_present(_divide(outside - false_positives, outside), confusion)


def macro_f1(confusion: Floats) -> Floats:
    """Mean of the F1 scores over the classes that occur."""
    by_class = _divide(2 * _correct(confusion), confusion.sum(-1) + confusion.sum(-2))
    return _mean_over_present(by_class, confusion)


def macro_auc(labels: Integers, probabilities: Floats, weights: Floats) -> Floats:
    """Mean of `auc_by_class` over all classes, NaN where one of them has none."""
    return np.asarray(auc_by_class(labels, probabilities, weights).mean(axis=0))


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


def _divide(above: npt.ArrayLike, below: npt.ArrayLike) -> Floats:
    """`above / below`, NaN where `below` is 0, without a warning."""
    divisor = np.asarray(below, np.float64)
    quotient = np.full(divisor.shape, np.nan)
    np.divide(np.asarray(above, np.float64), divisor, out=quotient, where=divisor > 0)
    return quotient


def _correct(confusion: Floats) -> Floats:
    """(..., K), the images of each class that are predicted as such."""
    return np.diagonal(confusion, axis1=-2, axis2=-1)


def _mean_over_present(by_class: Floats, confusion: Floats) -> Floats:
    """The mean of (..., K) over the classes of which there are images."""
    is_present = confusion.sum(-1) > 0
    return _divide(np.where(is_present, by_class, 0.0).sum(-1), is_present.sum(-1))


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            name="accuracy",
            title="Accuracy",
            help="Share of the test images whose true class is predicted.",
            from_confusion=accuracy,
        ),
        Metric(
            name="balanced_accuracy",
            title="Balanced accuracy",
            help="Mean over the classes of the share that is predicted correctly: rare classes "
            "count as much as common ones.",
            from_confusion=macro_sensitivity,
        ),
        Metric(
            name="precision",
            title="Precision",
            help="Of the images predicted as a class, the share that belongs to it; mean over the "
            "classes.",
            from_confusion=macro_precision,
        ),
        Metric(
            name="sensitivity",
            title="Sensitivity",
            help="Of the images of a class, the share that is predicted as it; mean over the "
            "classes, which makes it equal to balanced accuracy.",
            from_confusion=macro_sensitivity,
        ),
        Metric(
            name="specificity",
            title="Specificity",
            help="Of the images of all other classes, the share that is not predicted as this one; "
            "mean over the classes.",
            from_confusion=macro_specificity,
        ),
        Metric(
            name="f1",
            title="F1",
            help="Harmonic mean of precision and sensitivity; mean over the classes.",
            from_confusion=macro_f1,
        ),
        Metric(
            name="auc",
            title="AUC",
            help="Area under the ROC curve: the chance that an image of a class gets a higher "
            "probability for it than an image of another one; mean over the classes, not defined "
            "where one has no test image. 0.5 is guessing, 1 no error at any threshold.",
            from_probabilities=macro_auc,
            unit="",
        ),
    )
}
