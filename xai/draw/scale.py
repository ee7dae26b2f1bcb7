"""The colours of maps, and one scale for all that are shown together."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from xai.attribution import Attribution
from xai.types import Map, Rgb

# Single pixels of a gradient are noisy: they are summed to at most this many grid cells a side.
MOST_FIELDS = 28
# The same colours for signed and unsigned maps: orange is positive, blue negative, white 0.
# ColorBrewer's PuOr and RdBu without their darkest ends: safe for every kind of colour vision, and
# lightness falls evenly on both sides. Evenly spaced from -1 to 1.
_COLOURS = np.array(
    [
        (33, 102, 172),
        (67, 147, 195),
        (146, 197, 222),
        (209, 229, 240),
        (247, 247, 247),
        (254, 224, 182),
        (253, 184, 99),
        (224, 130, 20),
        (179, 88, 6),
    ],
    np.float64,
)


def shared_vmax(attributions: Iterable[Attribution]) -> float:
    """The end of one scale for all of `attributions`; 0 when all are empty.

    In the map with the largest values the strongest 1 % of the grid cells lie beyond it: one pixel
    of a gradient must not make all others look like 0.
    """
    strengths = [np.abs(density(one)) for one in attributions]
    # A map of a few grid cells among hundreds has its 99 % at 0.
    ends = (float(np.quantile(one, 0.99)) or float(one.max()) for one in strengths)
    return max(ends, default=0.0)


def as_share(attribution: Attribution) -> Attribution:
    """`attribution` with values whose absolutes sum to 1, so that any two maps share one scale.

    How strong the evidence is cannot be read from it any more, only where it lies. Everything but
    the values stays in logits. An empty map stays empty.
    """
    total = np.abs(attribution.values).sum(dtype=np.float64)
    if total == 0:
        return replace(attribution, is_share=True)
    values = (attribution.values / total).astype(np.float32)
    return replace(attribution, values=values, is_share=True)


def density(attribution: Attribution) -> Map:
    """The map's unit for each hundredth of the image's area, in at most 28 x 28 grid cells."""
    fields = sum_into_cells(attribution)
    in_hundredths: Map = (fields * fields.size / 100).astype(np.float32)
    return in_hundredths


def render_colour_bar(
    *, is_signed: bool, opacity: float, width: int = 320, height: int = 14
) -> Rgb:
    """The scale from its low end to its high end, as it looks over a mid-grey image."""
    ramp = np.linspace(-1 if is_signed else 0, 1, width, dtype=np.float32)
    grey = np.full((height, width, 3), 160, np.uint8)
    return blend(grey, np.tile(ramp, (height, 1)), opacity)


def sum_into_cells(attribution: Attribution) -> npt.NDArray[np.float64]:
    """The map, in its unit, summed to at most 28 x 28 grid cells."""
    values = attribution.values.astype(np.float64)
    height, width = values.shape
    across = overlap_shares(width, min(width, MOST_FIELDS))
    return overlap_shares(height, min(height, MOST_FIELDS)) @ values @ across.T


def overlap_shares(n_from: int, n_to: int) -> npt.NDArray[np.float64]:
    """(n_to, n_from): the share of each of `n_from` equal parts that lies in each of `n_to`."""
    start = np.arange(n_from) / n_from
    ends = np.arange(1, n_to + 1)[:, None] / n_to
    low = np.maximum(start, ends - 1 / n_to)
    high = np.minimum(start + 1 / n_from, ends)
    shares: npt.NDArray[np.float64] = np.clip(high - low, 0, None) * n_from
    return shares


def blend(grey: Rgb, values: npt.NDArray[np.floating[Any]], opacity: float) -> Rgb:
    """`grey` with `values` (H, W), +-1 being the scale's ends, laid over it in colour."""
    values = np.clip(values, -1, 1)[..., None]
    stops = np.linspace(-1, 1, len(_COLOURS))
    colours = np.concatenate([np.interp(values, stops, each) for each in _COLOURS.T], axis=-1)
    # Full from half of the scale on: further up the colour alone shows how much.
    alpha = opacity * np.minimum(2 * np.abs(values), 1)
    blended: Rgb = (grey * (1 - alpha) + colours * alpha).round().astype(np.uint8)
    return blended
