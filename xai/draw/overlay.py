"""An attribution map over its image. No torch, no pages.

Maps that are shown together are drawn in their unit for each hundredth of the image, so that one of
7 x 7 cells and one of 224 x 224 pixels, and those of different networks, can share one scale. One
map alone is drawn on its own: what it is worth stands beside it in words.
"""

from io import BytesIO

import numpy as np
from PIL import Image
from plotly.colors import hex_to_rgb, sequential
from scipy import ndimage

from xai.attribution import Attribution
from xai.draw.scale import blend, density
from xai.types import Map, Rgb

_TURBO = np.array([hex_to_rgb(stop) for stop in sequential.Turbo], np.float64)
CONTOUR_SHARES = (0.2, 0.1)  # of the image's area, the strongest of it; drawn outside in


def render_overlay(
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
    drawn = blend(grey, enlarged / vmax, opacity)
    return _draw_contours(drawn, enlarged) if contours else drawn


def render_in_colour(pixels: Rgb, attribution: Attribution, *, opacity: float) -> Rgb:
    """The image in its colours with the positive part of one map over it, as the lens begins.

    The stain stays visible, which is what a person reads; no bar can be read off, since the scale
    is the map's own: turbo (Mikhailov 2019) from 0 to its largest value.

    Args:
        pixels: (H, W, 3) of the explained image.
        attribution: Its explanation.
        opacity: In [0, 1], from half of the scale on; it falls to 0 with the value.
    """
    largest = attribution.values.max()
    if largest <= 0:
        return pixels
    height, width = pixels.shape[:2]
    share = Image.fromarray(np.maximum(attribution.values, 0) / largest)
    enlarged = np.asarray(share.resize((width, height), Image.Resampling.BICUBIC)).clip(0, 1)
    ends = np.linspace(0, 1, len(_TURBO))
    colours = np.stack([np.interp(enlarged, ends, channel) for channel in _TURBO.T], axis=-1)
    strength = (opacity * np.minimum(1, 2 * enlarged))[..., None]
    drawn: Rgb = np.rint((1 - strength) * pixels + strength * colours).astype(np.uint8)
    return drawn


def encode_png(pixels: Rgb) -> bytes:
    """`pixels` as a PNG file."""
    out = BytesIO()
    # Of 448 px: 17 ms and 224 kB; Pillow's own level 6 takes 64 ms for 195 kB.
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()


def _draw_contours(drawn: Rgb, enlarged: Map) -> Rgb:
    """`drawn` with a dark line, a light one beside it, around its strongest places.

    Places that are equally strong are in or out together, so no more than the share is enclosed.
    """
    drawn = drawn.copy()
    positive = np.maximum(enlarged, 0)
    for share in CONTOUR_SHARES:
        strongest = positive > np.quantile(positive, 1 - share)
        # The image's own edge is no contour.
        inside = strongest & ~ndimage.binary_erosion(strongest, border_value=1)
        outside = ndimage.binary_dilation(strongest) & ~strongest
        drawn[outside], drawn[inside] = 255, 0
    return drawn
