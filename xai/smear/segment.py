"""The nucleated cells of a smear. No files, no pages.

A nucleated cell is purple and a red cell is not, under any stain and lamp: purple absorbs green far
more than red and blue, while red cells absorb the three in proportion.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from xai.smear.place import enlarge_labels
from xai.types import Floats, Labels, Mask, Rgb

WORK_PX = 224  # side at which cells are sought; lengths below are in its pixels
# Optical density of green less half of red's and 0.87 of blue's. In 504 smears red cells lie within
# 0.06 of 0, the palest nuclei at 0.25, cytoplasm at 0.1 to 0.25.
CELL, NUCLEUS = 0.11, 0.16
PRINT = 0.5  # optical density of blue
# Of 20 cells of C-NMC cut out on black, 0.3 % of the pixels have a largest level between 1 and 40:
# above this level a pixel is of the cell, below it of the black.
LIT_LEVEL = 30
# Share of lit pixels below which the image is a single cell on black: 0.24 at most in these 20,
# 0.99 at least in 126 fields.
LIT_SHARE = 0.6
# Added to levels, of 255, so that black has a finite optical density. From 0.5 to 10 the cells stay
# nearly the same (mean IoU 0.99 with those of 5 on 63 fields).
LEVEL_OFFSET = 5
NUCLEAR = 0.55  # of a clump's most purple
SMOOTH_PX = 0.5
NECK = 1.0  # how much narrower two cells are where they touch, in pixels from the edge
LEAST_CELL = 80  # pixels: a disc of 10 px. Platelets and specks of stain are smaller
LEAST_NUCLEUS = 30


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single answer to ==
class Cells:
    """The nucleated cells of one image."""

    labels: Labels  # 0: no cell; cells from 1 on, in reading order
    nuclei: Mask  # each inside its cell

    @property
    def count(self) -> int:
        """How many there are."""
        return int(self.labels.max(initial=0))

    def resized(self, px: int) -> "Cells":
        """The same cells at `px` a side; one that is too small for that has no pixel left."""
        return Cells(enlarge_labels(self.labels, (px, px)), enlarge_labels(self.nuclei, (px, px)))

    @property
    def mask(self) -> Mask:
        """(H, W) where any cell is."""
        is_cell: Mask = self.labels > 0
        return is_cell


def segment_cells(pixels: Rgb) -> Cells:
    """The nucleated cells of a smear; none where there are none.

    Cells cut off by the image's edge count. Those that lie against each other are parted by a
    watershed between their nuclei.

    Args:
        pixels: (H, W, 3) uint8, a field of a smear of any size, or a single cell on black.
    """
    from skimage.segmentation import relabel_sequential

    height, width = pixels.shape[:2]
    resized = Image.fromarray(pixels).resize((WORK_PX, WORK_PX), Image.Resampling.BOX)
    purple = _purpleness(np.asarray(resized))
    cells = _without_specks(ndimage.binary_opening(purple > CELL, iterations=2), LEAST_CELL)
    nuclei = _find_nuclei(purple, cells)
    labels = _part(cells, nuclei)
    labels = relabel_sequential(labels)[0].astype(np.int16)
    is_nucleus = nuclei & (labels > 0)
    size = (height, width)
    return Cells(enlarge_labels(labels, size), enlarge_labels(is_nucleus, size))


def _purpleness(pixels: Rgb) -> Floats:
    """(H, W) optical density of green beyond what a red cell's colour would have; about 0 to 1.

    White is each channel's 90th percentile, so that the lamp's colour does not count. A single cell
    cut out on black shows none: there its own lightest colour, blue, stands for all.
    """
    values = ndimage.gaussian_filter(pixels.astype(np.float64), (SMOOTH_PX, SMOOTH_PX, 0))
    is_lit = values.max(axis=2) > LIT_LEVEL
    white = np.full(3, 255.0)
    if is_lit.any():
        is_cut_out = is_lit.mean() < LIT_SHARE
        white[:] = np.percentile(values[is_lit], 90, axis=None if is_cut_out else 0)
    red, green, blue = np.moveaxis(np.log((white + LEVEL_OFFSET) / (values + LEVEL_OFFSET)), 2, 0)
    purple = green - 0.5 * red - 0.87 * blue
    # Stain lets blue pass: what does not is print (a scale bar), dirt, or the black around a cell.
    is_print = ndimage.binary_dilation((blue > PRINT) | ~is_lit, iterations=2)
    return np.where(is_print, 0, purple)


def _without_specks(mask: Mask, least: int) -> Mask:
    """`mask` with its holes filled and its parts smaller than `least` pixels left out."""
    parts, _ = ndimage.label(ndimage.binary_fill_holes(mask))
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    kept: Mask = sizes[parts] >= least
    return kept


def _find_nuclei(purple: Floats, cells: Mask) -> Mask:
    """What is about as purple as the most purple of its clump."""
    smooth = ndimage.gaussian_filter(purple, 1.0)
    clumps, count = ndimage.label(cells)
    tops = np.zeros(count + 1)
    for clump in range(1, count + 1):
        tops[clump] = np.quantile(smooth[clumps == clump], 0.9)
    is_nucleus = cells & (smooth > np.maximum(NUCLEUS, NUCLEAR * tops[clumps]))
    return _without_specks(ndimage.binary_opening(is_nucleus, iterations=1), LEAST_NUCLEUS)


def _part(cells: Mask, nuclei: Mask) -> npt.NDArray[np.intp]:
    """(H, W) cells in reading order of their middles; 0 where no nucleus is near."""
    from skimage.morphology import h_maxima
    from skimage.segmentation import watershed

    # By the cells' outlines: a lobed nucleus is still one cell.
    depth = ndimage.gaussian_filter(ndimage.distance_transform_edt(cells), 1.0)
    seeds, _ = ndimage.label(h_maxima(depth, NECK), np.ones((3, 3)))
    basins: npt.NDArray[np.intp] = watershed(-depth, seeds, mask=cells)
    has_nucleus = np.bincount(basins.ravel(), nuclei.ravel()) >= LEAST_NUCLEUS
    has_nucleus[0] = False
    return np.where(has_nucleus[basins], basins, 0)
