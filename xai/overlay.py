"""An attribution over its image, and what it shows in words. NumPy and Pillow; no torch, no pages.

Maps are drawn in their unit (logits, or shares of the map) for each hundredth of the image, so that
a map of 7 x 7 fields and one of 224 x 224 pixels, and those of different networks, can share one
scale. Nothing is scaled by its own maximum: that would draw noise as boldly as evidence.
"""

from collections.abc import Iterable
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from xai.attribution import Attribution, Map

Rgb = npt.NDArray[np.uint8]  # (H, W, 3)
Labels = npt.NDArray[np.integer[Any]]  # (H, W), the number of each pixel's cell; 0: none
Mask = npt.NDArray[np.bool_]  # (H, W)

# Single pixels of a gradient are noise to the eye: they are summed to at most this many a side.
MOST_FIELDS = 28
NEARLY_CANCELS = 0.05  # what remains of evidence for and against, as a share of both
CONTOUR_SHARES = (0.2, 0.1)  # of the image's area, the strongest of it; drawn outside in

CLASSLESS = ("eigen-cam",)  # methods whose map is no evidence for or against anything

# Neither the map's orange nor its blue: Okabe and Ito's bluish green, which every kind of colour
# sight tells from both, and white, as stained nuclei are the darkest of a smear.
CELL_COLOUR = (0, 158, 115)
NUCLEUS_COLOUR = (255, 255, 255)

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
    """The map's unit for each hundredth of the image's area, in at most 28 x 28 fields."""
    fields = _fields(attribution)
    in_hundredths: Map = (fields * fields.size / 100).astype(np.float32)
    return in_hundredths


def draw_overlay(
    pixels: Rgb,
    attribution: Attribution,
    *,
    vmax: float,
    opacity: float,
    contours: bool = False,
) -> Rgb:
    """The image in grey with the map over it; the bare image in grey when the map is empty.

    Grey, so that every colour is the map's and can be read off the bar. Places without evidence
    stay clear: the map's opacity rises with the evidence up to `opacity`.

    Args:
        pixels: (H, W, 3) of the explained image.
        attribution: Its explanation.
        vmax: End of the scale, from `shared_vmax` of all maps shown together.
        opacity: In [0, 1], of the strongest evidence.
        contours: Whether lines are drawn around the 10 % and the 20 % of the image where the
            evidence for the class is strongest.
    """
    grey = np.array(Image.fromarray(pixels).convert("L").convert("RGB"))
    if attribution.is_empty or vmax <= 0:
        return grey
    height, width = grey.shape[:2]
    enlarged = np.asarray(
        Image.fromarray(density(attribution)).resize((width, height), Image.Resampling.BILINEAR)
    )
    drawn = _blend(grey, enlarged / vmax, opacity)
    return _draw_contours(drawn, enlarged) if contours else drawn


def draw_outlines(pixels: Rgb, labels: Labels, nuclei: Mask) -> Rgb:
    """`pixels` with a line of one pixel just inside each cell (green) and each nucleus (white).

    Args:
        pixels: (H, W, 3), with or without a map over it.
        labels: (h, w) int, 0 where there is no cell; enlarged to H x W by nearest neighbour.
        nuclei: (h, w) bool, of the same size.
    """
    drawn = pixels.copy()
    size = (pixels.shape[0], pixels.shape[1])
    drawn[_edges(_nearest(labels, size))] = CELL_COLOUR
    drawn[_edges(_nearest(nuclei, size).astype(np.uint8))] = NUCLEUS_COLOUR
    return drawn


def draw_cells(
    pixels: Rgb, labels: Labels, values: npt.NDArray[np.floating[Any]] | None = None
) -> Rgb:
    """The image in grey with its cells numbered, and coloured by what each adds.

    Args:
        pixels: (H, W, 3).
        labels: (H, W) int, cells from 1 on.
        values: (n,) of the cells: orange above 0, blue below, the strongest in full colour. None:
            the image keeps its own colours, and the cells have numbers only.
    """
    drawn = pixels.copy()
    if values is not None:
        grey = np.array(Image.fromarray(pixels).convert("L").convert("RGB"))
        scale = float(np.abs(values).max(initial=0)) or 1.0
        by_label = np.concatenate([[0], values / scale])
        drawn = _blend(grey, by_label[labels], 0.75)
    drawn = draw_outlines(drawn, labels, np.zeros(labels.shape, bool))
    image = Image.fromarray(drawn)
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(size=max(10, len(pixels) // 28))
    for cell in range(1, int(labels.max(initial=0)) + 1):
        y, x = (float(np.mean(at)) for at in np.nonzero(labels == cell))
        pen.text(
            (x, y), str(cell), (255, 255, 255), font, "mm", stroke_width=2, stroke_fill=(0, 0, 0)
        )
    return np.asarray(image)


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


def describe_evidence(
    attribution: Attribution, target_name: str, labels: Labels | None = None
) -> str:
    """Where the evidence lies and how much it is, in sentences computed from what is drawn.

    Args:
        attribution: What is described.
        target_name: The class it explains.
        labels: (H, W) int, the image's cells, 0 outside; given, evidence is told by cells and
            not by quarters of the image.
    """
    if attribution.is_empty:
        return (
            f"No evidence for {target_name} in the last feature map: the map is 0 everywhere, so "
            "nothing is drawn."
        )
    fields = _fields(attribution)
    said = []
    if labels is not None and labels.any():
        said += _say_by_cells(fields, target_name, attribution, labels)
    else:
        said += [] if labels is None else ["No cells were found."]
        said += _say_by_quarters(fields, target_name, attribution)
    if (
        attribution.is_signed
        and attribution.method not in CLASSLESS
        and abs(fields.sum()) < NEARLY_CANCELS * np.abs(fields).sum()
    ):
        remains = _amount(fields.sum(), attribution, "+").removesuffix(" logits")
        said.append(
            f"The two nearly cancel (what remains is {remains}), so much of the map is noise."
        )
    return " ".join(said)


def _say_by_quarters(
    fields: npt.NDArray[np.float64], target_name: str, attribution: Attribution
) -> list[str]:
    """A sentence for the evidence, or one for each sign."""
    said = []
    for part, sign in _by_sign(fields):
        amount = f" ({_amount(part.sum(), attribution)})"
        if attribution.unit == "share" and not attribution.is_signed:
            amount = ""  # always 100 %
        said.append(f"{_where(part)} of {_what(attribution, target_name, sign)}{amount}.")
    return said


def _say_by_cells(
    fields: npt.NDArray[np.float64], target_name: str, attribution: Attribution, labels: Labels
) -> list[str]:
    """A sentence on how much lies in cells and in which one most, or one for each sign."""
    covered = f", which cover {100 * (labels > 0).mean():.0f} % of the image"
    said = []
    for part, sign in _by_sign(fields):
        in_cells = _sum_by_label(part, labels)
        inside = in_cells[1:].sum() / in_cells.sum()
        what = _what(attribution, target_name, sign)
        sentence = f"{100 * inside:.0f} % of {what} lies inside cells{covered}"
        covered = ""  # once is enough
        if inside > 0:
            sentence += f"; strongest in {_name_cell(int(in_cells[1:].argmax()) + 1, labels)}"
        said.append(f"{sentence}.")
    return said


def _what(attribution: Attribution, target_name: str, sign: str) -> str:
    """What the values of one sign are evidence of."""
    if attribution.method in CLASSLESS:
        return {"for": "the strongest pattern", "against": "its opposite"}[sign]
    return (
        f"what speaks {sign} {target_name}"
        if attribution.is_signed
        else f"the evidence for {target_name}"
    )


def _by_sign(fields: npt.NDArray[np.float64]) -> list[tuple[npt.NDArray[np.float64], str]]:
    """What of `fields` speaks for the class and what against it, as positive numbers."""
    parts = ((np.maximum(fields, 0), "for"), (np.maximum(-fields, 0), "against"))
    return [(part, word) for part, word in parts if part.any()]


def _amount(value: float, attribution: Attribution, sign: str = "") -> str:
    """`value` with its unit: "4.00 logits", or "40 % of the map"."""
    if attribution.unit == "logits":
        return f"{value:{sign}.2f} logits"
    return f"{100 * value:{sign}.0f} % of the map"


def _sum_by_label(fields: npt.NDArray[np.float64], labels: Labels) -> npt.NDArray[np.float64]:
    """How much of `fields`, each spread evenly over its area, lies in each label from 0 on."""
    height, width = labels.shape
    each = _shares(fields.shape[0], height) @ fields @ _shares(fields.shape[1], width).T
    sums: npt.NDArray[np.float64] = np.bincount(labels.ravel(), weights=each.ravel())  # type: ignore[assignment]  # NumPy's stub forgets the weights
    return sums


def _name_cell(cell: int, labels: Labels) -> str:
    """Where `cell` lies in thirds of the image: "the upper left cell", or one of several there."""
    numbers = [int(number) for number in np.unique(labels) if number]
    places = {
        number: tuple(
            int(3 * (centre + 0.5) / side)
            for centre, side in zip(middle, labels.shape, strict=True)
        )
        for number, middle in zip(
            numbers, ndimage.center_of_mass(labels > 0, labels, numbers), strict=True
        )
    }
    row, column = places[cell]
    words = [word for word in (("upper", "", "lower")[row], ("left", "", "right")[column]) if word]
    name = " ".join(words) or "middle"
    if list(places.values()).count(places[cell]) == 1:
        return f"the {name} cell"
    return f"one of the {name} cells"


def _fields(attribution: Attribution) -> npt.NDArray[np.float64]:
    """The map, in its unit, summed to at most 28 x 28 fields."""
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


def _draw_contours(drawn: Rgb, enlarged: Map) -> Rgb:
    """`drawn` with a dark line, a light one beside it, around its strongest places.

    Places that are equally strong are in or out together, so no more than the share is enclosed.
    """
    drawn = drawn.copy()
    favour = np.maximum(enlarged, 0)
    for share in CONTOUR_SHARES:
        strongest = favour > np.quantile(favour, 1 - share)
        # The image's own edge is no contour.
        inside = strongest & ~ndimage.binary_erosion(strongest, border_value=1)
        outside = ndimage.binary_dilation(strongest) & ~strongest
        drawn[outside], drawn[inside] = 255, 0
    return drawn


def _nearest(values: npt.NDArray[Any], size: tuple[int, int]) -> npt.NDArray[Any]:
    """`values` (h, w) enlarged to `size` (H, W), each pixel taking the nearest one's value."""
    rows, columns = (
        ((2 * np.arange(new) + 1) * old) // (2 * new)
        for new, old in zip(size, values.shape, strict=True)
    )
    enlarged: npt.NDArray[Any] = values[rows[:, None], columns]
    return enlarged


def _edges(labels: Labels) -> Mask:
    """Pixels of a label that touch another one, or none, above, below or beside them."""
    cross = ndimage.generate_binary_structure(2, 1)
    lowest, highest = (
        function(labels, footprint=cross, mode="nearest")
        for function in (ndimage.minimum_filter, ndimage.maximum_filter)
    )
    edges: Mask = (lowest != highest) & (labels > 0)
    return edges
