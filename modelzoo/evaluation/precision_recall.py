"""Precision-recall curves, per class and macro-averaged."""

import math
from dataclasses import dataclass

import numpy as np

from modelzoo.evaluation.areas import Floats, Integers


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single answer to ==
class PrecisionRecallCurve:
    """Precision of a class against its recall, over all thresholds, in steps.

    Nothing is interpolated between two recalls that a threshold gives (Davis and Goadrich 2006):
    up to each recall the precision is that of its threshold, and the area is the average precision.
    """

    recall: Floats  # (T,), rises to 1
    precision: Floats  # (T,), in [0, 1]: from the recall before, or 0, up to this one
    average_precision: float
    # (recall, precision) of the class with the highest probability (argmax); the precision is NaN
    # where the class is never predicted. Of more than two classes no single threshold gives it, so
    # the point may lie below the curve.
    operating_point: tuple[float, float]
    chance: float  # share of the class among the images: the precision of guessing


def precision_recall_curve(
    labels: Integers, probabilities: Floats, target: int
) -> PrecisionRecallCurve | None:
    """The curve of class `target` against the rest; None without images on both sides.

    Of several thresholds with one recall the highest precision is kept, and of several steps of one
    precision their end.

    Args:
        labels: (N,), index of the true class.
        probabilities: (N, K).
        target: Index of the class.
    """
    is_inside = labels == target
    if is_inside.all() or not is_inside.any():
        return None
    order = np.argsort(-probabilities[:, target], kind="stable")
    score = probabilities[order, target]
    last = np.flatnonzero(np.append(score[1:] != score[:-1], True))  # of each tie
    found = np.cumsum(is_inside[order])[last]
    rises = np.diff(found, prepend=0) > 0
    recall, precision = found[rises] / found[-1], found[rises] / (last[rises] + 1)
    average_precision = float(np.diff(recall, prepend=0) @ precision)
    ends = np.append(precision[1:] != precision[:-1], True)
    is_said = probabilities.argmax(1) == target
    return PrecisionRecallCurve(
        recall[ends],
        precision[ends],
        average_precision,
        (
            float(is_said[is_inside].mean()),
            float(is_inside[is_said].mean()) if is_said.any() else math.nan,
        ),
        float(is_inside.mean()),
    )


def macro_precision_recall(curves: list[PrecisionRecallCurve]) -> PrecisionRecallCurve:
    """The mean of `curves`: precisions averaged at each recall.

    The average precision is the mean of theirs, and so are the operating point and chance; the
    precision of a class that is never predicted counts as 0, as in every macro-average.
    """
    recall = np.unique(np.concatenate([curve.recall for curve in curves]))
    precision = [curve.precision[np.searchsorted(curve.recall, recall)] for curve in curves]
    points = np.nan_to_num([curve.operating_point for curve in curves])
    mean_recall, mean_precision = points.mean(axis=0).tolist()
    return PrecisionRecallCurve(
        recall,
        np.mean(precision, axis=0),
        float(np.mean([curve.average_precision for curve in curves])),
        (mean_recall, mean_precision),
        float(np.mean([curve.chance for curve in curves])),
    )
