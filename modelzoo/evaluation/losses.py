"""Losses of probabilities: Brier score, log loss, calibration error; lower is better. No files.

Letters: N images, K classes, M bins, B weightings. Each loss is of labels (N,), probabilities
(N, K) and weights (N, B), how often each image counts in each, and returns (B,) float64.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Integers = npt.NDArray[np.int64]

BINS = 10  # of a reliability diagram at most
FEWEST = 10  # images of a bin, but for images that are equally confident: they stay together
# Smaller probabilities count as this one, as in scikit-learn: the loss of no image is infinite.
LEAST_PROBABILITY = float(np.finfo(np.float32).eps)


def brier_score(labels: Integers, probabilities: Floats, weights: Floats) -> Floats:
    """Half the squared distance of the probabilities from the true class (Brier 1950), in [0, 1].

    scikit-learn's `brier_score_loss` with `scale_by_half=True`.
    """
    true = np.eye(probabilities.shape[1])[labels]
    return _weighted_mean(((probabilities - true) ** 2).sum(1) / 2, weights)


def log_loss(labels: Integers, probabilities: Floats, weights: Floats) -> Floats:
    """Mean of minus the natural logarithm of the true class's probability, at least 0.

    It has no upper bound but that of `LEAST_PROBABILITY`, 15.9.
    """
    of_true = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return _weighted_mean(-np.log(np.maximum(of_true, LEAST_PROBABILITY)), weights)


def expected_calibration_error(labels: Integers, probabilities: Floats, weights: Floats) -> Floats:
    """ECE of the predicted class (Guo et al. 2017, eq. 3, arXiv:1706.04599), in [0, 1].

    In bins of equally many images and not of equal width, which is less biased (Roelofs et al.
    2020, arXiv:2012.08668). The bins are those of all images in every weighting.
    """
    confidence, is_correct = confidence_and_outcome(labels, probabilities)
    return calibration_error(confidence, is_correct, weights)


def calibration_error(
    confidence: Floats, outcome: npt.NDArray[np.bool_], weights: Floats
) -> Floats:
    """Mean over images of the distance between confidence and share of outcomes of their bin.

    Args:
        confidence: (N,), probability of the outcome.
        outcome: (N,), whether it came.
        weights: (N, B).
    """
    gaps = in_bins(confidence) * (confidence.astype(np.float64) - outcome)  # (M, N)
    off = np.abs(gaps.astype(weights.dtype) @ weights).sum(0, dtype=np.float64)
    total = weights.sum(0, dtype=np.float64)
    return np.asarray(np.divide(off, total, out=np.full(len(total), np.nan), where=total > 0))


def confidence_and_outcome(
    labels: Integers, probabilities: Floats, target: int | None = None
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Of each image the probability of an outcome, and whether it came, (N,) each.

    Args:
        labels: (N,).
        probabilities: (N, K).
        target: The outcome is that the image is of this class; None: of the predicted one.
    """
    if target is not None:
        return probabilities[:, target], labels == target
    return probabilities.max(1), probabilities.argmax(1) == labels


def in_bins(confidence: Floats, bins: int | None = None) -> npt.NDArray[np.bool_]:
    """(M, N), which images are in which bin: about equally many in each, the least confident first.

    Edges are the quantiles, as in scikit-learn's `calibration_curve`; what is equally confident is
    in one bin, so there may be fewer than asked for, and none is empty.

    Args:
        confidence: (N,), N > 0.
        bins: At most; None: `BINS`, and fewer where they would have less than `FEWEST` images.
    """
    if bins is None:
        bins = max(1, min(BINS, len(confidence) // FEWEST))
    edges = np.percentile(confidence, np.linspace(0, 100, bins + 1)[1:-1])
    index = np.searchsorted(edges, confidence)
    return np.asarray(np.unique(index)[:, None] == index)


def _weighted_mean(losses: Floats, weights: Floats) -> Floats:
    """(B,) of losses (N,)."""
    total = weights.sum(0, dtype=np.float64)
    return np.asarray(np.einsum("n,nb->b", losses, weights, dtype=np.float64) / total)
