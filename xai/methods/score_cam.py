"""Score-CAM, exact and fast. No gradients, no hooks, no files."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import torch
from threadpoolctl import ThreadpoolController
from torch import Tensor, nn
from torch.nn import functional as F

from xai.methods.half import copy_in_half, pick_half
from xai.model import chunk_size, spatial_features, target_logits
from xai.types import Floats, PixelMap, SplitModel

# The fast Score-CAM scores TYPICAL channels, then CHOSEN more in ROUNDS, and CHOSEN again until the
# Pearson to the exact map that it may promise is ENOUGH. TYPICAL and CHOSEN were chosen on 20
# smears; the means of 64 groups alone reached 0.91 at least there, and 0.78 on ResNet50.
TYPICAL, CHOSEN, ROUNDS = 40, 48, 6
ENOUGH = 0.95
FACTOR, SLACK = 1.3, 0.005  # of what is promised, see `_promise`
# In ranges of the image's own logits: masked images that spread wider are further apart than real
# ones are.
WIDE = 5.0
DRAWS = 50  # of scores, from which the similarity to the exact map is estimated
_BLAS = threading.Lock()


@dataclass(frozen=True, slots=True, eq=False)
class ScoreMap:
    """A Score-CAM, and how similar to the exact one it is expected to be."""

    values: Tensor  # (h, w) float32, >= 0
    logit: float
    forward_passes: int
    similarity: float | None  # Pearson to the exact map, reached in 9 of 10 cases; None: exact
    spread: float  # range of the masked images' logits, in ranges of the image's own logits


@dataclass(frozen=True, slots=True, eq=False)
class _Scores:
    """Scores of all masks, some of them predicted."""

    values: Floats  # (M,) in logits
    n_computed: int
    similarity: float | None  # as in `ScoreMap`


@dataclass(frozen=True, slots=True, eq=False)
class _Prediction:
    """Scores of all masks; those that were not computed are predicted from those that were."""

    mean: Floats  # (M,) in logits
    sd: Floats  # (M,) 0 where computed
    draws: Floats  # (DRAWS, M) of scores as likely as the mean, or none


def score_cam(
    model: SplitModel,
    image: Tensor,
    target: int,
    *,
    is_exact: bool = False,
    precision: torch.dtype | None = None,
) -> ScoreMap:
    """Score-CAM of one image (Wang et al. 2020, eq. 4 and algorithm 1, arXiv:1910.01279).

    Each channel's map, scaled to [0, 1] and enlarged, is laid over the image as a mask. Channels
    are weighted by a softmax over the target's logits of the masked images.

    Exact: one forward pass for each channel that is not the same everywhere; those that are add
    nothing to the map's shape and are left out of the softmax. Fast: TYPICAL channels, the ones
    nearest to the means of as many groups (k-means), are scored; a Gaussian process over the masks
    predicts the others from them, and those expected to weigh most are scored too, so that few
    passes are spent on the few channels that decide the map.

    Args:
        model: In evaluation mode; left as it is.
        image: (1, 3, H, W) float32, normalised.
        target: Class.
        is_exact: Whether every channel is scored.
        precision: What a private copy of the model does the passes in. None: the half precision
            that is quick here and keeps the logits of this network, else float32.

    Raises:
        UserError: The target is no class of the model, or a masked image's logits are not finite.
    """
    with torch.no_grad():
        features = spatial_features(model, image)
        logits = model.head(features.clone())
    logit = target_logits(logits, [target]).item()
    flat = features[0].flatten(1).float().cpu()  # (C, h * w)
    low, high = flat.amin(dim=1, keepdim=True), flat.amax(dim=1, keepdim=True)
    is_map = (high > low)[:, 0]
    if not is_map.any():
        return ScoreMap(torch.zeros(features.shape[2:]), logit, 1, None, 0.0)
    flat = flat[is_map]
    masks = (flat - low[is_map]) / (high - low)[is_map]  # (M, h * w)
    score = _scorer(model, image, target, features.shape[2:], logits, precision)
    if is_exact or len(masks) <= TYPICAL + CHOSEN:
        found = _Scores(score(masks), len(masks), None)
    else:
        found = _predict_scores(masks, flat, score)
    values = _weigh(found.values, flat.double().numpy())
    own = (logits.max() - logits.min()).item()
    return ScoreMap(
        torch.from_numpy(values.reshape(features.shape[2:])).float(),
        logit,
        found.n_computed + 1,
        found.similarity,
        float(np.ptp(found.values)) / max(own, 1e-12),
    )


def fast_score_cam(model: SplitModel, image: Tensor, target: int) -> PixelMap:
    """`score_cam` with few channels scored, and how similar to the exact map it should be."""
    return _with_notes(score_cam(model, image, target))


def exact_score_cam(model: SplitModel, image: Tensor, target: int) -> PixelMap:
    """`score_cam` with every channel scored."""
    return _with_notes(score_cam(model, image, target, is_exact=True))


def _with_notes(made: ScoreMap) -> PixelMap:
    notes = []
    if made.similarity is not None:
        notes.append(
            f"Fast: {made.forward_passes} forward passes in place of one per channel. In nine of "
            f"ten cases the exact map correlates with this one at {made.similarity:.2f} or more."
        )
    if made.spread > WIDE:
        notes.append(
            f"The logits of the masked images spread {made.spread:.0f} times as widely as those of "
            "the image itself: maps made by masking are unreliable for this run."
        )
    return PixelMap(made.values, made.logit, None, None, made.forward_passes, " ".join(notes))


def _weigh(scores: Floats, flat: Floats) -> Floats:
    """The map (h * w) of channels (M, h * w) that weigh by a softmax over `scores` (M,)."""
    weights = np.exp(scores - scores.max())
    found: Floats = np.maximum(weights @ flat / weights.sum(), 0)
    return found


def _predict_scores(masks: Tensor, flat: Tensor, score: Callable[[Tensor], Floats]) -> _Scores:
    """Scores of all masks (M, h * w) from TYPICAL + CHOSEN passes, or more."""
    points, channels = masks.double().numpy(), flat.double().numpy()
    strength = channels.std(axis=1)  # how much a channel can bend the map
    with _one_blas_thread():
        known = _typical(points)
    scores = score(masks[known])
    errors: list[Floats] = []
    while len(known) + CHOSEN < len(points):
        for _ in range(ROUNDS):
            with _one_blas_thread():
                predicted = _interpolate(points, known, scores)
            # By weight and uncertainty: by the mean alone whole groups of channels were missed.
            upper = predicted.mean + 2 * predicted.sd
            gain = np.exp(upper - predicted.mean.max()) * strength * predicted.sd
            gain[known] = -1  # below those that underflow
            more = np.argsort(-gain, kind="stable")[: CHOSEN // ROUNDS]
            found = score(masks[more])
            errors.append((found - predicted.mean[more]) / predicted.sd[more])
            known, scores = np.concatenate([known, more]), np.concatenate([scores, found])
        # The spread is widened by how far earlier predictions were off, in standard deviations.
        wider = max(1.0, float(np.sqrt(np.mean(np.square(errors)))))
        with _one_blas_thread():
            predicted = _interpolate(points, known, scores, draws=DRAWS, wider=wider)
            similarity = _promise(_estimate(predicted, channels))
        if similarity >= ENOUGH:
            return _Scores(predicted.mean, len(known), similarity)
    rest = np.setdiff1d(np.arange(len(points)), known)
    values = np.empty(len(points))
    values[known], values[rest] = scores, score(masks[rest])
    return _Scores(values, len(points), None)


@contextmanager
def _one_blas_thread() -> Iterator[None]:
    """One thread for the linear algebra of numpy and scipy.

    Theirs go on spinning for a while after each call, and the network's next pass, which uses all
    cores, takes twice as long. One caller at a time: of two, the second would put back the first's.
    """
    with _BLAS, _blas().limit(limits=1, user_api="blas"):
        yield


@cache
def _blas() -> ThreadpoolController:
    """Every linear algebra that is loaded, numpy's and scipy's among them."""
    import scipy.linalg  # noqa: F401  # brings its own

    return ThreadpoolController()


def _typical(points: Floats) -> npt.NDArray[np.intp]:
    """TYPICAL different rows of `points` that stand for all."""
    from scipy.cluster.vq import kmeans2
    from scipy.spatial.distance import cdist

    centres, _ = kmeans2(points, TYPICAL, minit="++", rng=np.random.default_rng(0))
    distances = cdist(centres, points)
    chosen: list[int] = []
    for row in distances:  # two centres may have one nearest point
        row[chosen] = np.inf
        chosen.append(int(row.argmin()))
    return np.array(chosen)


def _interpolate(
    points: Floats,
    known: npt.NDArray[np.intp],
    scores: Floats,
    *,
    draws: int = 0,
    wider: float = 1.0,
) -> _Prediction:
    """Predictions of a Gaussian process; the known scores are kept as they are."""
    from scipy.spatial.distance import pdist
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import Matern

    # nu = 0.5 assumes continuity of the scores and no more; alpha allows 1 % of their variance as
    # noise; the length follows the masks. Varied one by one (nu of 1.5 and 2.5, alpha of 1e-6 to
    # 0.1, lengths of 0.5 to 8 medians; 7 smears, EfficientNet-Lite0), none gave a higher median
    # Pearson to the exact map than these, 0.994, and all gave at least 0.988.
    length = 2 * float(np.median(pdist(points[known])))
    process = GaussianProcessRegressor(
        Matern(length, nu=0.5), alpha=0.01, optimizer=None, normalize_y=True
    ).fit(points[known], scores)
    mean, sd = process.predict(points, return_std=True)
    mean[known], sd[known] = scores, 0
    drawn = np.tile(mean, (draws, 1))
    if draws:
        rest = np.setdiff1d(np.arange(len(points)), known)
        _, together = process.predict(points[rest], return_cov=True)
        # Errors of similar masks are correlated: drawn independently, they would cancel.
        root = np.linalg.cholesky(together + 1e-6 * together.diagonal().mean() * np.eye(len(rest)))
        drawn[:, rest] += wider * np.random.default_rng(0).normal(size=(draws, len(rest))) @ root.T
    return _Prediction(mean, sd, drawn)


def _estimate(predicted: _Prediction, flat: Floats) -> float:
    """Pearson between the predicted map and those of scores as likely: its tenth percentile."""
    own = _weigh(predicted.mean, flat)
    correlations = [np.corrcoef(own, _weigh(scores, flat))[0, 1] for scores in predicted.draws]
    return float(np.quantile(correlations, 0.1))


def _promise(estimate: float) -> float:
    """The Pearson to the exact map that nine of ten maps reach.

    The process's estimate does not know how far a network is from what it assumes, least of all
    where it sees next to no error. So SLACK is added to the estimated distance from 1, and the sum
    is multiplied by FACTOR: split conformal prediction with the distance as the scale (Lei et al.
    2018, section 5.2, arXiv:1604.04173). With a factor of 1.17 all promises were kept on the 11
    fields that both were chosen on (a frozen EfficientNet-Lite0 at 224 px, on which maps are
    hardest to predict of three networks). Kept on others: see `docs/design.md`.
    """
    return 1 - FACTOR * (1 - estimate + SLACK)


def _scorer(
    model: SplitModel,
    image: Tensor,
    target: int,
    size: torch.Size,
    logits: Tensor,
    precision: torch.dtype | None,
) -> Callable[[Tensor], Floats]:
    """A function from masks (M, h * w) to the target's logits (M,) of the masked images."""
    image = image.contiguous(memory_format=torch.channels_last)
    logits_of: Callable[[Tensor], Tensor] = model
    if isinstance(model, nn.Module):
        dtype = pick_half(model, image.device) if precision is None else precision
        if dtype is not None and dtype != torch.float32:
            half = copy_in_half(model, image, logits, dtype)
            if half is not None:
                logits_of, image = half, image.to(dtype)

    def score(masks: Tensor) -> Floats:
        found = []
        with torch.inference_mode():
            for part in masks.unflatten(1, size)[:, None].split(chunk_size(image)):
                enlarged = F.interpolate(
                    part.to(image.device), image.shape[2:], mode="bilinear", align_corners=False
                )
                logits = logits_of(image * enlarged.to(image.dtype)).double()
                found.append(target_logits(logits, [target] * len(part)).cpu())
        return torch.cat(found).numpy()

    return score
