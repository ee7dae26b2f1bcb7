"""Outlines and numbers of cells over an image. NumPy and Pillow; no torch."""

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from xai.draw.scale import blend
from xai.smear.place import enlarge_labels
from xai.types import Labels, Mask, Rgb

# Neither the map's orange nor its blue: Okabe and Ito's bluish green, which is distinct from both
# under every kind of colour vision, and white, as stained nuclei are the darkest of a smear.
CELL_COLOUR = (0, 158, 115)
NUCLEUS_COLOUR = (255, 255, 255)


def render_outlines(pixels: Rgb, labels: Labels, nuclei: Mask) -> Rgb:
    """`pixels` with a line of one pixel just inside each cell (green) and each nucleus (white).

    Args:
        pixels: (H, W, 3), with or without a map over it.
        labels: (h, w) int, 0 where there is no cell; enlarged to H x W by nearest neighbour.
        nuclei: (h, w) bool, of the same size.
    """
    drawn = pixels.copy()
    size = (pixels.shape[0], pixels.shape[1])
    drawn[_edges(enlarge_labels(labels, size))] = CELL_COLOUR
    drawn[_edges(enlarge_labels(nuclei, size).astype(np.uint8))] = NUCLEUS_COLOUR
    return drawn


def render_cells(
    pixels: Rgb, labels: Labels, values: npt.NDArray[np.floating[Any]] | None = None
) -> Rgb:
    """The image in grey with its cells numbered, and coloured by their Shapley values.

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
        drawn = blend(grey, by_label[labels], 0.75)
    drawn = render_outlines(drawn, labels, np.zeros(labels.shape, bool))
    image = Image.fromarray(drawn)
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(size=max(10, len(pixels) // 28))
    for cell in range(1, int(labels.max(initial=0)) + 1):
        y, x = (float(np.mean(at)) for at in np.nonzero(labels == cell))
        pen.text(
            (x, y), str(cell), (255, 255, 255), font, "mm", stroke_width=2, stroke_fill=(0, 0, 0)
        )
    return np.asarray(image)


def _edges(labels: Labels) -> Mask:
    """Pixels of a label that touch another one, or none, above, below or beside them."""
    cross = ndimage.generate_binary_structure(2, 1)
    lowest, highest = (
        function(labels, footprint=cross, mode="nearest")
        for function in (ndimage.minimum_filter, ndimage.maximum_filter)
    )
    edges: Mask = (lowest != highest) & (labels > 0)
    return edges
