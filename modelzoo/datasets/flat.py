"""What the pixels of one image tell: whether it is a mask, how bright it is. No files."""

import numpy as np
from PIL import Image

MOST_COLOURS = 16  # of a mask: background, cytoplasm, nucleus and the like; a photograph has more
_SAMPLED_PX = 64  # a side
_TOLERANCE = 16  # of 255, from black, white or grey: what JPEG changes
_LEAST_SHARE = 0.95  # of a mask's pixels that are black or white

_BRIGHTEST = 0.01  # of the pixels below white, which a hot pixel or a scale bar does not reach


def has_two_values(image: Image.Image) -> bool:
    """Whether an RGB image has two colours and no more."""
    colours = image.getcolors(maxcolors=2)
    return colours is not None and len(colours) == 2


def is_flat(image: Image.Image) -> bool:
    """Whether an RGB image has few colours, or is black and white but for edges blurred by JPEG."""
    if image.getcolors(maxcolors=MOST_COLOURS) is not None:
        return True
    sample = image.resize((_SAMPLED_PX, _SAMPLED_PX), Image.Resampling.NEAREST)
    pixels = np.asarray(sample).astype(np.int16)  # (_SAMPLED_PX, _SAMPLED_PX, 3)
    darkest, lightest = pixels.min(axis=2), pixels.max(axis=2)
    if (lightest - darkest).max() > _TOLERANCE:
        return False
    black, white = (lightest <= _TOLERANCE).mean(), (darkest >= 255 - _TOLERANCE).mean()
    # Of a grey cell on black little may be neither, but then nothing is white.
    return bool(black + white >= _LEAST_SHARE and white >= 1 - black - white)


def measure_brightest(image: Image.Image) -> int:
    """Grey level that the brightest 1 % of an RGB image's pixels reach, white ones left out.

    Of a cell on black it is that of the cell; white is left out since scale bars are burned in so.
    """
    counts = np.array(image.convert("L").histogram()[:-1])
    if not counts.any():
        return 255
    below = counts.cumsum()
    return int(np.searchsorted(below, (1 - _BRIGHTEST) * below[-1]))
