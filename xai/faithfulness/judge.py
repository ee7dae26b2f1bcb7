"""Every measure of one map, beside the same measures of maps made without the model."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from torch import Tensor

from xai.attribution import Attribution
from xai.explain import explain
from xai.faithfulness.baselines import MapsOf, baseline_makers
from xai.faithfulness.deletion import (
    MaskedResponse,
    ask,
    average_drop_of,
    deletion_auc,
    enlarge,
    insertion_auc,
    masked_probability,
)
from xai.faithfulness.report import Quality, QualityReport
from xai.faithfulness.similarity import spearman
from xai.faithfulness.stability import NOISE_GREY_LEVELS, noise_sensitivity, rotation_variance
from xai.methods.table import METHODS
from xai.model import grey_level
from xai.types import Floats, Mask, OnProgress, SplitModel

CHEAP = 10  # passes; a method that takes as many is not run 11 times more


def judge(
    model: SplitModel,
    image: Tensor,
    attribution: Attribution,
    *,
    nuclei: Mask | None = None,
    cells: Mask | None = None,
    randomised: SplitModel | None = None,
    on_progress: OnProgress | None = None,
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
        on_progress: Called with maps done and in all, after each of the four.

    Raises:
        UserError: The target is no class of the model.
    """
    row = METHODS.get(attribution.method)
    is_cheap = row is not None and row.passes < CHEAP
    answer = ask(model, image, attribution.target)
    own: MapsOf = partial(_explain, model, attribution)
    makers = {"own": own, **baseline_makers(image)}
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
        if on_progress:
            on_progress(len(found), len(makers))
    return _report(answer, attribution, found, _parts(nuclei, cells))


def _report(
    answer: MaskedResponse,
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
    answer: MaskedResponse,
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
        similarity, change = noise_sensitivity(
            maps_of, answer.image, values, sd=NOISE_GREY_LEVELS * grey_level(answer.model)
        )
        spread = rotation_variance(maps_of, answer.image)
    return Quality(
        deletion=float(np.mean([deletion_auc(answer, each) for each in maps])),
        insertion=float(np.mean([insertion_auc(answer, each) for each in maps])),
        average_drop=float(np.mean([average_drop_of(answer.probability, each) for each in masked])),
        increase_in_confidence=float(np.mean([each > answer.probability for each in masked])),
        nucleus_energy=energy.get("nucleus"),
        cytoplasm_energy=energy.get("cytoplasm"),
        background_energy=energy.get("background"),
        pointing_game=None if cells is None else _mean([points_into(each, cells) for each in maps]),
        noise_similarity=similarity,
        noise_change=change,
        rotation_variance=spread,
        randomisation_similarity=None
        if unlearned is None
        else spearman(abs(values), abs(unlearned)),
    )


def _mean(found: Sequence[float | None]) -> float | None:
    known = [each for each in found if each is not None]
    return float(np.mean(known)) if known else None


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
