"""Every measure of one map, beside the same measures of baseline maps."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from torch import Tensor

from xai.attribution import Attribution
from xai.explain import explain
from xai.faithfulness.baselines import MapsOf, baseline_makers
from xai.faithfulness.deletion import (
    MaskedResponse,
    average_drop_of,
    deletion_auc,
    enlarge,
    insertion_auc,
    masked_probability,
    masked_response,
)
from xai.faithfulness.report import Quality, QualityReport
from xai.faithfulness.similarity import spearman
from xai.faithfulness.stability import NOISE_GREY_LEVELS, noise_sensitivity, rotation_variance
from xai.methods.table import METHODS
from xai.model import grey_level
from xai.types import Floats, Mask, OnProgress, SplitModel

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

    Stability under noise, rotation and flip is measured for methods of less than CHEAP passes only.

    Args:
        model: In evaluation mode; left as it is.
        image: (1, 3, H, W) float32, normalised: what `attribution` explains.
        attribution: The map; of its values only the positive ones are ranked.
        nuclei: (H, W), or None where they are unknown.
        cells: (H, W), nuclei included, or None.
        randomised: From `randomise(model)`, made once for many images; None: no sanity check.
        on_progress: Called with maps done and in all, after each of the four.

    Raises:
        UserError: The target is no class of the model.
    """
    row = METHODS.get(attribution.method)
    is_cheap = row is not None and row.passes < CHEAP
    response = masked_response(model, image, attribution.target)
    own: MapsOf = partial(_explain, model, attribution)
    makers = {"own": own, **baseline_makers(image)}
    scores: dict[str, Quality] = {}
    for name, maps_of in makers.items():
        is_own = name == "own"
        values = attribution.values.astype(np.float64) if is_own else maps_of(image)[0]
        # One random map may cover what decides by chance. Its inverse then does not, so that the
        # mean of their scores depends little on the draw.
        maps = [values, values.max() - values] if name == "random" else [values]
        of_randomised = None
        if randomised is not None:
            of_randomised = _explain(randomised, attribution, image)[0] if is_own else values
        scores[name] = _score(
            response, maps, nuclei, cells, maps_of if is_cheap else None, of_randomised
        )
        if on_progress:
            on_progress(len(scores), len(makers))
    return _report(response, attribution, scores, _parts(nuclei, cells))


def _report(
    response: MaskedResponse,
    attribution: Attribution,
    scores: Mapping[str, Quality],
    parts: Mapping[str, Mask],
) -> QualityReport:
    areas = {name: float(mask.mean()) for name, mask in parts.items()}
    return QualityReport(
        method=attribution.method,
        own=scores["own"],
        random=scores["random"],
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


def _explain(model: SplitModel, attribution: Attribution, images: Tensor) -> list[Floats]:
    made = explain(model, images, method=attribution.method, target=attribution.target)
    return [one.values.astype(np.float64) for one in made]


def _score(
    response: MaskedResponse,
    maps: Sequence[Floats],
    nuclei: Mask | None,
    cells: Mask | None,
    maps_of: MapsOf | None,
    of_randomised: Floats | None,
) -> Quality:
    """The mean scores of `maps`; stability and sanity check are those of the first.

    Args:
        response: Of the model to the image.
        maps: (h, w) each.
        nuclei: (H, W), or None.
        cells: (H, W), or None.
        maps_of: Makes the first map of other images; None: stability is not measured.
        of_randomised: The first map from random weights; None: no sanity check.
    """
    values = maps[0]
    masked = [masked_probability(response, one) for one in maps]
    energy = {
        name: _mean([energy_inside(one, mask) for one in maps])
        for name, mask in _parts(nuclei, cells).items()
    }
    similarity = change = spread = None
    if maps_of is not None:
        similarity, change = noise_sensitivity(
            maps_of, response.image, values, sd=NOISE_GREY_LEVELS * grey_level(response.model)
        )
        spread = rotation_variance(maps_of, response.image)
    return Quality(
        deletion=float(np.mean([deletion_auc(response, one) for one in maps])),
        insertion=float(np.mean([insertion_auc(response, one) for one in maps])),
        average_drop=float(np.mean([average_drop_of(response.probability, p) for p in masked])),
        increase_in_confidence=float(np.mean([p > response.probability for p in masked])),
        nucleus_energy=energy.get("nucleus"),
        cytoplasm_energy=energy.get("cytoplasm"),
        background_energy=energy.get("background"),
        pointing_game=None if cells is None else _mean([points_into(one, cells) for one in maps]),
        noise_similarity=similarity,
        noise_change=change,
        rotation_variance=spread,
        randomisation_similarity=None
        if of_randomised is None
        else spearman(abs(values), abs(of_randomised)),
    )


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
