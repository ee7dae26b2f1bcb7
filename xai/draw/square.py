"""The middle square of an image, as models are given it, shown in the whole. NumPy only."""

import numpy as np

from xai.types import Rgb

DIMMED = 0.35  # of the brightness that what is outside keeps
LINE_COLOUR = (255, 255, 255)


def dim_outside(pixels: Rgb) -> Rgb:
    """`pixels` (H, W, 3), darkened outside the middle square, which has a white line inside."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    drawn = np.round(DIMMED * pixels).astype(np.uint8)
    square = drawn[top : top + side, left : left + side]
    square[:] = LINE_COLOUR
    line = max(2, side // 150)
    inside = np.s_[line : side - line, line : side - line]
    square[inside] = pixels[top : top + side, left : left + side][inside]
    return drawn
