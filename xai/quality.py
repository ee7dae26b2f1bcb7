"""How far a map can be trusted: each score beside that of maps which never asked the model.

No files, no pages, no runs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial

import numpy as np
import numpy.typing as npt
from torch import Tensor

from xai.attribution import Attribution
from xai.explain import explain
from xai.faithfulness import (
    Answer,
    ask,
    average_drop,
    deletion_auc,
    enlarge,
    insertion_auc,
    masked_probability,
)
from xai.likeness import spearman
from xai.measures import MEASURES
from xai.methods import METHODS
from xai.model import SplitModel
from xai.references import Floats, MapsOf, reference_makers
from xai.stability import noise_sensitivity, turn_spread

Mask = npt.NDArray[np.bool_]
Progress = Callable[[int, int], None]  # done, in all

CHEAP = 10  # passes; a method that takes as many is not run 11 times more

MARGIN = 0.02  # of probability, averaged over the steps: less is no difference
MOVES = 0.1  # of probability: where the answer moves less when all is gone, all maps score alike
TURNED = 0.5  # Spearman between the maps of the turned image below which turning changes the map
SHAKEN = 0.5  # the same for noise that no eye sees
UNLEARNED = 0.7  # Spearman to the map of random weights from which on the two are the same


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


assert [each.name for each in fields(Quality)] == list(MEASURES)


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


def _report(
    answer: Answer,
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
    answer: Answer,
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
    return (gain if MEASURES[measure].up_is_better else -gain) >= MARGIN


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
