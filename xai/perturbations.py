"""Maps from what a model answers when a part of its features, or of the image, is hidden.

No gradients, no hooks, no files.
"""

import copy
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import torch
from threadpoolctl import ThreadpoolController
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from xai.model import SplitModel, chunk_size, target_logits

Floats = npt.NDArray[np.float64]

# The fast Score-CAM scores TYPICAL channels, then CHOSEN more in ROUNDS. On 20 smears the map's
# Pearson to the exact one was 0.996 in the median and 0.962 at least on EfficientNet-Lite0, 0.998
# and 0.966 on ResNet50. The means of 64 groups alone reached 0.99 and 0.91, 0.96 and 0.78.
TYPICAL, CHOSEN, ROUNDS = 40, 48, 6
DRAWS = 50  # of scores, to tell how far the fast map may be off
PATCH = 64  # pixels a side that show which layer reads which
HEADS = 64  # feature maps at once through the head: VGG16's are 6 MB
_BLAS = threading.Lock()


@dataclass(frozen=True, slots=True, eq=False)
class ScoreMap:
    """A Score-CAM, and what it is worth."""

    values: Tensor  # (h, w) float32, >= 0
    logit: float
    forwards: int
    similarity: float | None  # Pearson to the exact map, reached in 9 of 10 cases; None: exact
    spread: float  # range of the masked images' logits, in ranges of the image's own logits


@dataclass(frozen=True, slots=True, eq=False)
class _Guess:
    """Scores of all masks, those that were not computed guessed from those that were."""

    mean: Floats  # (M,) in logits
    sd: Floats  # (M,) 0 where computed
    draws: Floats  # (DRAWS, M) of scores as likely as the mean; none where all were computed


def score_cam(
    model: SplitModel,
    image: Tensor,
    target: int,
    *,
    is_exact: bool = False,
    in_bfloat16: bool | None = None,
) -> ScoreMap:
    """Score-CAM of one image (Wang et al. 2020, eq. 4 and algorithm 1, arXiv:1910.01279).

    Each channel's map, scaled to [0, 1] and enlarged, is laid over the image as a mask. Channels
    weigh by a softmax over the target's logits of the masked images.

    Exact: one forward pass for each channel that is not the same everywhere; those that are add
    nothing to the map's shape and are left out of the softmax. Fast: TYPICAL channels, the ones
    nearest to the means of as many groups (k-means), are scored; a Gaussian process over the masks
    guesses the others from them, and what weighs most by that guess is scored too, so that few
    passes settle the few channels that decide the map.

    Args:
        model: In evaluation mode; left as it is.
        image: (1, 3, H, W) float32, normalised.
        target: Class.
        is_exact: Whether every channel is scored.
        in_bfloat16: Whether a private copy of the model does the passes in bfloat16, which keeps
            the map to a Pearson of 0.997 or more (10 smears). None: where it is fast.

    Raises:
        UserError: The target is no class of the model, or a masked image's logits are not finite.
    """
    with torch.no_grad():
        features = model.features(image)
        logits = model.head(features.clone())
    logit = target_logits(logits, [target]).item()
    flat = features[0].flatten(1).float().cpu()  # (C, h * w)
    low, high = flat.amin(dim=1, keepdim=True), flat.amax(dim=1, keepdim=True)
    is_map = (high > low)[:, 0]
    if not is_map.any():
        return ScoreMap(torch.zeros(features.shape[2:]), logit, 1, None, 0.0)
    flat = flat[is_map]
    masks = (flat - low[is_map]) / (high - low)[is_map]  # (M, h * w)
    score = _scorer(model, image, target, features.shape[2:], in_bfloat16)
    if is_exact or len(masks) <= TYPICAL + CHOSEN:
        scores = score(masks)
        guess, forwards = _Guess(scores, 0 * scores, np.zeros((0, len(masks)))), len(masks)
    else:
        guess, forwards = _guess_scores(masks, flat, score), TYPICAL + CHOSEN
    values = _weigh(guess.mean, flat.double().numpy())
    own = (logits.max() - logits.min()).item()
    return ScoreMap(
        torch.from_numpy(values.reshape(features.shape[2:])).float(),
        logit,
        forwards + 1,
        _similarity(guess, flat.double().numpy()) if len(guess.draws) else None,
        float(np.ptp(guess.mean)) / max(own, 1e-12),
    )


def _weigh(scores: Floats, flat: Floats) -> Floats:
    """The map (h * w) of channels (M, h * w) that weigh by a softmax over `scores` (M,)."""
    weights = np.exp(scores - scores.max())
    found: Floats = np.maximum(weights @ flat / weights.sum(), 0)
    return found


def _guess_scores(masks: Tensor, flat: Tensor, score: Callable[[Tensor], Floats]) -> _Guess:
    """Scores of all masks (M, h * w) from TYPICAL + CHOSEN passes."""
    points = masks.double().numpy()
    strength = flat.double().std(dim=1).numpy()  # how much a channel can bend the map
    with _one_blas_thread():
        known = _typical(points)
    scores = score(masks[known])
    surprises = []
    for _ in range(ROUNDS):
        with _one_blas_thread():
            guess = _interpolate(points, known, scores)
        # What may weigh much and is not known well: greed for the mean alone missed whole groups.
        gain = np.exp(guess.mean + 2 * guess.sd - guess.mean.max()) * strength * guess.sd
        more = np.argsort(-gain, kind="stable")[: CHOSEN // ROUNDS]
        found = score(masks[more])
        surprises.append((found - guess.mean[more]) / guess.sd[more])
        known, scores = np.concatenate([known, more]), np.concatenate([scores, found])
    # How far the guesses were off before, in their own spread: the process knows no network.
    wider = max(1.0, float(np.sqrt(np.mean(np.square(surprises)))))
    with _one_blas_thread():
        return _interpolate(points, known, scores, draws=DRAWS, wider=wider)


@contextmanager
def _one_blas_thread() -> Iterator[None]:
    """One thread for the linear algebra of numpy and scipy.

    Theirs go on spinning for a while after each call, and the network's next pass, which wants all
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
) -> _Guess:
    """A Gaussian process through the known scores: exact there, and as rough as a network is."""
    from scipy.spatial.distance import pdist
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import Matern

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
        # Masks that are alike are off together: drawn one by one, their errors would cancel.
        root = np.linalg.cholesky(together + 1e-6 * together.diagonal().mean() * np.eye(len(rest)))
        drawn[:, rest] += wider * np.random.default_rng(0).normal(size=(draws, len(rest))) @ root.T
    return _Guess(mean, sd, drawn)


def _similarity(guess: _Guess, flat: Floats) -> float:
    """Pearson between the guess's map and maps of scores as likely, reached by nine of ten."""
    own = _weigh(guess.mean, flat)
    found = [np.corrcoef(own, _weigh(scores, flat))[0, 1] for scores in guess.draws]
    return float(np.quantile(found, 0.1))


def _scorer(
    model: SplitModel,
    image: Tensor,
    target: int,
    size: torch.Size,
    in_bfloat16: bool | None,
) -> Callable[[Tensor], Floats]:
    """A function from masks (M, h * w) to the target's logits (M,) of the masked images."""
    image = image.contiguous(memory_format=torch.channels_last)
    if in_bfloat16 is None:
        in_bfloat16 = multiplies_bfloat16(image.device)
    if in_bfloat16 and isinstance(model, nn.Module):
        answer: Callable[[Tensor], Tensor] = _copy_in_bfloat16(model, image)
        image = image.to(torch.bfloat16)
    else:
        answer = model

    def score(masks: Tensor) -> Floats:
        found = []
        with torch.inference_mode():
            for part in masks.unflatten(1, size)[:, None].split(chunk_size(image)):
                enlarged = F.interpolate(
                    part.to(image.device), image.shape[2:], mode="bilinear", align_corners=False
                )
                logits = answer(image * enlarged.to(image.dtype)).double()
                found.append(target_logits(logits, [target] * len(part)).cpu())
        return torch.cat(found).numpy()

    return score


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is faster than float32 on `device`."""
    if device.type == "cpu":
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return device.type == "cuda"


def _copy_in_bfloat16(model: nn.Module, image: Tensor) -> nn.Module:
    """A private copy whose numbers are bfloat16, each batch norm folded into its convolution.

    Unfolded where something else reads what a convolution made, as a wrong answer then shows.
    """
    found = _halve(model)
    small = image[..., :PATCH, :PATCH].to(torch.bfloat16)
    with torch.inference_mode():
        before = found(small)
        _fold_batch_norms(model, found, small)
        off = (found(small) - before).abs().max()
    return found if off <= 0.2 * before.abs().max() else _halve(model)


def _halve(model: nn.Module) -> nn.Module:
    """A copy in bfloat16, made without a full one in between."""
    halves: dict[int, object] = {}
    for own in [*model.parameters(), *model.buffers()]:
        is_weight = isinstance(own, nn.Parameter)
        halves[id(own)] = nn.Parameter(_half(own), requires_grad=False) if is_weight else _half(own)
    return copy.deepcopy(model, halves)


def _half(own: Tensor) -> Tensor:
    half = own.detach().to(torch.bfloat16) if own.is_floating_point() else own.detach()
    return half.contiguous(memory_format=torch.channels_last) if half.ndim == 4 else half


def _fold_batch_norms(model: nn.Module, halved: nn.Module, image: Tensor) -> None:
    """Fold each batch norm of `halved`, a copy of `model`, that reads what a convolution made."""
    names = {module: name for name, module in halved.named_modules()}
    made: list[tuple[Tensor, nn.Module]] = []  # kept, so that no other tensor gets their place
    pairs: list[tuple[str, str]] = []

    def note(module: nn.Module, _: object, output: Tensor) -> None:
        made.append((output, module))

    def match(module: nn.Module, inputs: tuple[Tensor]) -> None:
        pairs.extend((names[by], names[module]) for output, by in made if output is inputs[0])

    hooks = [
        module.register_forward_hook(note)
        if isinstance(module, nn.Conv2d)
        else module.register_forward_pre_hook(match)
        for module in names
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d)
    ]
    halved(image)
    for hook in hooks:
        hook.remove()
    for conv_name, norm_name in pairs:
        conv, norm = model.get_submodule(conv_name), model.get_submodule(norm_name)
        assert isinstance(conv, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        folded = fuse_conv_bn_eval(conv, norm)
        target = halved.get_submodule(conv_name)
        target.weight = nn.Parameter(_half(folded.weight), requires_grad=False)
        assert folded.bias is not None
        target.bias = nn.Parameter(_half(folded.bias), requires_grad=False)
        parent, _, last = norm_name.rpartition(".")
        # timm's batch norms have their activation within.
        activation = getattr(halved.get_submodule(norm_name), "act", nn.Identity())
        setattr(halved.get_submodule(parent), last, activation)


def ablation_cam(
    model: SplitModel, features: Tensor, gradients: Tensor, targets: Sequence[int]
) -> Tensor:
    """Ablation-CAM (Desai and Ramaswamy 2020, eq. 3 and 4, doi:10.1109/WACV45572.2020.9093360).

    A channel weighs by what the target's logit loses when the channel is 0. Only the head runs
    again; where it is linear, a channel's loss is its gradient times the channel, and nothing runs.

    Departs from the paper, which divides the loss by the logit: that turns the map's sign where
    the logit is below 0, and else changes its scale only.

    Args:
        model: In evaluation mode; left as it is.
        features: (N, C, h, w) float32, from the backbone.
        gradients: (N, C, h, w) float32, of the target's logit.
        targets: One class an image.

    Returns:
        (N, h, w) float32, >= 0, in logits times features.
    """
    with torch.no_grad():
        losses = (gradients * features).sum(dim=(2, 3))  # (N, C)
        if not is_linear(model, features, gradients, targets):
            losses = torch.stack(
                [
                    _ablate(model, image, target)
                    for image, target in zip(features.split(1), targets, strict=True)
                ]
            )
        return torch.relu((losses[..., None, None] * features).sum(dim=1))


def recipro_cam(model: SplitModel, features: Tensor, targets: Sequence[int]) -> Tensor:
    """Recipro-CAM (Byun and Lee 2022, eq. 3 and 4, arXiv:2209.14074), with masks of one field.

    The probability that the head gives the target when one field's features alone are left.

    Args:
        model: In evaluation mode; left as it is.
        features: (N, C, h, w) float32, from the backbone.
        targets: One class an image.

    Returns:
        (N, h, w) float32, >= 0: the probability less the least of the map's fields.
    """
    height, width = features.shape[2:]
    alone = torch.eye(height * width, device=features.device).reshape(-1, 1, height, width)
    maps = []
    with torch.no_grad():
        for image, target in zip(features.split(1), targets, strict=True):
            found = [
                model.head(image * part).float().softmax(dim=1)[:, target]
                for part in alone.split(HEADS)
            ]
            maps.append(torch.cat(found).reshape(height, width))
        values = torch.stack(maps)
        return values - values.amin(dim=(1, 2), keepdim=True)


def is_linear(
    model: SplitModel, features: Tensor, gradients: Tensor, targets: Sequence[int]
) -> bool:
    """Whether the head is one linear layer on pooled features, as its gradients show.

    Those of such a head are the same in every field, and the same for other features.

    Args:
        model: In evaluation mode.
        features: (N, C, h, w) float32.
        gradients: (N, C, h, w) float32, of the targets' logits at `features`.
        targets: One class an image.
    """
    if not _alike(gradients, gradients.mean(dim=(2, 3), keepdim=True).expand_as(gradients)):
        return False
    with torch.enable_grad():
        other = (features.flip(1) * 2 + 1).detach().requires_grad_()
        logits = target_logits(model.head(other.clone()), targets)
        (there,) = torch.autograd.grad(logits.sum(), other)
    return _alike(gradients, there)


def _alike(one: Tensor, other: Tensor) -> bool:
    return torch.allclose(one, other, rtol=1e-3, atol=1e-5 * one.abs().max().item())


def _ablate(model: SplitModel, features: Tensor, target: int) -> Tensor:
    """(C,) what the target's logit loses when each channel of features (1, C, h, w) is 0."""
    logit = model.head(features.clone())[0, target]
    lit = features.flatten(2).any(dim=2)[0].nonzero()[:, 0]  # a channel that is 0 loses nothing
    losses = features.new_zeros(features.shape[1])
    for part in lit.split(HEADS):
        without = features.repeat(len(part), 1, 1, 1)
        without[torch.arange(len(part)), part] = 0
        losses[part] = logit - model.head(without)[:, target]
    return losses
