"""An attribution over its image, and what it shows in words. NumPy and Pillow; no torch, no pages.

Maps are drawn in logits for each hundredth of the image, so that a map of 7 x 7 fields and one of
224 x 224 pixels, and those of different networks, can share one scale. Nothing is scaled by its
own maximum: that would draw noise as boldly as evidence.
"""

from collections.abc import Iterable
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from xai.attribution import Attribution

Rgb = npt.NDArray[np.uint8]  # (H, W, 3)
Map = npt.NDArray[np.float32]  # (h, w)

# Single pixels of a gradient are noise to the eye: they are summed to at most this many a side.
MOST_FIELDS = 28
NEARLY_CANCELS = 0.05  # what remains of evidence for and against, as a share of both

# One language for signed and unsigned maps: orange speaks for the class, blue against it, white is
# 0. ColorBrewer's PuOr and RdBu without their darkest ends: safe for every kind of colour sight,
# and lightness falls evenly on both sides. Evenly spaced from -1 to 1.
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

    Of the map that reaches highest, the strongest 1 % of the fields lie beyond it: one pixel of a
    gradient must not make all others look like nothing.
    """
    strengths = [np.abs(density(each)) for each in attributions]
    # A map of a few fields among hundreds has its 99 % at 0.
    ends = (float(np.quantile(each, 0.99)) or float(each.max()) for each in strengths)
    return max(ends, default=0.0)


def density(attribution: Attribution) -> Map:
    """Logits for each hundredth of the image's area, in at most 28 x 28 fields."""
    fields = _fields(attribution)
    in_hundredths: Map = (fields * fields.size / 100).astype(np.float32)
    return in_hundredths


def draw_overlay(pixels: Rgb, attribution: Attribution, *, vmax: float, opacity: float) -> Rgb:
    """The image in grey with the map over it; the bare image in grey when the map is empty.

    Grey, so that every colour is the map's and can be read off the bar. Places without evidence
    stay clear: the map's opacity rises with the evidence up to `opacity`.

    Args:
        pixels: (H, W, 3) of the explained image.
        attribution: Its explanation.
        vmax: End of the scale, from `shared_vmax` of all maps shown together.
        opacity: In [0, 1], of the strongest evidence.
    """
    grey = np.array(Image.fromarray(pixels).convert("L").convert("RGB"))
    if attribution.is_empty or vmax <= 0:
        return grey
    height, width = grey.shape[:2]
    enlarged = Image.fromarray(density(attribution)).resize(
        (width, height), Image.Resampling.BILINEAR
    )
    return _blend(grey, np.asarray(enlarged) / vmax, opacity)


def draw_colour_bar(*, is_signed: bool, opacity: float, width: int = 320, height: int = 14) -> Rgb:
    """The scale from its low end to its high end, as it looks over a mid-grey image."""
    ramp = np.linspace(-1 if is_signed else 0, 1, width, dtype=np.float32)
    grey = np.full((height, width, 3), 160, np.uint8)
    return _blend(grey, np.tile(ramp, (height, 1)), opacity)


def encode_png(pixels: Rgb) -> bytes:
    """`pixels` as a PNG file."""
    out = BytesIO()
    # Of 448 px: 17 ms and 224 kB; Pillow's own level 6 takes 64 ms for 195 kB.
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()


def describe_evidence(attribution: Attribution, target_name: str) -> str:
    """Where the evidence lies and how much it is, in sentences computed from what is drawn."""
    if attribution.is_empty:
        return (
            f"No evidence for {target_name} in the last feature map: the map is 0 everywhere, so "
            "nothing is drawn."
        )
    fields = _fields(attribution)
    favour, against = np.maximum(fields, 0), np.maximum(-fields, 0)
    if not attribution.is_signed:
        return f"{_where(favour)} of the evidence for {target_name} ({favour.sum():.2f} logits)."
    said = [
        f"{_where(part)} of what speaks {word} {target_name} ({part.sum():.2f} logits)."
        for part, word in ((favour, "for"), (against, "against"))
        if part.any()
    ]
    if abs(fields.sum()) < NEARLY_CANCELS * np.abs(fields).sum():
        said.append(
            f"The two nearly cancel (what remains is {fields.sum():+.2f}), so much of the map is "
            "noise."
        )
    return " ".join(said)


def _fields(attribution: Attribution) -> npt.NDArray[np.float64]:
    """The map's logits summed to at most 28 x 28 fields."""
    values = attribution.values.astype(np.float64)
    height, width = values.shape
    across = _shares(width, min(width, MOST_FIELDS))
    return _shares(height, min(height, MOST_FIELDS)) @ values @ across.T


def _where(part: npt.NDArray[np.float64]) -> str:
    """Which quarter of the image holds most of `part`, and how much: "The upper left ... 81 %"."""
    quarters = _shares(part.shape[0], 2) @ part @ _shares(part.shape[1], 2).T
    row, column = divmod(int(quarters.argmax()), 2)
    percent = 100 * quarters[row, column] / quarters.sum()
    name = f"{('upper', 'lower')[row]} {('left', 'right')[column]} quarter"
    if percent < 40:  # 25 would be the same everywhere
        return f"Spread out: the {name} holds the most, {percent:.0f} %,"
    return f"The {name} holds {percent:.0f} %"


def _shares(n_from: int, n_to: int) -> npt.NDArray[np.float64]:
    """(n_to, n_from): the share of each of `n_from` equal parts that lies in each of `n_to`."""
    start = np.arange(n_from) / n_from
    ends = np.arange(1, n_to + 1)[:, None] / n_to
    low = np.maximum(start, ends - 1 / n_to)
    high = np.minimum(start + 1 / n_from, ends)
    shares: npt.NDArray[np.float64] = np.clip(high - low, 0, None) * n_from
    return shares


def _blend(grey: Rgb, values: npt.NDArray[np.floating[Any]], opacity: float) -> Rgb:
    """`grey` with `values` (H, W), +-1 being the scale's ends, laid over it in colour."""
    values = np.clip(values, -1, 1)[..., None]
    stops = np.linspace(-1, 1, len(_COLOURS))
    colours = np.concatenate([np.interp(values, stops, each) for each in _COLOURS.T], axis=-1)
    # Full from half of the scale on: further up the colour alone tells how much.
    alpha = opacity * np.minimum(2 * np.abs(values), 1)
    blended: Rgb = (grey * (1 - alpha) + colours * alpha).round().astype(np.uint8)
    return blended
