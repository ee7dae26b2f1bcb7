"""How similar two maps are: rank correlation."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from scipy.stats import rankdata
from torch.nn import functional as F

from xai.types import Floats


def spearman(one: Floats, other: Floats) -> float:
    """Rank correlation of two maps of one size, in [-1, 1].

    A constant map has no ranks: it counts as 1 with another constant map, as 0 with any other.
    """
    return float(spearmans([one, other])[0, 1])


def spearmans(maps: Sequence[Floats]) -> Floats:
    """Rank correlations (M, M) of M maps (h, w)."""
    ranks = np.stack([rankdata(values) for values in (each.ravel() for each in maps)])
    ranks -= ranks.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(ranks, axis=1)
    is_flat = norms == 0
    ranks /= np.where(is_flat, 1, norms)[:, None]
    correlations: Floats = np.clip(ranks @ ranks.T, -1, 1)
    correlations[np.ix_(is_flat, is_flat)] = 1
    return correlations


def agreement(one: npt.NDArray[np.floating], other: npt.NDArray[np.floating]) -> float:
    """Spearman in [-1, 1] of the positive attribution of two maps, on the coarser of their grids.

    For two methods on one model or one method on two models; sizes (h, w) may differ.
    """
    size = min(one.shape[0], other.shape[0]), min(one.shape[1], other.shape[1])
    return spearman(_coarsen(one, size), _coarsen(other, size))


def _coarsen(values: npt.NDArray[np.floating], size: tuple[int, int]) -> Floats:
    positive = torch.from_numpy(np.maximum(values, 0).astype(np.float64))[None, None]
    coarse: Floats = F.adaptive_avg_pool2d(positive, size)[0, 0].numpy()
    return coarse
