"""Shapley values of the nucleated cells of a smear and of its background."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from xai.errors import UserError
from xai.model import chunk_size, target_logits
from xai.smear.inpaint import paint_out, with_rims
from xai.smear.segment import Cells
from xai.smear.shapley_cost import EXACT_FEATURES, count_permutations
from xai.types import Labels, OnProgress, Rgb, SplitModel


@dataclass(frozen=True, slots=True, eq=False)
class ShapleyFeatures:
    """The features of an image, each present or absent in a coalition: its cells and background."""

    image: Rgb
    painted: Rgb  # the image without its cells
    even: Rgb  # the background's median colour everywhere
    regions: Labels  # (H, W): the cell of each pixel with the rim around it; 0: background

    @property
    def count(self) -> int:
        """Cells and the background."""
        return int(self.regions.max(initial=0)) + 1


def find_shapley_features(pixels: Rgb, cells: Cells) -> ShapleyFeatures:
    """The features of an image (H, W, 3) uint8.

    Raises:
        UserError: There is no cell.
    """
    if not cells.count:
        raise UserError(
            "No nucleated cell was found in this image, so there are no Shapley values per "
            "cell; give a field of a stained smear, or view an attribution map."
        )
    regions = with_rims(cells.labels)
    background = np.median(pixels[regions == 0], axis=0) if (regions == 0).any() else 255
    even = np.broadcast_to(np.uint8(background), pixels.shape)
    return ShapleyFeatures(pixels, paint_out(pixels, regions > 0), even, regions)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellAttribution:
    """What each cell and the background add to the logit of one target."""

    values: npt.NDArray[np.float64]  # (n,) of the cells, in logits
    background: float  # in logits; Shapley values sum with it to logit - baseline_logit
    target: int
    logit: float
    baseline_logit: float  # of the even colour
    probability: float
    probability_without: npt.NDArray[np.float64]  # (n,) with one cell alone inpainted
    forward_passes: int
    seconds: float
    standard_error: float | None  # of a value, in logits; None: exact
    is_shapley: bool = True  # else each value is the logit less that without the cell


def cell_shapley(
    model: SplitModel,
    features: ShapleyFeatures,
    target: int,
    *,
    normalise: Callable[[Tensor], Tensor],
    permutations: int | None = None,
    on_progress: OnProgress = lambda done, total: None,
) -> CellAttribution:
    """Shapley values of cells and background (Shapley 1953; Lundberg and Lee 2017, eq. 8).

    Cells that are absent from a coalition are inpainted; an absent background is replaced by one
    even colour. So the baseline is that even colour, and all values sum to the logit less the
    baseline's. Up to EXACT_FEATURES all coalitions are evaluated; beyond, values are sampled over
    random permutations, each also in reverse, which lowers the variance.

    Args:
        model: In evaluation mode; left as it is.
        features: At the input size of the model.
        target: Class.
        normalise: (N, H, W, 3) uint8 to the inputs of the model, as `Backbone.normalise` does.
        permutations: How many random orders are drawn where values are sampled; at least 2. More
            begin with the same ones. None: as many as SAMPLED_PASSES allow.
        on_progress: Called with passes done and in all; may raise to stop.

    Raises:
        UserError: The target is no class of the model.
    """
    started = time.perf_counter()
    n = features.count
    if n <= EXACT_FEATURES:
        coalitions = np.arange(2**n)[:, None] >> np.arange(n) & 1
    else:
        coalitions = _sampled_coalitions(n, permutations=permutations or count_permutations(n))
    alone = ~np.eye(n, dtype=bool)[1:]  # every cell once left out; the background is feature 0
    shown = np.concatenate([coalitions.astype(bool), alone])
    logits, probabilities = _evaluate(model, features, shown, target, normalise, on_progress)
    worth = logits[: len(coalitions)]
    if n <= EXACT_FEATURES:
        values, error = shapley(worth, n), None
        nothing, everything = worth[0], worth[-1]
        probability = probabilities[len(coalitions) - 1]
    else:
        values, error = _mean_contributions(worth.reshape(-1, n + 1), coalitions, n)
        nothing, everything = worth[0], worth[n]
        probability = probabilities[n]
    return CellAttribution(
        values=values[1:],
        background=float(values[0]),
        target=target,
        logit=float(everything),
        baseline_logit=float(nothing),
        probability=float(probability),
        probability_without=probabilities[len(coalitions) :],
        forward_passes=len(shown),
        seconds=time.perf_counter() - started,
        standard_error=error,
    )


def leave_one_out(
    model: SplitModel,
    features: ShapleyFeatures,
    target: int,
    *,
    normalise: Callable[[Tensor], Tensor],
) -> CellAttribution:
    """What each cell alone adds to the logit: the logit less that without the cell.

    One pass for each cell and four more. Where several cells say the same, none is missed, so the
    values may all be near 0; Shapley values share it among them.

    Args:
        model: In evaluation mode; left as it is.
        features: At the input size of the model.
        target: Class.
        normalise: As in `cell_shapley`.

    Returns:
        The background is the logit less that of all cells on one even colour; values do not sum to
        a difference of logits.

    Raises:
        UserError: The target is no class of the model.
    """
    started = time.perf_counter()
    n = features.count
    shown = np.concatenate([[[True] * n, [False] * n], ~np.eye(n, dtype=bool)])
    logits, probabilities = _evaluate(
        model, features, shown, target, normalise, lambda done, total: None
    )
    whole, nothing, *without = logits.tolist()
    return CellAttribution(
        values=whole - np.array(without[1:]),
        background=whole - without[0],
        target=target,
        logit=whole,
        baseline_logit=nothing,
        probability=float(probabilities[0]),
        probability_without=probabilities[3:],
        forward_passes=len(shown),
        seconds=time.perf_counter() - started,
        standard_error=None,
        is_shapley=False,
    )


def shapley(worth: npt.NDArray[np.float64], n: int) -> npt.NDArray[np.float64]:
    """Shapley values (n,) from the worth (2 ** n,) of all coalitions.

    Args:
        worth: Of coalition k, in which feature i is present where bit i of k is set.
        n: How many features there are.
    """
    numbers = np.arange(2**n)
    sizes = np.array([int(number).bit_count() for number in numbers])
    values = np.zeros(n)
    for feature in range(n):
        without = numbers[numbers >> feature & 1 == 0]
        weights = [1 / (n * math.comb(n - 1, int(size))) for size in sizes[without]]
        values[feature] = (weights * (worth[without | 1 << feature] - worth[without])).sum()
    return values


def _sampled_coalitions(n: int, *, permutations: int) -> npt.NDArray[np.int64]:
    """Coalitions (2 * permutations * (n + 1), n) that grow along each order and its reverse."""
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(permutations):
        order = rng.permutation(n)
        for permutation in (order, order[::-1]):
            rank = np.argsort(permutation)
            rows += [rank < size for size in range(n + 1)]
    return np.array(rows, np.int64)


def _mean_contributions(
    worth: npt.NDArray[np.float64], coalitions: npt.NDArray[np.int64], n: int
) -> tuple[npt.NDArray[np.float64], float]:
    """Mean contribution (n,) of each feature over permutations, and the standard error of one.

    Args:
        worth: (M, n + 1), of the growing coalitions of M permutations.
        coalitions: (M * (n + 1), n), the same, from `_sampled_coalitions`.
        n: How many features there are.
    """
    joined = np.diff(coalitions.reshape(-1, n + 1, n), axis=1).argmax(
        axis=2
    )  # (M, n) which feature
    contributions = np.take_along_axis(np.diff(worth, axis=1), np.argsort(joined, axis=1), axis=1)
    # A permutation and its reverse are one draw, not two.
    pairs = contributions.reshape(-1, 2, n).mean(axis=1)
    errors = pairs.std(axis=0, ddof=1) / math.sqrt(len(pairs))
    return contributions.mean(axis=0), float(np.sqrt((errors**2).mean()))


def _evaluate(
    model: SplitModel,
    features: ShapleyFeatures,
    shown: npt.NDArray[np.bool_],
    target: int,
    normalise: Callable[[Tensor], Tensor],
    on_progress: OnProgress,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Logits and probabilities (M,) of the target for coalitions (M, n)."""
    layers = torch.from_numpy(np.stack([features.image, features.painted, features.even]))
    image, painted, even = normalise(layers).split(1)
    regions = torch.from_numpy(features.regions.astype(np.int64)).to(image.device)
    logits, probabilities = [], []
    size = chunk_size(image)
    with torch.inference_mode():
        for start in range(0, len(shown), size):
            on_progress(start, len(shown))
            part = torch.from_numpy(shown[start : start + size]).to(image.device)
            rest = torch.where(part[:, :1, None, None], painted, even)
            of_part = model(torch.where(part[:, regions][:, None], image, rest))
            logits.append(target_logits(of_part, [target] * len(part)).double().cpu())
            probabilities.append(of_part.double().softmax(dim=1)[:, target].cpu())
    on_progress(len(shown), len(shown))
    return torch.cat(logits).numpy(), torch.cat(probabilities).numpy()
