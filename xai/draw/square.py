"""The square of an image that models are given, shown in the whole. NumPy only."""

import numpy as np

from xai.types import Rgb

DIMMED = 0.35  # of the brightness that what is outside keeps
LINE_COLOUR = (255, 255, 255)


def dim_outside(pixels: Rgb, at: float = 0.5) -> Rgb:
    """`pixels` (H, W, 3), darkened outside the square, which has a white line inside.

    Args:
        pixels: The whole image.
        at: Where the square is along the longer side, from 0 (left or top) to 1; 0.5: the middle.
    """
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = int(at * (height - side)), int(at * (width - side))
    drawn = np.round(DIMMED * pixels).astype(np.uint8)
    square = drawn[top : top + side, left : left + side]
    square[:] = LINE_COLOUR
    line = max(2, side // 150)
    inside = np.s_[line : side - line, line : side - line]
    square[inside] = pixels[top : top + side, left : left + side][inside]
    return drawn
