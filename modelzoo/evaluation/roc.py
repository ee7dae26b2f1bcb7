"""ROC curves, per class and macro-averaged."""

from dataclasses import dataclass

import numpy as np

from modelzoo.evaluation.areas import Floats, Integers


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single answer to ==
class RocCurve:
    """True positive rate of a class against its false positive rate, over all thresholds."""

    false_positive_rate: Floats  # (T,), from 0 to 1
    sensitivity: Floats  # (T,), from 0 to 1
    area: float
    # (false positive rate, sensitivity) of the class with the highest probability (argmax). Of more
    # than two classes no single threshold gives it, so the point may lie below the curve.
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
    true_positives = np.concatenate([[0], np.cumsum(is_inside[order])[is_last]])
    false_positives = np.concatenate([[0], np.cumsum(~is_inside[order])[is_last]])
    turns = np.diff(true_positives[:-1]) * np.diff(false_positives[1:]) != np.diff(
        true_positives[1:]
    ) * np.diff(false_positives[:-1])
    keep = np.concatenate([[True], turns, [True]])
    sensitivity = true_positives[keep] / true_positives[-1]
    false_positive_rate = false_positives[keep] / false_positives[-1]
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
