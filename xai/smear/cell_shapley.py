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
from xai.types import Labels, OnProgress, Rgb, SplitModel

SAMPLED_PASSES = 300  # about so many where not all coalitions can be tried
EXACT_FEATURES = 10  # up to so many, all 2 ** n coalitions are tried


@dataclass(frozen=True, slots=True, eq=False)
class ShapleyFeatures:
    """What a Shapley value may take out of an image: its cells, and everything else."""

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
            "No nucleated cell was found in this image, so nothing can be said by cell; give a "
            "field of a stained smear, or use a map."
        )
    regions = with_rims(cells.labels)
    background = np.median(pixels[regions == 0], axis=0) if (regions == 0).any() else 255
    even = np.broadcast_to(np.uint8(background), pixels.shape)
    return ShapleyFeatures(pixels, paint_out(pixels, regions > 0), even, regions)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellAttribution:
    """What each cell and the background add to the logit of one target."""

    values: npt.NDArray[np.float64]  # (n,) of the cells, in logits
    background: float  # in logits; with the cells it sums to logit - baseline_logit
    target: int
    logit: float
    baseline_logit: float  # of the even colour
    probability: float
    probability_without: npt.NDArray[np.float64]  # (n,) when one cell alone is painted out
    forward_passes: int
    seconds: float
    standard_error: float | None  # of a value, in logits: standard error; None: exact


def cell_shapley(
    model: SplitModel,
    features: ShapleyFeatures,
    target: int,
    *,
    normalise: Callable[[Tensor], Tensor],
    on_progress: OnProgress = lambda done, total: None,
) -> CellAttribution:
    """Shapley values of cells and background (Shapley 1953; Lundberg and Lee 2017, eq. 8).

    A coalition shows its cells; one that is missing is painted out. Without the background there
    is one even colour in its place. So nothing but the even colour is the baseline, and all values
    sum to the logit less the baseline's. Up to EXACT_FEATURES all coalitions are tried; beyond, the
    features join in random orders and, against the noise, each order also runs backwards.

    Args:
        model: In evaluation mode; left as it is.
        features: At the size the model wants.
        target: Class.
        normalise: (N, H, W, 3) uint8 to what the model wants, as `Backbone.normalise` does.
        on_progress: Called with passes done and in all; may raise to stop.

    Raises:
        UserError: The target is no class of the model.
    """
    started = time.perf_counter()
    n = features.count
    if n <= EXACT_FEATURES:
        coalitions = np.arange(2**n)[:, None] >> np.arange(n) & 1
    else:
        coalitions = _joining(n, orders=_orders(n))
    alone = ~np.eye(n, dtype=bool)[1:]  # every cell once left out; the background is feature 0
    shown = np.concatenate([coalitions.astype(bool), alone])
    logits, probabilities = _answer(model, features, shown, target, normalise, on_progress)
    answers = logits[: len(coalitions)]
    if n <= EXACT_FEATURES:
        values, errors = shapley(answers, n), None
        nothing, everything = answers[0], answers[-1]
        probability = probabilities[len(coalitions) - 1]
    else:
        values, errors = _mean_gains(answers.reshape(-1, n + 1), coalitions, n)
        nothing, everything = answers[0], answers[n]
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
        standard_error=errors,
    )


def count_passes(cells: int) -> int:
    """How many passes `cell_shapley` takes for so many cells."""
    n = cells + 1
    return (2**n if n <= EXACT_FEATURES else 2 * _orders(n) * (n + 1)) + cells


def _orders(n: int) -> int:
    """Random orders, each of which also runs backwards."""
    return max(4, SAMPLED_PASSES // (2 * n))


def shapley(answers: npt.NDArray[np.float64], n: int) -> npt.NDArray[np.float64]:
    """Shapley values (n,) from the answers (2 ** n,) to all coalitions.

    Args:
        answers: Player i is in coalition k where bit i of k is set.
        n: ShapleyFeatures.
    """
    numbers = np.arange(2**n)
    sizes = np.array([int(number).bit_count() for number in numbers])
    values = np.zeros(n)
    for feature in range(n):
        without = numbers[numbers >> feature & 1 == 0]
        weights = [1 / (n * math.comb(n - 1, int(size))) for size in sizes[without]]
        values[feature] = (weights * (answers[without | 1 << feature] - answers[without])).sum()
    return values


def _joining(n: int, *, orders: int) -> npt.NDArray[np.int64]:
    """(2 * orders * (n + 1), n) coalitions: features join one by one, in an order and backwards."""
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(orders):
        order = rng.permutation(n)
        for way in (order, order[::-1]):
            place = np.argsort(way)
            rows += [place < size for size in range(n + 1)]
    return np.array(rows, np.int64)


def _mean_gains(
    answers: npt.NDArray[np.float64], coalitions: npt.NDArray[np.int64], n: int
) -> tuple[npt.NDArray[np.float64], float]:
    """Mean gain (n,) of each feature over the orders (M, n + 1), and its standard error."""
    joined = np.diff(coalitions.reshape(-1, n + 1, n), axis=1).argmax(axis=2)  # (M, n) who
    gains = np.take_along_axis(np.diff(answers, axis=1), np.argsort(joined, axis=1), axis=1)
    pairs = gains.reshape(-1, 2, n).mean(axis=1)  # an order and its reverse are no two draws
    errors = pairs.std(axis=0, ddof=1) / math.sqrt(len(pairs))
    return gains.mean(axis=0), float(np.sqrt((errors**2).mean()))


def _answer(
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
            found = model(torch.where(part[:, regions][:, None], image, rest))
            logits.append(target_logits(found, [target] * len(part)).double().cpu())
            probabilities.append(found.double().softmax(dim=1)[:, target].cpu())
    on_progress(len(shown), len(shown))
    return torch.cat(logits).numpy(), torch.cat(probabilities).numpy()
