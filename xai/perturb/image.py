"""What-if changes of one image, as pure functions of its pixels. No torch, no files, no pages.

A model that depends on cells alone should keep its prediction where only stain, light or file
change.
"""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage
from skimage.color import hsv2rgb, rgb2hsv

from xai.types import Mask, Rgb


def shift_hue(pixels: Rgb, degrees: float) -> Rgb:
    """`pixels` (H, W, 3) with each hue turned by `degrees`: red to yellow to green when positive.

    Saturation and value stay, so grey stays grey.
    """
    hsv = rgb2hsv(pixels)
    hsv[..., 0] = (hsv[..., 0] + degrees / 360) % 1
    return _as_bytes(255 * hsv2rgb(hsv))


def change_brightness(pixels: Rgb, factor: float) -> Rgb:
    """`pixels` (H, W, 3) times `factor` >= 0, cut off at white: a lamp turned up or down."""
    assert factor >= 0
    return _as_bytes(pixels * np.float64(factor))


def crop_border(pixels: Rgb, share: float) -> Rgb:
    """`pixels` (H, W, 3) without `share` in [0, 0.5) of each side, enlarged to its old size."""
    assert 0 <= share < 0.5
    height, width = pixels.shape[:2]
    top, left = int(share * height), int(share * width)
    # Cut first: Pillow's own `box` lets two pixels of the border shine in.
    middle = Image.fromarray(pixels[top : height - top, left : width - left])
    return np.array(middle.resize((width, height), Image.Resampling.BICUBIC))


def blur(pixels: Rgb, sigma_px: float) -> Rgb:
    """`pixels` (H, W, 3) out of focus: a Gaussian with standard deviation `sigma_px` in pixels."""
    sigma = (sigma_px, sigma_px, 0)
    return _as_bytes(ndimage.gaussian_filter(pixels.astype(np.float64), sigma, mode="nearest"))


def compress_jpeg(pixels: Rgb, quality: int) -> Rgb:
    """`pixels` (H, W, 3) as they come back from a JPEG file of `quality` 1 to 95."""
    assert 1 <= quality <= 95
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.array(Image.open(file))


def keep_only(pixels: Rgb, mask: Mask) -> Rgb:
    """`pixels` (H, W, 3) where `mask` (H, W); elsewhere their median colour there, smooth.

    The median and not black, which the network may not have seen in training.
    """
    kept = pixels.copy()
    outside = ~mask
    if outside.any():
        kept[outside] = np.median(pixels[outside], axis=0).round().astype(np.uint8)
    return kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Perturbation:
    """One change of an image, at the strength that is offered first."""

    name: str  # the key everywhere: links, files
    title: str  # on a button
    question: str  # what the change tests, one sentence
    change: Callable[[Rgb], Rgb]
    before_resizing: bool = False  # `change` is of the whole image, not of what a network is given


_ROWS = (
    Perturbation(
        name="hue",
        title="Shift the stain",
        question="Does the prediction depend on the hue of the stain, which differs between "
        "laboratories?",
        # The middle 90 % of the ALL-PBS fields differ by 41 degrees in their stain's mean hue, so
        # this is seen within one laboratory; C-NMC's is 53 degrees further (504 and 20 images).
        change=lambda pixels: shift_hue(pixels, 30),
    ),
    Perturbation(
        name="darker",
        title="Darker",
        question="Does the prediction depend on the brightness of the lamp?",
        # From the median ALL-PBS field (mean level 223) to below the darkest of another
        # laboratory (179), as far as a slide still looks like one.
        change=lambda pixels: change_brightness(pixels, 0.75),
    ),
    Perturbation(
        name="crop",
        title="Crop the border",
        question="Does the prediction depend on the border, where scale bars are and cells are "
        "cut?",
        # ALL-PBS prints its scale bar into the lowest tenth.
        change=lambda pixels: crop_border(pixels, 0.1),
    ),
    Perturbation(
        name="blur",
        title="Out of focus",
        question="Does the prediction depend on the fine texture of the chromatin?",
        # Of 224 px, on which a blast is about 25 px wide: its outline stays, its chromatin goes.
        change=lambda pixels: blur(pixels, 2 * max(pixels.shape[:2]) / 224),
    ),
    Perturbation(
        name="jpeg",
        title="Compress as JPEG",
        question="Does the prediction depend on how the file was compressed?",
        # As messengers send pictures; blocks are seen only when looked for.
        change=lambda pixels: compress_jpeg(pixels, 40),
        # A file is compressed as it is. At a network's input size its blocks of 8 x 8 pixels would
        # be another share of the image for each network.
        before_resizing=True,
    ),
)

PERTURBATIONS: dict[str, Perturbation] = {row.name: row for row in _ROWS}


def _as_bytes(levels: npt.NDArray[np.floating[Any]]) -> Rgb:
    """Grey levels rounded and cut off to 0 to 255."""
    cut: Rgb = levels.round().clip(0, 255).astype(np.uint8)
    return cut
