"""Every measure of one map, beside the same measures of baseline maps."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor

from xai.attribution import Attribution
from xai.explain import explain
from xai.faithfulness.baselines import FIXED_MAPS, MapsOf
from xai.faithfulness.deletion import (
    MaskedResponse,
    average_drop_of,
    curve_areas,
    enlarge,
    masked_probabilities,
    masked_response,
)
from xai.faithfulness.placement import moved_copies, place_map
from xai.faithfulness.report import Quality, QualityReport
from xai.faithfulness.similarity import spearman
from xai.faithfulness.stability import NOISE_GREY_LEVELS, noise_sensitivity, rotation_variance
from xai.faithfulness.table import MEASURES
from xai.methods.table import METHODS
from xai.model import chunk_size, grey_level
from xai.types import Floats, Mask, OnProgress, SplitModel

AT_ONCE = 8  # copies whose masked images are held together, or more where images are small
CHEAP = 10  # passes; stability takes 11 maps more, so it is not measured for slower methods


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
    """Every score of one map, beside those of the three baseline maps.

    Stability under noise, rotation and flip is measured for methods of less than CHEAP passes only;
    of copies moved elsewhere neither it nor the sanity check is.

    Args:
        model: In evaluation mode; left as it is.
        image: (1, 3, H, W) float32, normalised: what `attribution` explains.
        attribution: The map; of its values only the positive ones are ranked.
        nuclei: (H, W), or None where they are unknown.
        cells: (H, W), nuclei included, or None.
        randomised: From `randomise(model)`, made once for many images; None: no sanity check.
        on_progress: Called with maps done and in all, after each: the map, two fixed ones, copies.

    Raises:
        UserError: The target is no class of the model.
    """
    row = METHODS.get(attribution.method)
    is_cheap = row is not None and row.passes < CHEAP
    response = masked_response(model, image, attribution.target)
    parts = _parts(nuclei, cells)
    values = attribution.values.astype(np.float64)
    makers: dict[str, MapsOf] = {"own": partial(_explain, model, attribution), **FIXED_MAPS}
    copies = moved_copies(values, image.shape[2:])
    total = len(makers) + len(copies)
    scores: dict[str, Quality] = {}
    for name, maps_of in makers.items():
        one = values if name == "own" else maps_of(image)[0]
        of_randomised = None if randomised is None else one
        if randomised is not None and name == "own":
            of_randomised = _explain(randomised, attribution, image)[0]
        (scored,) = _score(response, [one], parts, cells)
        scores[name] = _add_reliability(
            scored, response, one, maps_of if is_cheap else None, of_randomised
        )
        if on_progress:
            on_progress(len(scores), total)
    moved: list[Quality] = []
    at_once = max(AT_ONCE, chunk_size(image) // AT_ONCE)
    for start in range(0, len(copies), at_once):
        moved += _score(response, copies[start : start + at_once], parts, cells)
        if on_progress:
            on_progress(len(scores) + len(moved), total)
    return _report(response, attribution, scores, moved, parts)


def _report(
    response: MaskedResponse,
    attribution: Attribution,
    scores: Mapping[str, Quality],
    moved: Sequence[Quality],
    parts: Mapping[str, Mask],
) -> QualityReport:
    areas = {name: float(mask.mean()) for name, mask in parts.items()}
    report = QualityReport(
        method=attribution.method,
        own=scores["own"],
        random=_mean_quality(moved),
        centre=scores["centre"],
        blurred=scores["blurred"],
        probability=response.probability,
        grey_probability=response.grey_probability,
        blurred_probability=response.blurred_probability,
        is_flat=not np.ptp(np.maximum(attribution.values, 0)),
        nucleus_area=areas.get("nucleus"),
        cytoplasm_area=areas.get("cytoplasm"),
        background_area=areas.get("background"),
    )
    return replace(report, placements=place_map(report.own, moved, report.counting))


def _mean_quality(scores: Sequence[Quality]) -> Quality:
    """The mean of each measure over those that have it."""
    means: dict[str, Any] = {
        name: _mean([getattr(each, name) for each in scores]) for name in MEASURES
    }
    return Quality(**means)


def _explain(model: SplitModel, attribution: Attribution, images: Tensor) -> list[Floats]:
    made = explain(model, images, method=attribution.method, target=attribution.target)
    return [one.values.astype(np.float64) for one in made]


def _score(
    response: MaskedResponse,
    maps: Sequence[Floats],
    parts: Mapping[str, Mask],
    cells: Mask | None,
) -> list[Quality]:
    """The scores of each map (h, w) that need no other map.

    Args:
        response: Of the model to the image.
        maps: At least one.
        parts: From `_parts`.
        cells: (H, W), or None.
    """
    areas, masked = curve_areas(response, maps), masked_probabilities(response, maps).tolist()
    qualities = []
    for values, area, probability in zip(maps, areas, masked, strict=True):
        energy = {name: energy_inside(values, mask) for name, mask in parts.items()}
        quality = Quality(
            deletion=area.deletion,
            insertion=area.insertion,
            average_drop=average_drop_of(response.probability, probability),
            increase_in_confidence=float(probability > response.probability),
            nucleus_energy=energy.get("nucleus"),
            cytoplasm_energy=energy.get("cytoplasm"),
            background_energy=energy.get("background"),
            pointing_game=None if cells is None else points_into(values, cells),
        )
        qualities.append(quality)
    return qualities


def _add_reliability(
    quality: Quality,
    response: MaskedResponse,
    values: Floats,
    maps_of: MapsOf | None,
    of_randomised: Floats | None,
) -> Quality:
    """`quality` with stability and sanity check.

    Args:
        quality: Of the map.
        response: Of the model to the image.
        values: (h, w), the map.
        maps_of: Makes this map of other images; None: stability is not measured.
        of_randomised: The map from random weights; None: no sanity check.
    """
    if maps_of is not None:
        similarity, change = noise_sensitivity(
            maps_of, response.image, values, sd=NOISE_GREY_LEVELS * grey_level(response.model)
        )
        quality = replace(
            quality,
            noise_similarity=similarity,
            noise_change=change,
            rotation_variance=rotation_variance(maps_of, response.image),
        )
    if of_randomised is None:
        return quality
    return replace(quality, randomisation_similarity=spearman(abs(values), abs(of_randomised)))


def _mean(scores: Sequence[float | None]) -> float | None:
    known = [score for score in scores if score is not None]
    return float(np.mean(known)) if known else None


def _parts(nuclei: Mask | None, cells: Mask | None) -> dict[str, Mask]:
    """Masks of nucleus, cytoplasm and background, as far as they are known."""
    parts = {} if nuclei is None else {"nucleus": nuclei}
    if cells is not None:
        parts["background"] = ~cells
        if nuclei is not None:
            parts["cytoplasm"] = cells & ~nuclei
            parts["background"] = ~(cells | nuclei)
    return parts


def energy_inside(values: Floats, mask: Mask) -> float | None:
    """Share of the positive attribution that lies in `mask` (H, W); None: there is none.

    The energy-based pointing game of Wang et al. 2020 (arXiv:1910.01279), there for boxes.
    """
    positive = enlarge(values, mask.shape).numpy().astype(np.float64)
    total = positive.sum()
    return float(positive[mask].sum() / total) if total > 0 else None


def points_into(values: Floats, mask: Mask) -> float | None:
    """1 where the centre of the strongest grid cell lies in `mask` (H, W), else 0.

    The pointing game of Zhang et al. 2016 (arXiv:1608.00507), without its tolerance.

    Returns:
        None where there is no positive attribution.
    """
    if not (values > 0).any():
        return None
    place = np.unravel_index(values.argmax(), values.shape)
    row, column = (
        int((at + 0.5) * full / own)
        for at, full, own in zip(place, mask.shape, values.shape, strict=True)
    )
    return float(mask[row, column])
