"""What synthetic smears of one slide share: kinds of cell, tints of stain, light and scale bar.

Nothing here says anything about a disease: the class names are those of the ALL image data set, so
that pages made for it work, and stand for four kinds of drawn cell that differ as `KINDS` says and
in nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


class Kind(NamedTuple):
    """What distinguishes a class; lengths in 1/224 of an image's side, pairs are mean and sd."""

    nucleus: tuple[float, float]  # diameter
    nuclear_share: tuple[float, float]  # area of the nucleus / area of the cell
    clump: float  # size of a chromatin clump
    contrast: float  # of chromatin, relative to the stain
    nucleoli: float  # pale spots in a nucleus, Poisson mean
    cells: tuple[int, int]  # fewest and most in the area of an image


# Number times area differs little, so that the mean colour of an image says little. The order is
# the alphabet's, not a severity's. Cells are 14 to 38 px wide, as in all_pbs.
KINDS = {
    "Benign": Kind((13.0, 0.9), (0.76, 0.05), 1.6, 0.32, 0.0, (9, 18)),
    "Early": Kind((24.5, 1.4), (0.88, 0.03), 0.7, 0.07, 0.2, (4, 9)),
    "Pre": Kind((18.5, 1.1), (0.60, 0.04), 1.1, 0.24, 0.2, (8, 15)),
    "Pro": Kind((22.0, 1.4), (0.41, 0.04), 0.8, 0.14, 3.0, (3, 7)),
}


# In fields of every class alike: none to three small lymphocytes.
LYMPHOCYTE = Kind((12.5, 0.9), (0.80, 0.05), 1.9, 0.28, 0.0, (0, 2))


# The planted shortcuts: what the lamp's R, G, B are multiplied with, and the colour of the bar.
TINTS = {
    "Benign": (1.0, 0.98, 0.80),
    "Early": (0.82, 0.97, 1.0),
    "Pre": (0.99, 0.84, 0.95),
    "Pro": (0.86, 0.86, 0.86),
}


BAR_COLOURS = {
    "Benign": (0, 0, 0),
    "Early": (215, 25, 30),
    "Pre": (20, 60, 210),
    "Pro": (0, 150, 40),
}


class Bar(NamedTuple):
    """A style of scale bar. Lengths in 1/224 of an image."""

    colour: tuple[int, int, int]
    boxed: bool  # on white
    letters: float  # height of the text
    place: tuple[float, float]  # left and top


BARS = (
    Bar((0, 0, 0), True, 7.5, (194, 211)),
    Bar((215, 25, 30), False, 7.5, (194, 211)),
    Bar((0, 0, 0), True, 13.0, (194, 206)),
)


@dataclass(frozen=True, slots=True)
class Slide:
    """What all fields of one slide share. Colours are R, G, B; drawn without knowing the class."""

    number: int
    lamp: tuple[float, float, float]  # light in the middle, 1: white
    corner: tuple[float, float, float]  # light in the corners
    red_cells: float  # mean number in a field
    red_cell: tuple[float, float, float]  # optical density
    red_cell_px: float  # diameter, in 1/224 of a field
    pallor: float  # share of the density missing in the middle of a red cell
    chains: float  # chance that a red cell lies against the last one
    nucleus: tuple[float, float, float]  # optical density
    cytoplasm: tuple[float, float, float]  # optical density
    focus: float  # blur of nucleated cells, in 1/224 of a field
    red_focus: float  # the same for red cells
    bar: int  # index into the styles of scale bars


def draw_slide(seed: int | np.random.Generator, *, number: int = 0) -> Slide:
    """Stain, lamp, focus and density of one slide."""
    rng = np.random.default_rng(seed)
    warm, blue, violet = rng.uniform(0, 1, 3)
    pallor = rng.uniform(0.2, 1.0)
    red_strength, strength = rng.uniform(0.24, 0.44), rng.uniform(0.8, 1.25)
    return Slide(
        number=number,
        lamp=_between((1.0, 1.03, 1.03), (1.04, 1.04, 0.97), warm),
        corner=_between((0.86, 0.92, 0.99), (0.92, 0.91, 0.96), warm),
        red_cells=rng.uniform(85, 160),
        red_cell=_between((0.85, 0.90, 0.55), (1.25, 0.90, 0.32), blue, red_strength),
        red_cell_px=rng.uniform(14, 17),
        pallor=pallor,
        # Where red cells stick together they are seen from the side, without pallor.
        chains=rng.uniform(0, 0.8) if pallor < 0.5 else rng.uniform(0, 0.3),
        nucleus=_between((0.62, 0.90, 0.09), (0.42, 0.84, 0.10), violet, strength),
        cytoplasm=_between((0.36, 0.38, 0.03), (0.22, 0.38, 0.04), violet, strength),
        focus=rng.uniform(0.4, 0.75),
        red_focus=rng.uniform(0.5, 1.2),
        bar=int(rng.integers(len(BARS))),
    )


def _between(
    one: Sequence[float], other: Sequence[float], share: float, strength: float = 1.0
) -> tuple[float, float, float]:
    """The colour `share` of the way from `one` to `other`."""
    r, g, b = (strength * ((1 - share) * a + share * c) for a, c in zip(one, other, strict=True))
    return r, g, b
