"""Areas under ROC and precision-recall curves, for many weightings of the images. No files.

Letters: N images, K classes, G groups, B weightings of the images: all, or some left out.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Integers = npt.NDArray[np.int64]
_SIDES: tuple[Literal["left", "right"], ...] = ("left", "right")


def macro_auc(labels: Integers, probabilities: Floats, weights: Floats) -> Floats:
    """Mean of `auc_by_class` over all classes, NaN where one of them has none."""
    return np.asarray(auc_by_class(labels, probabilities, weights).mean(axis=0))


def auc_by_class(labels: Integers, probabilities: Floats, weights: Floats) -> Floats:
    """Area under the ROC curve of each class against the rest, ties counted half.

    Sorted once for all weightings: Mann and Whitney's count of (image inside, image outside)
    pairs in the right order, weighted.

    Args:
        labels: (N,), index of the true class.
        probabilities: (N, K).
        weights: (N, B), how often each image counts in each weighting.

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
        areas[target] = divide((ordered + ordered_or_tied) / 2, pairs)
    return areas


def macro_auc_without_each(
    labels: Integers, probabilities: Floats, group: npt.NDArray[np.intp]
) -> Floats:
    """(G,), what `macro_auc` is without the images of each group in turn.

    Leaving a group out takes the pairs with an image of it away, which are counted once for all
    groups, those of two of its images twice: sorting takes the place of G weightings.

    Args:
        labels: (N,), index of the true class.
        probabilities: (N, K).
        group: (N,), index of each image's group, each of 0 to G - 1 at least once.
    """
    G = int(group.max()) + 1
    areas = []
    for target in range(probabilities.shape[1]):
        is_inside = labels == target
        # Ranks tell equal probabilities as such, and a group's own come one after the other.
        rank = np.unique(probabilities[:, target], return_inverse=True)[1]
        own = rank + group * (len(labels) + 1)
        above, below = group[is_inside], group[~is_inside]
        n_above, n_below = (np.bincount(each, minlength=G) for each in (above, below))
        by_above = np.bincount(above, _count_below(rank, is_inside), minlength=G)
        by_below = np.bincount(below, _count_below(-rank, ~is_inside), minlength=G)
        starts = np.searchsorted(np.sort(own[~is_inside]), above * (len(labels) + 1))
        within = np.bincount(above, _count_below(own, is_inside) - starts, minlength=G)
        pairs = (n_above.sum() - n_above) * (n_below.sum() - n_below)
        areas.append(divide(by_above.sum() - by_above - by_below + within, pairs))
    return np.asarray(np.mean(areas, axis=0))


def _count_below(rank: Integers, is_inside: npt.NDArray[np.bool_]) -> Floats:
    """Of each image inside, how many outside have a lower rank, those of the same counted half."""
    outside = np.sort(rank[~is_inside])
    low, high = (np.searchsorted(outside, rank[is_inside], side=side) for side in _SIDES)
    return (low + high) / 2


def macro_average_precision(labels: Integers, probabilities: Floats, weights: Floats) -> Floats:
    """Mean of `average_precision_by_class` over all classes, NaN where one of them has none."""
    return np.asarray(average_precision_by_class(labels, probabilities, weights).mean(axis=0))


def average_precision_by_class(labels: Integers, probabilities: Floats, weights: Floats) -> Floats:
    """Average precision of each class against the rest, as scikit-learn defines it.

    The mean over the images of a class of the precision at the threshold that just lets the image
    in; nothing is interpolated, and tied images are let in together. Sorted only once.

    Args:
        labels: (N,), index of the true class.
        probabilities: (N, K).
        weights: (N, B), how often each image counts in each weighting.

    Returns:
        (K, B) float64; NaN where a class has no image inside or none outside.
    """
    means = np.empty((probabilities.shape[1], weights.shape[1]))
    for target in range(probabilities.shape[1]):
        order = np.argsort(-probabilities[:, target], kind="stable")
        is_inside = labels[order] == target
        inside, outside = weights[order[is_inside]], weights[order[~is_inside]]
        negated = -probabilities[order, target]  # rises, as searchsorted needs it
        at = negated[is_inside]
        last_of_tie = np.searchsorted(at, at, side="right") - 1
        true_positives = np.cumsum(inside, axis=0)
        if (last_of_tie != np.arange(len(at))).any():
            true_positives = true_positives[last_of_tie]
        false_positives = np.zeros((len(outside) + 1, weights.shape[1]), weights.dtype)
        np.cumsum(outside, axis=0, out=false_positives[1:])
        positives = false_positives[np.searchsorted(negated[~is_inside], at, side="right")]
        positives += true_positives
        # A weighting that has none of the images let in so far has no precision, and needs none.
        np.maximum(positives, np.finfo(weights.dtype).tiny, out=positives)
        precision = np.divide(true_positives, positives, out=positives)
        found = np.einsum("nb,nb->b", inside, precision, dtype=np.float64)
        mean = divide(found, inside.sum(0, dtype=np.float64))
        means[target] = np.where(false_positives[-1] > 0, mean, np.nan)
    return means


def divide(above: npt.ArrayLike, below: npt.ArrayLike) -> Floats:
    """`above / below`, NaN where `below` is 0, without a warning."""
    divisor = np.asarray(below, np.float64)
    quotient = np.full(divisor.shape, np.nan)
    np.divide(np.asarray(above, np.float64), divisor, out=quotient, where=divisor > 0)
    return quotient
