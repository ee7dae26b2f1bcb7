"""How far a map can be trusted: each score beside that of maps which never asked the model.

No files, no pages, no runs.
"""

import copy
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from scipy.ndimage import gaussian_filter
from scipy.stats import rankdata
from torch import Tensor, nn
from torch.nn import functional as F

from xai import measures
from xai.attribution import Attribution
from xai.explain import explain
from xai.measures import Summary
from xai.methods import METHODS
from xai.model import SplitModel, chunk_size, target_logits

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
MapsOf = Callable[[Tensor], list[Floats]]  # images (N, 3, H, W) -> N maps (h, w)
Progress = Callable[[int, int], None]  # done, in all

STEPS = 10  # shares of the image removed one after another; 20 cost twice as much
BLUR = 0.05  # sd of what blurs an image, in sides: a cell keeps its place and loses its texture
NOISE_SD = 0.05  # of the noise laid over the image, in normalised units: about 3 grey levels
DRAWS = 3  # noisy images
CHEAP = 10  # passes; a method that takes as many is not run 11 times more
GRID = 56  # fields a side of the reference maps: they are smooth

MARGIN = 0.02  # of probability, averaged over the steps: less is no difference
MOVES = 0.1  # of probability: where the answer moves less when all is gone, all maps score alike
TURNED = 0.5  # Spearman between the maps of the turned image below which turning changes the map
SHAKEN = 0.5  # the same for noise that no eye sees
UNLEARNED = 0.7  # Spearman to the map of random weights from which on the two are the same
AGREES, DIFFERS = 0.7, 0.3  # Spearman between two maps


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """The scores of one map; None: not defined, or not asked for."""

    deletion: float  # [0, 1], down is better
    insertion: float  # [0, 1], up is better
    drop: float  # [0, 1], share of the probability that is lost outside the map; down is better
    increase: float  # 1 where the masked image is more probable than the image, else 0
    nucleus_energy: float | None = None  # share of the map in nuclei, [0, 1]
    cytoplasm_energy: float | None = None  # in cells outside their nuclei
    background_energy: float | None = None  # outside cells
    pointing: float | None = None  # 1 where the strongest field's centre lies in a cell, else 0
    noise_similarity: float | None = None  # mean Spearman to the maps of noisy images, [-1, 1]
    noise_change: float | None = None  # largest relative change by noise, >= 0
    turn_spread: float | None = None  # 1 - mean pairwise Spearman of the eight turns' maps, [0, 2]
    random_weights_similarity: float | None = None  # Spearman to the map of random weights


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityReport:
    """The scores of a map, and the same scores of three maps that never asked the model."""

    method: str
    own: Quality
    random: Quality  # smooth noise and its inverse, the mean of the two
    centre: Quality  # a Gaussian in the middle
    blurred: Quality  # the darkness of the blurred image
    probability: float  # of the target for the image
    grey_probability: float  # for an image of nothing
    blurred_probability: float  # for the blurred image, from which insertion starts
    is_flat: bool = False  # whether the map puts no place before another
    nucleus_area: float | None = None  # share of the image, [0, 1]
    cytoplasm_area: float | None = None
    background_area: float | None = None

    @property
    def references(self) -> dict[str, Quality]:
        """The three reference maps' scores, by name."""
        return {"random": self.random, "centre": self.centre, "blurred": self.blurred}


UP_IS_BETTER: dict[str, bool] = {
    name: row.up_is_better
    for name, row in measures.MEASURES.items()
    if row.up_is_better is not None
}
MEASURES = tuple(each.name for each in fields(Quality))
assert set(MEASURES) == set(measures.MEASURES)


def judge(
    model: SplitModel,
    image: Tensor,
    attribution: Attribution,
    *,
    nuclei: Mask | None = None,
    cells: Mask | None = None,
    randomised: SplitModel | None = None,
    progress: Progress | None = None,
) -> QualityReport:
    """Every score of one map, beside those of three maps that never asked the model.

    The image is explained anew (noise, turns) only for methods of less than CHEAP passes.

    Args:
        model: In evaluation mode; left as it is.
        image: (1, 3, H, W) float32, normalised: what `attribution` explains.
        attribution: The map; below 0 speaks against the class and ranks nothing.
        nuclei: (H, W), or None where they are unknown.
        cells: (H, W), nuclei included, or None.
        randomised: From `randomise(model)`, made once for many images; explained once more.
        progress: Hears after each of four maps.

    Raises:
        UserError: The target is no class of the model.
    """
    row = METHODS.get(attribution.method)
    is_cheap = row is not None and row.passes < CHEAP
    answer = ask(model, image, attribution.target)
    own: MapsOf = partial(_explain, model, attribution)
    makers = {"own": own, **reference_makers(image)}
    found = {}
    for name, maps_of in makers.items():
        is_own = name == "own"
        values = attribution.values.astype(np.float64) if is_own else maps_of(image)[0]
        # Half of all random maps are lucky; one and its inverse together are not.
        maps = [values, values.max() - values] if name == "random" else [values]
        unlearned = None
        if randomised is not None:
            unlearned = _explain(randomised, attribution, image)[0] if is_own else values
        found[name] = _score(answer, maps, nuclei, cells, maps_of if is_cheap else None, unlearned)
        if progress:
            progress(len(found), len(makers))
    return _report(answer, attribution, found, _parts(nuclei, cells))


def reference_makers(image: Tensor) -> dict[str, MapsOf]:
    """What makes the three maps that never ask the model; the random one is drawn by `image`."""
    seed = zlib.crc32(image.detach().float().cpu().contiguous().numpy().tobytes())
    return {
        "random": partial(_random_maps, seed=seed),
        "centre": _centre_maps,
        "blurred": _dark_maps,
    }


def _report(
    answer: "Answer",
    attribution: Attribution,
    found: Mapping[str, Quality],
    parts: Mapping[str, Mask],
) -> QualityReport:
    areas = {name: float(mask.mean()) for name, mask in parts.items()}
    return QualityReport(
        method=attribution.method,
        own=found["own"],
        random=found["random"],
        centre=found["centre"],
        blurred=found["blurred"],
        probability=answer.probability,
        grey_probability=answer.grey_probability,
        blurred_probability=answer.blurred_probability,
        is_flat=not np.ptp(np.maximum(attribution.values, 0)),
        nucleus_area=areas.get("nucleus"),
        cytoplasm_area=areas.get("cytoplasm"),
        background_area=areas.get("background"),
    )


def _explain(model: SplitModel, attribution: Attribution, images: Tensor) -> list[Floats]:
    found = explain(model, images, method=attribution.method, target=attribution.target)
    return [each.values.astype(np.float64) for each in found]


def _score(
    answer: "Answer",
    maps: Sequence[Floats],
    nuclei: Mask | None,
    cells: Mask | None,
    maps_of: MapsOf | None,
    unlearned: Floats | None,
) -> Quality:
    """The mean scores of `maps`, of which `maps_of` makes the first again.

    `unlearned` is the first for random weights.
    """
    values = maps[0]
    masked = [masked_probability(answer, each) for each in maps]
    energy = {
        name: _mean([energy_inside(each, mask) for each in maps])
        for name, mask in _parts(nuclei, cells).items()
    }
    similarity = change = spread = None
    if maps_of is not None:
        similarity, change = noise_sensitivity(maps_of, answer.image, values)
        spread = turn_spread(maps_of, answer.image)
    return Quality(
        deletion=float(np.mean([deletion_auc(answer, each) for each in maps])),
        insertion=float(np.mean([insertion_auc(answer, each) for each in maps])),
        drop=float(np.mean([average_drop(answer.probability, each) for each in masked])),
        increase=float(np.mean([each > answer.probability for each in masked])),
        nucleus_energy=energy.get("nucleus"),
        cytoplasm_energy=energy.get("cytoplasm"),
        background_energy=energy.get("background"),
        pointing=None if cells is None else _mean([points_into(each, cells) for each in maps]),
        noise_similarity=similarity,
        noise_change=change,
        turn_spread=spread,
        random_weights_similarity=None
        if unlearned is None
        else spearman(abs(values), abs(unlearned)),
    )


def _mean(found: Sequence[float | None]) -> float | None:
    known = [each for each in found if each is not None]
    return float(np.mean(known)) if known else None


# --- What the model answers when parts are gone


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a model answers to an image, to nothing and to the blurred image."""

    model: SplitModel
    image: Tensor  # (1, 3, H, W)
    blurred: Tensor  # (1, 3, H, W)
    target: int
    probability: float
    grey_probability: float
    blurred_probability: float


def ask(model: SplitModel, image: Tensor, target: int) -> Answer:
    """The answers from which `deletion_auc` and `insertion_auc` start and at which they end.

    Args:
        model: In evaluation mode.
        image: (1, 3, H, W) float32, normalised, so that 0 is an even grey.
        target: Class.
    """
    assert len(image) == 1, "one image at a time"
    image = image.detach().contiguous(memory_format=torch.channels_last)
    blurred = blur(image)
    ends = torch.cat([image, torch.zeros_like(image), blurred])
    found = probabilities(model, ends, target)
    return Answer(model, image, blurred, target, *found.tolist())


def probabilities(model: SplitModel, images: Tensor, target: int) -> Floats:
    """The target's probability (N,) for each of images (N, 3, H, W), in chunks."""
    found = []
    with torch.inference_mode():
        for part in images.split(chunk_size(images)):
            logits = model(part).double()
            own = target_logits(logits, [target] * len(part))
            found.append((own - logits.logsumexp(dim=1)).exp().clamp(max=1).cpu().numpy())
    return np.concatenate(found)


def blur(image: Tensor) -> Tensor:
    """`image` (1, 3, H, W) with a Gaussian of BLUR of its shorter side laid over."""
    sd = BLUR * min(image.shape[2:])
    smooth = gaussian_filter(image.float().cpu().numpy(), (0, 0, sd, sd), mode="nearest")
    return torch.from_numpy(smooth).to(image)


def deletion_auc(answer: Answer, values: Floats, *, steps: int = STEPS) -> float:
    """Mean probability while pixels go grey, the map's strongest first (arXiv:1806.07421, alg. 1).

    Petsiuk et al. 2018, RISE: the area under the probability against the share of pixels removed,
    by trapezoids. Down is better: what the map points at is what the answer hangs on.

    Args:
        answer: From `ask`.
        values: (h, w), the map.
        steps: Parts of the image, removed one after another.

    Returns:
        In [0, 1].
    """
    curve = _curve(answer, answer.image, torch.zeros_like(answer.image), values, steps)
    return _area([answer.probability, *curve, answer.grey_probability])


def insertion_auc(answer: Answer, values: Floats, *, steps: int = STEPS) -> float:
    """Mean probability while pixels come into the blurred image (arXiv:1806.07421, algorithm 1).

    As `deletion_auc`, but up is better. Departs from RISE in the blur, which there is 5 pixels
    whatever the image's size.

    Returns:
        In [0, 1].
    """
    curve = _curve(answer, answer.blurred, answer.image, values, steps)
    return _area([answer.blurred_probability, *curve, answer.probability])


def _curve(answer: Answer, old: Tensor, new: Tensor, values: Floats, steps: int) -> list[float]:
    """Probabilities (steps - 1) between the image `old` and the image `new`."""
    ranks = rank_pixels(values, answer.image.shape[2:]).to(answer.image.device)
    found: list[float] = []
    limits = torch.arange(1, steps, device=ranks.device) * ranks.numel() // steps
    for part in limits.split(chunk_size(answer.image)):
        images = torch.where(ranks < part[:, None, None, None], new, old)
        found += probabilities(answer.model, images, answer.target).tolist()
    return found


def _area(curve: Sequence[float]) -> float:
    area = sum((one + other) / 2 for one, other in pairwise(curve)) / (len(curve) - 1)
    return min(area, 1.0)  # but for rounding it is


def rank_pixels(values: Floats, size: Sequence[int]) -> Tensor:
    """The place (H, W) int64 of each pixel in the map's order, 0 the strongest.

    Pixels of which the map says nothing (0 or less) come last in the order of a smooth random
    map: by their position they would favour a corner, and singly they would be noise.
    """
    height, width = size
    favour = enlarge(values, size).numpy().ravel()
    ties = enlarge(_random_map(height, width, seed=0), size).numpy().ravel()
    ranks = np.empty(favour.size, np.int64)
    ranks[np.lexsort((-ties, -favour))] = np.arange(favour.size)
    return torch.from_numpy(ranks.reshape(height, width))


def enlarge(values: npt.NDArray[np.floating], size: Sequence[int]) -> Tensor:
    """What of a map (h, w) speaks for the class, at an image's size (H, W) float32, >= 0."""
    favour = torch.from_numpy(np.maximum(values, 0).astype(np.float32))[None, None]
    return F.interpolate(favour, tuple(size), mode="bilinear", align_corners=False)[0, 0]


def masked_probability(answer: Answer, values: Floats) -> float:
    """The target's probability for the image times the map, scaled to a maximum of 1."""
    mask = enlarge(values, answer.image.shape[2:]).to(answer.image)
    mask = mask / mask.max().clamp(min=torch.finfo(mask.dtype).tiny)
    return float(probabilities(answer.model, answer.image * mask, answer.target)[0])


def average_drop(probability: float, masked: float) -> float:
    """Share of the probability lost outside the map (Chattopadhyay et al. 2018, arXiv:1710.11063).

    Of one image; the paper's average drop is the mean over many, in percent.

    Returns:
        In [0, 1]; 0 where the masked image is at least as probable.
    """
    return max(0.0, probability - masked) / max(probability, 1e-12)


# --- Where in the smear


def _parts(nuclei: Mask | None, cells: Mask | None) -> dict[str, Mask]:
    """What of the image is nucleus, cytoplasm and background, as far as it is known."""
    found = {} if nuclei is None else {"nucleus": nuclei}
    if cells is not None:
        found["background"] = ~cells
        if nuclei is not None:
            found["cytoplasm"] = cells & ~nuclei
            found["background"] = ~(cells | nuclei)
    return found


def energy_inside(values: Floats, mask: Mask) -> float | None:
    """Share of what speaks for the class that lies in `mask` (H, W); None: nothing does.

    The energy-based pointing game of Wang et al. 2020 (arXiv:1910.01279), there for boxes.
    """
    favour = enlarge(values, mask.shape).numpy().astype(np.float64)
    total = favour.sum()
    return float(favour[mask].sum() / total) if total > 0 else None


def points_into(values: Floats, mask: Mask) -> float | None:
    """1 where the centre of the strongest field lies in `mask` (H, W), else 0; None: no field does.

    The pointing game of Zhang et al. 2016 (arXiv:1608.00507), without its tolerance.
    """
    if not (values > 0).any():
        return None
    place = np.unravel_index(values.argmax(), values.shape)
    row, column = (
        int((at + 0.5) * full / own)
        for at, full, own in zip(place, mask.shape, values.shape, strict=True)
    )
    return float(mask[row, column])


# --- Whether it is the same map again


def noise_sensitivity(
    maps_of: MapsOf,
    image: Tensor,
    values: Floats,
    *,
    sd: float = NOISE_SD,
    draws: int = DRAWS,
    seed: int = 0,
) -> tuple[float, float]:
    """How much a map changes by noise that no eye sees.

    The change is the max-sensitivity of Yeh et al. 2019 (arXiv:1901.09392, def. 2) relative to the
    map's own norm, as captum has it, with Gaussian noise in place of a ball.

    Args:
        maps_of: Explains images.
        image: (1, 3, H, W) float32.
        values: (h, w), the map of `image`.
        sd: Of the noise, in normalised units.
        draws: Noisy images.
        seed: Of the noise.

    Returns:
        Mean Spearman to the noisy images' maps in [-1, 1], and the largest relative change >= 0.
    """
    generator = torch.Generator().manual_seed(seed)
    noise = sd * torch.randn(draws, *image.shape[1:], generator=generator)
    maps = maps_of(image + noise.to(image))
    similarity = float(np.mean([spearman(values, other) for other in maps]))
    norm = max(float(np.linalg.norm(values)), 1e-12)
    return similarity, max(float(np.linalg.norm(other - values)) for other in maps) / norm


def turn_spread(maps_of: MapsOf, image: Tensor) -> float:
    """How much the map depends on how the slide lay: a smear has no up or down.

    Returns:
        1 - mean Spearman between every two of the maps of the image's eight flips and rotations,
        each turned back; 0: always the same map, 1: nothing in common, at most 2.
    """
    turned = []
    for quarters in ((0, 2), (1, 3)):  # odd turns of an oblong image have another size
        ways = [(quarter, flips) for quarter in quarters for flips in (False, True)]
        images = torch.cat([_turn(image, *way) for way in ways])
        turned += [
            _turn_back(values, *way) for values, way in zip(maps_of(images), ways, strict=True)
        ]
    matrix = _spearmans(turned)
    return float(1 - matrix[np.triu_indices(len(turned), 1)].mean())


def _turn(image: Tensor, quarters: int, flips: bool) -> Tensor:
    turned = image.rot90(quarters, (2, 3))
    return turned.flip(3) if flips else turned


def _turn_back(values: Floats, quarters: int, flips: bool) -> Floats:
    return np.rot90(values[:, ::-1] if flips else values, -quarters)


def spearman(one: Floats, other: Floats) -> float:
    """Rank correlation of two maps of one size, in [-1, 1].

    A map without differences ranks nothing: 1 beside another such map, 0 beside any other.
    """
    return float(_spearmans([one, other])[0, 1])


def _spearmans(maps: Sequence[Floats]) -> Floats:
    """Rank correlations (M, M) of M maps (h, w)."""
    ranks = np.stack([rankdata(values) for values in (each.ravel() for each in maps)])
    ranks -= ranks.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(ranks, axis=1)
    is_flat = norms == 0
    ranks /= np.where(is_flat, 1, norms)[:, None]
    found: Floats = np.clip(ranks @ ranks.T, -1, 1)
    found[np.ix_(is_flat, is_flat)] = 1
    return found


# --- Whether it depends on what was learned


def randomise(model: SplitModel, *, seed: int = 0) -> SplitModel:
    """A private copy whose weights are drawn anew (Adebayo et al. 2018, arXiv:1810.03292, sec. 3).

    All convolutions and linear layers at once; batch norms are kept. Each layer's numbers come
    from a normal distribution of the layer's own mean and spread, so that a signal still passes
    through and only what was learned is lost; the paper draws as at the start of a training.

    Args:
        model: An `nn.Module`; not touched.
        seed: Of the weights.
    """
    assert isinstance(model, nn.Module), "weights cannot be drawn anew where there are none"
    generator = torch.Generator().manual_seed(seed)
    found = copy.deepcopy(model)
    for module in found.modules():
        if isinstance(module, nn.modules.conv._ConvNd | nn.Linear):
            _draw_anew(module.weight, generator)
            if module.bias is not None:
                _draw_anew(module.bias, generator)
    return found


def _draw_anew(weights: Tensor, generator: torch.Generator) -> None:
    with torch.no_grad():
        sd = weights.std(correction=0)
        drawn = torch.randn(weights.shape, generator=generator).to(weights)
        weights.copy_(weights.mean() + sd * drawn)


# --- Two maps beside each other


def agreement(one: npt.NDArray[np.floating], other: npt.NDArray[np.floating]) -> float:
    """Spearman in [-1, 1] of what two maps show for their class, on the coarser of their grids.

    For two methods on one model or one method on two models; sizes (h, w) may differ.
    """
    size = min(one.shape[0], other.shape[0]), min(one.shape[1], other.shape[1])
    return spearman(_coarsen(one, size), _coarsen(other, size))


def _coarsen(values: npt.NDArray[np.floating], size: tuple[int, int]) -> Floats:
    favour = torch.from_numpy(np.maximum(values, 0).astype(np.float64))[None, None]
    found: Floats = F.adaptive_avg_pool2d(favour, size)[0, 0].numpy()
    return found


def say_agreement(similarity: float, *, same_answer: bool) -> str:
    """What two maps that are alike to `similarity` (Spearman) mean, in a few words."""
    answer = "same answer" if same_answer else "different answers"
    if similarity >= AGREES:
        reason = "same reason" if same_answer else "from the same places"
    elif similarity >= DIFFERS:
        reason = "partly the same reason" if same_answer else "from partly the same places"
    else:
        reason = "different reason" if same_answer else "from different places"
    return f"{answer}, {reason}".capitalize() + "."


# --- Maps that never asked the model


def _random_maps(images: Tensor, *, seed: int) -> list[Floats]:
    return [_random_map(*_grid(images), seed=seed)] * len(images)


def _random_map(height: int, width: int, *, seed: int) -> Floats:
    """Noise blurred to spots of the size that a CAM's have, >= 0."""
    height, width = min(height, GRID), min(width, GRID)
    noise = np.random.default_rng(seed).normal(size=(height, width))
    smooth: Floats = gaussian_filter(noise, min(height, width) / 8, mode="wrap")
    smooth -= smooth.min()
    return smooth


def _centre_maps(images: Tensor) -> list[Floats]:
    rows, columns = (np.linspace(-1, 1, 2 * side + 1)[1::2] for side in _grid(images))
    values: Floats = np.exp(-(rows[:, None] ** 2 + columns**2) / (2 * 0.5**2))
    return [values] * len(images)


def _dark_maps(images: Tensor) -> list[Floats]:
    """Where the blurred image is darker than its brightest place: nuclei, whatever they mean."""
    found = []
    for image in images.split(1):
        brightness = blur(image).mean(dim=1, keepdim=True)
        dark = F.adaptive_avg_pool2d(brightness.amax() - brightness, _grid(images))
        found.append(dark[0, 0].double().cpu().numpy())
    return found


def _grid(images: Tensor) -> tuple[int, int]:
    height, width = images.shape[2:]
    return min(height, GRID), min(width, GRID)


# --- In words


def say_verdict(report: QualityReport) -> str:
    """What the scores mean for a reader, in sentences.

    The rule: a map beats a reference where its deletion is at least MARGIN below and its insertion
    at least MARGIN above the reference's. It is good where it beats all three, and no better than
    chance where it does not beat the random one. Deletion counts where an image of nothing costs
    the target at least MOVES of probability, insertion where the blurred image does: else every
    map scores alike. Then what else speaks against the map.
    """
    return " ".join([_say_rank(report), *warn(report)])


def counting_measures(report: QualityReport) -> tuple[str, ...]:
    """Which of insertion and deletion can tell one map from another for this answer."""
    moved = {"insertion": report.blurred_probability, "deletion": report.grey_probability}
    return tuple(name for name, end in moved.items() if end <= report.probability - MOVES)


def _say_rank(report: QualityReport) -> str:
    counting = counting_measures(report)
    if report.is_flat:
        return "No better than chance: the map puts no place before another."
    if not counting:
        return (
            "Cannot be judged: the model answers the same, or with more certainty, to the blurred "
            "image and to an image of nothing."
        )
    lost = [
        name
        for name, other in report.references.items()
        if not all(_beats(report.own, other, measure) for measure in counting)
    ]
    if not lost:
        return (
            f"Better than random, centre and blurred maps on {' and '.join(counting)}: it shows "
            "where this model's answer comes from."
        )
    if "random" in lost:
        return f"No better than chance: {_say_half(report, counting)}."
    return (
        f"Better than chance, but no better than the {' and the '.join(lost)} map, which never "
        "asked the model: it may show what catches the eye and not what was decided by."
    )


def _say_half(report: QualityReport, counting: Sequence[str]) -> str:
    won = [measure for measure in counting if _beats(report.own, report.random, measure)]
    if won == ["deletion"]:
        return "removing what it shows costs the answer, but showing it alone does not bring it"
    if won == ["insertion"]:
        return "showing what it shows brings the answer, but removing it does not cost it"
    return "a random map finds what the answer hangs on as well"


def _beats(own: Quality, other: Quality, measure: str) -> bool:
    gain: float = getattr(own, measure) - getattr(other, measure)
    return (gain if UP_IS_BETTER[measure] else -gain) >= MARGIN


def warn(report: QualityReport) -> list[str]:
    """What speaks against a map, or against its rank, a sentence each."""
    own, found = report.own, []
    if counting_measures(report) == ("insertion",):
        found.append("Deletion does not count: an image of nothing gets the same answer.")
    if counting_measures(report) == ("deletion",):
        found.append("Insertion does not count: the blurred image gets the same answer.")
    if own.turn_spread is not None and own.turn_spread > 1 - TURNED:
        found.append("Turning the image changes the map.")
    if own.noise_similarity is not None and own.noise_similarity < SHAKEN:
        found.append("Noise that no eye sees changes the map.")
    similarity = own.random_weights_similarity
    if similarity is not None and similarity >= UNLEARNED:
        found.append("A model with random weights gives the same map.")
    return found


# --- Over a test set


@dataclass(slots=True)
class _Column:
    """One measure of one method: a row an image."""

    groups: list[str] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    others: list[list[float | None]] = field(default_factory=list)  # random, centre, blurred
    areas: list[float | None] = field(default_factory=list)


def summarise(
    reports: Mapping[str, Sequence[QualityReport]],
    group_by_image: Mapping[str, str],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> list[Summary]:
    """Means over a test set with 95 % bootstrap intervals, a row for each method and measure.

    Groups (patients) are drawn with replacement, not images: two smears of one patient are alike,
    and intervals over images would be too narrow.

    Args:
        reports: By image, one for each method.
        group_by_image: Of every image in `reports`.
        resamples: Draws of groups.
        seed: Of the draws; the same draws for each row.
    """
    columns: dict[tuple[str, str], _Column] = {}
    for image, of_image in reports.items():
        for report in of_image:
            for measure in MEASURES:
                own = getattr(report.own, measure)
                if own is None:
                    continue
                column = columns.setdefault((report.method, measure), _Column())
                column.groups.append(group_by_image[image])
                column.own.append(own)
                column.others.append([getattr(o, measure) for o in report.references.values()])
                area = measures.MEASURES[measure].area
                column.areas.append(getattr(report, area) if area else None)
    return [
        _summarise_one(*key, column, resamples, seed) for key, column in sorted(columns.items())
    ]


def _summarise_one(
    method: str, measure: str, column: _Column, resamples: int, seed: int
) -> Summary:
    low, high = bootstrap_interval(column.own, column.groups, resamples=resamples, seed=seed)
    others = np.array(column.others, dtype=np.float64)  # (N, 3); None becomes nan
    means = [_known_mean(each) for each in others.T]
    bootstrap = partial(bootstrap_interval, resamples=resamples, seed=seed)
    lead, lead_low = _lead(column, others, UP_IS_BETTER.get(measure), bootstrap)
    return Summary(
        method=method,
        measure=measure,
        value=float(np.mean(column.own)),
        low=low,
        high=high,
        random=means[0],
        centre=means[1],
        blurred=means[2],
        better=_share_better(np.array(column.own), others, UP_IS_BETTER.get(measure)),
        lead=lead,
        lead_low=lead_low,
        area=_known_mean(np.array(column.areas, dtype=np.float64)),
        images=len(column.own),
        groups=len(set(column.groups)),
    )


def _known_mean(values: Floats) -> float | None:
    """The mean of those that are no nan; None: all are."""
    return None if np.isnan(values).all() else float(np.nanmean(values))


def _lead(
    column: _Column,
    others: Floats,
    up_is_better: bool | None,
    bootstrap: Callable[[Sequence[float], Sequence[str]], tuple[float, float]],
) -> tuple[float | None, float | None]:
    """The least mean gain over a reference map, and the least lower end of its interval.

    Gains are taken image by image: maps of one image are judged by one answer, so their
    difference is known far better than either score.

    Args:
        column: N images.
        others: (N, 3), the reference maps' scores.
        up_is_better: None: there is no gain.
        bootstrap: The interval of a mean over groups.
    """
    if up_is_better is None or np.isnan(others).any():
        return None, None
    gains = (np.array(column.own)[:, None] - others) * (1 if up_is_better else -1)
    lows = [bootstrap(gain.tolist(), column.groups)[0] for gain in gains.T]
    return float(gains.mean(axis=0).min()), min(lows)


def _share_better(own: Floats, others: Floats, up_is_better: bool | None) -> float | None:
    if up_is_better is None:
        return None
    beats = own[:, None] > others if up_is_better else own[:, None] < others
    return float(beats.all(axis=1).mean())


def bootstrap_interval(
    values: Sequence[float], groups: Sequence[str], *, resamples: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """The 95 % interval of the mean of `values` when whole groups are drawn with replacement.

    A single group gives a point: how groups differ cannot be seen in one.
    """
    names, index = np.unique(np.array(groups), return_inverse=True)
    sums = np.bincount(index, weights=values)
    counts = np.bincount(index)
    drawn = np.random.default_rng(seed).integers(len(names), size=(resamples, len(names)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
