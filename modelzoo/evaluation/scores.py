"""How right predictions are: confusion, scores, ROC curves. Arrays in, arrays out; no files.

Everything takes weights for many resamples at once, so that intervals cost a few matrix products.
Letters: N images, K classes, B resamples.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Metric:
    """One score: its name in tables and what it says."""

    name: str
    title: str
    help: str


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("accuracy", "Accuracy", "Share of the test images that are named right."),
        Metric(
            "balanced_accuracy",
            "Balanced accuracy",
            "Mean over the classes of the share that is found: rare classes count as much as "
            "common ones.",
        ),
        Metric(
            "precision",
            "Precision",
            "Of the images given a class, the share that belongs to it; mean over the classes.",
        ),
        Metric(
            "sensitivity",
            "Sensitivity",
            "Of the images of a class, the share that is found; mean over the classes, which "
            "makes it equal to balanced accuracy.",
        ),
        Metric(
            "specificity",
            "Specificity",
            "Of the images outside a class, the share that is kept out; mean over the classes.",
        ),
        Metric("f1", "F1", "Harmonic mean of precision and sensitivity; mean over the classes."),
        Metric(
            "auc",
            "AUC",
            "Chance that an image of a class gets a higher probability for it than an image of "
            "another one; mean over the classes. 0.5 is guessing.",
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


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single answer to ==
class RocCurve:
    """Share of a class that is found against the share of the rest that is let in."""

    false_positive_rate: Floats  # (T,), from 0 to 1
    sensitivity: Floats  # (T,), from 0 to 1
    area: float
    # (false positive rate, sensitivity) of the answers as given: the likeliest class. Of more than
    # two classes no single threshold gives these answers, so the point may lie below the curve.
    operating_point: tuple[float, float]


def roc_curve(labels: Integers, probabilities: Floats, target: int) -> RocCurve | None:
    """The ROC curve of class `target` against the rest; None without images on both sides.

    Corners only: points on a straight line between their neighbours are left out.
    """
    is_inside = labels == target
    if is_inside.all() or not is_inside.any():
        return None
    order = np.argsort(-probabilities[:, target], kind="stable")
    score = probabilities[order, target]
    is_last = np.append(score[1:] != score[:-1], True)  # of its tie
    found = np.concatenate([[0], np.cumsum(is_inside[order])[is_last]])
    let_in = np.concatenate([[0], np.cumsum(~is_inside[order])[is_last]])
    turns = np.diff(found[:-1]) * np.diff(let_in[1:]) != np.diff(found[1:]) * np.diff(let_in[:-1])
    keep = np.concatenate([[True], turns, [True]])
    sensitivity = found[keep] / found[-1]
    false_positive_rate = let_in[keep] / let_in[-1]
    area = float(np.trapezoid(sensitivity, false_positive_rate))
    is_said = probabilities.argmax(1) == target
    operating_point = (float(is_said[~is_inside].mean()), float(is_said[is_inside].mean()))
    return RocCurve(false_positive_rate, sensitivity, area, operating_point)


def macro_roc(curves: list[RocCurve]) -> RocCurve:
    """The mean of `curves`: sensitivities averaged at each false positive rate.

    The area is the mean of their areas, the operating point that of their points.
    """
    grid = np.unique(np.concatenate([curve.false_positive_rate for curve in curves]))
    # A curve rises straight up at a corner: both ends of each rise are kept, so that the area is
    # the mean of the areas and not a little less.
    low = np.mean([_height(curve, grid, "left") for curve in curves], axis=0)
    high = np.mean([_height(curve, grid, "right") for curve in curves], axis=0)
    mean_rate, mean_sensitivity = np.mean([curve.operating_point for curve in curves], axis=0)
    return RocCurve(
        np.repeat(grid, 2),
        np.column_stack([low, high]).ravel(),
        float(np.mean([curve.area for curve in curves])),
        (float(mean_rate), float(mean_sensitivity)),
    )


def _height(curve: RocCurve, grid: Floats, side: str) -> Floats:
    """The curve's sensitivity at `grid`, below or above where it rises straight up."""
    rate, height = curve.false_positive_rate, curve.sensitivity
    if side == "left":
        at = np.searchsorted(rate, grid, side="left")
        exact = height[np.minimum(at, len(rate) - 1)]
    else:
        at = np.searchsorted(rate, grid, side="right") - 1
        exact = height[at]
    is_corner = rate[np.clip(at, 0, len(rate) - 1)] == grid
    return np.where(is_corner, exact, np.interp(grid, rate, height))


def _divide(above: npt.ArrayLike, below: npt.ArrayLike) -> Floats:
    """`above / below`, NaN where `below` is 0, without a warning."""
    divisor = np.asarray(below, np.float64)
    quotient = np.full(divisor.shape, np.nan)
    np.divide(np.asarray(above, np.float64), divisor, out=quotient, where=divisor > 0)
    return quotient
