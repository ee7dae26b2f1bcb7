"""The nucleated cells of a smear, and what each of them adds to an answer. No files, no pages.

Purple is what tells a nucleated cell from a red one, by any stain and any lamp: it absorbs green
far more than red and blue, red cells absorb the three in proportion.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from scipy import ndimage
from torch import Tensor

from xai.errors import UserError
from xai.model import SplitModel, chunk_size, target_logits
from xai.probes import say_percent

Rgb = npt.NDArray[np.uint8]  # (H, W, 3)
Mask = npt.NDArray[np.bool_]  # (H, W)
Labels = npt.NDArray[np.int16]  # (H, W)
Floats = npt.NDArray[np.floating[Any]]

WORK_PX = 224  # side at which cells are sought; lengths below are in its pixels
# Optical density of green less half of red's and 0.87 of blue's. 504 smears: red cells lie within
# 0.06 of 0, the palest nuclei at 0.25, cytoplasm at 0.1 to 0.25.
CELL, NUCLEUS = 0.11, 0.16
PRINT = 0.5  # optical density of blue
NUCLEAR = 0.55  # of a clump's most purple
SMOOTH_PX = 0.5
NECK = 1.0  # how much narrower two cells are where they touch, in pixels from the edge
LEAST_CELL = 80  # pixels: a disc of 10 px. Platelets and specks of stain are smaller
LEAST_NUCLEUS = 30
SAMPLED_PASSES = 300  # about so many where not all coalitions can be tried
EXACT_PLAYERS = 10  # up to so many, all 2 ** n coalitions are tried


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single answer to ==
class Cells:
    """The nucleated cells of one image."""

    labels: Labels  # 0: no cell; cells from 1 on, in reading order
    nuclei: Mask  # each inside its cell

    @property
    def count(self) -> int:
        """How many there are."""
        return int(self.labels.max(initial=0))

    def resized(self, px: int) -> "Cells":
        """The same cells at `px` a side; one that is too small for that has no pixel left."""
        return Cells(_enlarge(self.labels, px, px), _enlarge(self.nuclei, px, px))

    @property
    def mask(self) -> Mask:
        """(H, W) where any cell is."""
        found: Mask = self.labels > 0
        return found


def segment_cells(pixels: Rgb) -> Cells:
    """The nucleated cells of a smear; none where there are none.

    Cells cut off by the image's edge count. Those that lie against each other are parted by a
    watershed between their nuclei.

    Args:
        pixels: (H, W, 3) uint8, a field of a smear of any size, or a single cell on black.
    """
    from skimage.segmentation import relabel_sequential

    height, width = pixels.shape[:2]
    resized = Image.fromarray(pixels).resize((WORK_PX, WORK_PX), Image.Resampling.BOX)
    purple = _purpleness(np.asarray(resized))
    cells = _without_specks(ndimage.binary_opening(purple > CELL, iterations=2), LEAST_CELL)
    nuclei = _find_nuclei(purple, cells)
    labels = _part(cells, nuclei)
    labels = relabel_sequential(labels)[0].astype(np.int16)
    return Cells(_enlarge(labels, width, height), _enlarge(nuclei & (labels > 0), width, height))


def _purpleness(pixels: Rgb) -> Floats:
    """(H, W) optical density of green beyond what a red cell's colour would have; about 0 to 1.

    White is each channel's 90th percentile, so that the lamp's colour does not count. A single cell
    cut out on black shows none: there its own lightest colour, blue, stands for all.
    """
    values = ndimage.gaussian_filter(pixels.astype(np.float64), (SMOOTH_PX, SMOOTH_PX, 0))
    is_lit = values.max(axis=2) > 30
    white = np.full(3, 255.0)
    if is_lit.any():
        is_cut_out = is_lit.mean() < 0.6
        white[:] = np.percentile(values[is_lit], 90, axis=None if is_cut_out else 0)
    red, green, blue = np.moveaxis(np.log((white + 5) / (values + 5)), 2, 0)
    found = green - 0.5 * red - 0.87 * blue
    # Stain lets blue pass: what does not is print (a scale bar), dirt, or the black around a cell.
    is_print = ndimage.binary_dilation((blue > PRINT) | ~is_lit, iterations=2)
    return np.where(is_print, 0, found)


def _without_specks(mask: Mask, least: int) -> Mask:
    """`mask` with its holes filled and its parts smaller than `least` pixels left out."""
    parts, _ = ndimage.label(ndimage.binary_fill_holes(mask))
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    found: Mask = sizes[parts] >= least
    return found


def _find_nuclei(purple: Floats, cells: Mask) -> Mask:
    """What is about as purple as the most purple of its clump."""
    smooth = ndimage.gaussian_filter(purple, 1.0)
    clumps, count = ndimage.label(cells)
    tops = np.zeros(count + 1)
    for clump in range(1, count + 1):
        tops[clump] = np.quantile(smooth[clumps == clump], 0.9)
    is_nucleus = cells & (smooth > np.maximum(NUCLEUS, NUCLEAR * tops[clumps]))
    return _without_specks(ndimage.binary_opening(is_nucleus, iterations=1), LEAST_NUCLEUS)


def _part(cells: Mask, nuclei: Mask) -> npt.NDArray[np.intp]:
    """(H, W) cells in reading order of their middles; 0 where no nucleus is near."""
    from skimage.morphology import h_maxima
    from skimage.segmentation import watershed

    # By the cells' outlines: a lobed nucleus is still one cell.
    depth = ndimage.gaussian_filter(ndimage.distance_transform_edt(cells), 1.0)
    seeds, _ = ndimage.label(h_maxima(depth, NECK), np.ones((3, 3)))
    found: npt.NDArray[np.intp] = watershed(-depth, seeds, mask=cells)
    has_nucleus = np.bincount(found.ravel(), nuclei.ravel()) >= LEAST_NUCLEUS
    has_nucleus[0] = False
    return np.where(has_nucleus[found], found, 0)


def _enlarge(values: npt.NDArray[Any], width: int, height: int) -> npt.NDArray[Any]:
    """`values` (224, 224) at the image's own size, no value between two made."""
    enlarged = Image.fromarray(values.astype(np.uint16)).resize(
        (width, height), Image.Resampling.NEAREST
    )
    return np.asarray(enlarged).astype(values.dtype)


def paint_out(pixels: Rgb, mask: Mask) -> Rgb:
    """`pixels` (H, W, 3) with what is under `mask` (H, W) replaced by the colours around it.

    Smooth: no red cell is invented. What lies far inside takes the nearest colours there are.
    """
    if mask.all():
        return np.full_like(pixels, 255)
    sigma = len(pixels) / 25
    rest = ~mask
    nearest = ndimage.distance_transform_edt(mask, return_distances=False, return_indices=True)
    weight = ndimage.gaussian_filter(rest.astype(np.float64), sigma)[..., None]
    colours = ndimage.gaussian_filter(np.where(rest[..., None], pixels, 0.0), (sigma, sigma, 0))
    # Where next to nothing of the outside reaches, its blur is 0 / 0.
    around = np.where(weight > 0.01, colours / np.maximum(weight, 0.01), pixels[tuple(nearest)])
    painted: Rgb = np.where(mask[..., None], around.round(), pixels).astype(np.uint8)
    return painted


def with_rims(labels: Labels) -> Labels:
    """`labels` (H, W), each cell a hundredth of the side wider, as far as no other is in the way.

    The blurred edge of an erased cell would tell that it was there.
    """
    from skimage.segmentation import expand_labels

    found: Labels = expand_labels(labels, len(labels) / 100).astype(np.int16)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Players:
    """What a Shapley value may take out of an image: its cells, and everything else."""

    image: Rgb
    painted: Rgb  # the image without its cells
    even: Rgb  # the background's median colour everywhere
    regions: Labels  # (H, W): the cell of each pixel with the rim around it; 0: background

    @property
    def count(self) -> int:
        """Cells and the background."""
        return int(self.regions.max(initial=0)) + 1


def find_players(pixels: Rgb, cells: Cells) -> Players:
    """The players of an image (H, W, 3) uint8.

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
    return Players(pixels, paint_out(pixels, regions > 0), even, regions)


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
    forwards: int
    seconds: float
    expected_error: float | None  # of a value, in logits: standard error; None: exact


def cell_shapley(
    model: SplitModel,
    players: Players,
    target: int,
    *,
    normalise: Callable[[Tensor], Tensor],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> CellAttribution:
    """Shapley values of cells and background (Shapley 1953; Lundberg and Lee 2017, eq. 8).

    A coalition shows its cells; one that is missing is painted out. Without the background there
    is one even colour in its place. So nothing but the even colour is the baseline, and all values
    sum to the logit less the baseline's. Up to EXACT_PLAYERS all coalitions are tried; beyond, the
    players join in random orders and, against the noise, each order also runs backwards.

    Args:
        model: In evaluation mode; left as it is.
        players: At the size the model wants.
        target: Class.
        normalise: (N, H, W, 3) uint8 to what the model wants, as `Backbone.normalise` does.
        progress: Called with passes done and in all; may raise to stop.

    Raises:
        UserError: The target is no class of the model.
    """
    started = time.perf_counter()
    n = players.count
    if n <= EXACT_PLAYERS:
        coalitions = np.arange(2**n)[:, None] >> np.arange(n) & 1
    else:
        coalitions = _joining(n, orders=_orders(n))
    alone = ~np.eye(n, dtype=bool)[1:]  # every cell once left out; the background is player 0
    shown = np.concatenate([coalitions.astype(bool), alone])
    logits, probabilities = _answer(model, players, shown, target, normalise, progress)
    answers = logits[: len(coalitions)]
    if n <= EXACT_PLAYERS:
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
        forwards=len(shown),
        seconds=time.perf_counter() - started,
        expected_error=errors,
    )


def count_passes(cells: int) -> int:
    """How many passes `cell_shapley` takes for so many cells."""
    n = cells + 1
    return (2**n if n <= EXACT_PLAYERS else 2 * _orders(n) * (n + 1)) + cells


def _orders(n: int) -> int:
    """Random orders, each of which also runs backwards."""
    return max(4, SAMPLED_PASSES // (2 * n))


def shapley(answers: npt.NDArray[np.float64], n: int) -> npt.NDArray[np.float64]:
    """Shapley values (n,) from the answers (2 ** n,) to all coalitions.

    Args:
        answers: Player i is in coalition k where bit i of k is set.
        n: Players.
    """
    numbers = np.arange(2**n)
    sizes = np.array([int(number).bit_count() for number in numbers])
    values = np.zeros(n)
    for player in range(n):
        without = numbers[numbers >> player & 1 == 0]
        weights = [1 / (n * math.comb(n - 1, int(size))) for size in sizes[without]]
        values[player] = (weights * (answers[without | 1 << player] - answers[without])).sum()
    return values


def _joining(n: int, *, orders: int) -> npt.NDArray[np.int64]:
    """(2 * orders * (n + 1), n) coalitions: players join one by one, in an order and backwards."""
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
    """Mean gain (n,) of each player over the orders (M, n + 1), and its standard error."""
    joined = np.diff(coalitions.reshape(-1, n + 1, n), axis=1).argmax(axis=2)  # (M, n) who
    gains = np.take_along_axis(np.diff(answers, axis=1), np.argsort(joined, axis=1), axis=1)
    pairs = gains.reshape(-1, 2, n).mean(axis=1)  # an order and its reverse are no two draws
    errors = pairs.std(axis=0, ddof=1) / math.sqrt(len(pairs))
    return gains.mean(axis=0), float(np.sqrt((errors**2).mean()))


def _answer(
    model: SplitModel,
    players: Players,
    shown: npt.NDArray[np.bool_],
    target: int,
    normalise: Callable[[Tensor], Tensor],
    progress: Callable[[int, int], None],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Logits and probabilities (M,) of the target for coalitions (M, n)."""
    layers = torch.from_numpy(np.stack([players.image, players.painted, players.even]))
    image, painted, even = normalise(layers).split(1)
    regions = torch.from_numpy(players.regions.astype(np.int64)).to(image.device)
    logits, probabilities = [], []
    size = chunk_size(image)
    with torch.inference_mode():
        for start in range(0, len(shown), size):
            progress(start, len(shown))
            part = torch.from_numpy(shown[start : start + size]).to(image.device)
            rest = torch.where(part[:, :1, None, None], painted, even)
            found = model(torch.where(part[:, regions][:, None], image, rest))
            logits.append(target_logits(found, [target] * len(part)).double().cpu())
            probabilities.append(found.double().softmax(dim=1)[:, target].cpu())
    progress(len(shown), len(shown))
    return torch.cat(logits).numpy(), torch.cat(probabilities).numpy()


def describe_cells(found: CellAttribution, labels: Labels, target_name: str) -> str:
    """Who carries the answer, the cells or the background, and which cell counts most.

    Args:
        found: Of the image.
        labels: (H, W) of its cells.
        target_name: The class explained.
    """
    cells, background = float(found.values.sum()), found.background
    said = [
        f"Of {found.logit - found.baseline_logit:+.2f} logits for {target_name}, the cells add "
        f"{cells:+.2f} and the background {background:+.2f}."
    ]
    if abs(background) > np.abs(found.values).sum():
        said.insert(0, "The background carries the decision, more than all cells together.")
    most = int(np.abs(found.values).argmax())
    said.append(
        f"Cell {most + 1} ({place_of(labels, most + 1)}) counts most: {found.values[most]:+.2f}; "
        f"without it alone the probability of {target_name} goes from "
        f"{say_percent(found.probability)} to "
        f"{say_percent(float(found.probability_without[most]))}."
    )
    if found.expected_error is not None:
        said.append(f"Each value is off by about {found.expected_error:.2f}.")
    return " ".join(said)


def place_of(labels: Labels, cell: int) -> str:
    """Where a cell's middle lies, in words."""
    height, width = labels.shape
    y, x = (np.mean(at) for at in np.nonzero(labels == cell))
    row = ("upper", "", "lower")[min(2, int(3 * y / height))]
    column = ("left", "", "right")[min(2, int(3 * x / width))]
    return " ".join(word for word in (row, column) if word) or "middle"
