"""Cells of a synthetic field: where they lie, their outlines and their stain, with exact masks.

Simplified: cells do not bend around each other, there are few types of them, and all of a layer
lies in one plane.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from modelzoo.datasets.synthetic.slides import Kind, Slide

Floats = npt.NDArray[np.floating]


class Outline(NamedTuple):
    """A round shape: an ellipse with a few waves."""

    y: float
    x: float
    radius: float  # mean, pixels
    waves: npt.NDArray[np.complex128]  # (5,), relative height and turn of 2 to 6 waves around

    def box(self, like: npt.NDArray[np.generic]) -> tuple[slice, slice]:
        """The part of `like` that the shape may reach."""
        reach = self.radius * (1 + np.abs(self.waves).sum()) + 2
        rows, columns = (
            slice(max(0, int(at - reach)), max(0, min(size, int(at + reach) + 1)))
            for at, size in zip((self.y, self.x), like.shape, strict=True)
        )
        return rows, columns

    def distance(self, box: tuple[slice, slice]) -> Floats:
        """How far the pixels of `box` lie from the centre; 1 on the outline."""
        y, x = np.ogrid[box]
        dy, dx = y - self.y, x - self.x
        far = np.hypot(dy, dx)
        turn = (dx + 1j * dy) / np.maximum(far, 1e-9)
        wave = sum((height * turn**n).real for n, height in enumerate(self.waves, 2))
        return np.asarray(far / (self.radius * (1 + wave)))


def _waves(rng: np.random.Generator, rough: float) -> npt.NDArray[np.complex128]:
    """Waves of an outline, about `rough` of its radius high."""
    heights = rough * np.array([1.0, 0.45, 0.22, 0.13, 0.1]) * np.clip(rng.normal(size=5), -2, 2)
    return np.asarray(heights * np.exp(2j * np.pi * rng.uniform(size=5)))


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """A piece of a slide as layers of stain, wider than its images by a margin on all sides."""

    scale: float  # pixels in 1/224 of an image
    windows: list[tuple[slice, slice]]  # of the images
    views: list[npt.NDArray[np.bool_]]  # (H, W) by image: is it in the window?
    bars: npt.NDArray[np.bool_]  # (H, W), where a scale bar may lie
    red: Floats  # (H, W) of red cells, in units of the slide's density, like the next two
    nucleus: Floats  # (H, W) of chromatin, and of debris that is stained like it
    cytoplasm: Floats  # (H, W)
    cells: npt.NDArray[np.int16]
    nuclei: npt.NDArray[np.bool_]
    bodies: list[Outline]  # of the nucleated cells drawn so far


def empty_field(px: int, corners: Sequence[tuple[int, int]]) -> Field:
    """A field without cells, larger than the photographs at `corners` of `px` pixels a side."""
    margin = round(0.1 * px)  # more than the radius of a cell
    height, width = (max(starts) + px + 2 * margin for starts in zip(*corners, strict=True))
    windows = [
        (slice(margin + y, margin + y + px), slice(margin + x, margin + x + px)) for y, x in corners
    ]
    views = [np.zeros((height, width), np.bool_) for _ in windows]
    bars = np.zeros((height, width), np.bool_)
    corner = round(0.92 * px), round(0.86 * px)
    for window, view in zip(windows, views, strict=True):
        view[window] = True
        bars[window][corner[0] :, corner[1] :] = True
    red, nucleus, cytoplasm = np.zeros((3, height, width), np.float32)
    cells = np.zeros((height, width), np.int16)
    return Field(
        px / 224, windows, views, bars, red, nucleus, cytoplasm, cells, cells.astype(np.bool_), []
    )


def _covered(distance: Floats, radius: float) -> Floats:
    """Share of each pixel inside an outline."""
    return np.asarray(np.clip((1 - distance) * radius + 0.5, 0, 1))


def near(rng: np.random.Generator, mean: float, sd: float) -> float:
    """A normal draw, at most 2.5 sd from its mean."""
    return mean + sd * float(np.clip(rng.normal(), -2.5, 2.5))


def add_cell(rng: np.random.Generator, field: Field, kind: Kind) -> None:
    """Draw a nucleated cell where there is room; none when 40 places had none."""
    nucleus_radius = field.scale * near(rng, *kind.nucleus) / 2
    radius = nucleus_radius / np.sqrt(near(rng, *kind.nuclear_share))
    waves = _waves(rng, 0.07)
    # The nucleus follows its cell, not quite.
    nucleus_waves = 0.7 * waves + _waves(rng, 0.03)
    for _ in range(40):
        y, x = _place(rng, field, radius)
        body = Outline(y, x, radius, waves)
        off = rng.uniform(0, 0.7) * (radius - nucleus_radius) * np.exp(2j * np.pi * rng.uniform())
        nucleus = Outline(y + off.imag, x + off.real, nucleus_radius, nucleus_waves)
        box = body.box(field.cells)
        inside = body.distance(box) < 1
        if _has_room(field, box, inside, inside & (nucleus.distance(box) < 1)):
            _stain_cell(rng, field, kind, body, nucleus)
            return


def _place(rng: np.random.Generator, field: Field, radius: float) -> tuple[float, float]:
    """Anywhere, or against a cell drawn before: nucleated cells lie in clusters."""
    height, width = field.cells.shape
    if field.bodies and rng.random() < 0.35:
        body = field.bodies[rng.integers(len(field.bodies))]
        step = 0.98 * (radius + body.radius) * np.exp(2j * np.pi * rng.uniform())
        y, x = body.y + step.imag, body.x + step.real
        if 0 <= y < height and 0 <= x < width:
            return y, x
    return rng.uniform(0, height), rng.uniform(0, width)


def _has_room(
    field: Field,
    box: tuple[slice, slice],
    inside: npt.NDArray[np.bool_],
    nucleus: npt.NDArray[np.bool_],
) -> bool:
    """Would the cell hide little of itself, and show its nucleus in every image that shows it?"""
    taken = field.cells[box] > 0
    if not nucleus.any() or (nucleus & taken).any():
        return False
    if (inside & taken).sum() > 0.08 * inside.sum():
        return False
    if (inside & field.bars[box]).any():
        return False
    return all(
        not (inside & view[box]).any() or (nucleus & view[box]).sum() > 0.2 * nucleus.sum()
        for view in field.views
    )


def _stain_cell(
    rng: np.random.Generator, field: Field, kind: Kind, body: Outline, nucleus: Outline
) -> None:
    """Add a cell to the layers and the masks; where two meet, the first keeps its pixels."""
    box = body.box(field.cells)
    distance, inner = body.distance(box), nucleus.distance(box)
    free = field.cells[box] == 0
    cell = free & (distance < 1)
    field.nuclei[box] |= cell & (inner < 1)
    field.bodies.append(body)
    field.cells[box][cell] = len(field.bodies)

    chromatin = 1 + kind.contrast * _grain(rng, inner.shape, kind.clump * field.scale)
    chromatin *= 1 + 0.12 * inner**3 + 0.1 * _slope(rng, nucleus, box)
    for _ in range(rng.poisson(kind.nucleoli)):
        chromatin -= 0.4 * _nucleolus(rng, nucleus, box)
    chromatin = np.maximum(chromatin, 0.2)
    covered = _covered(distance, body.radius) * free
    nuclear = _covered(inner, nucleus.radius) * covered
    chromatin /= np.average(chromatin, weights=nuclear)  # clumps and nucleoli take no stain away
    field.nucleus[box] += nuclear * chromatin * near(rng, 1, 0.1)
    rim = 0.75 + 0.7 * distance**4  # more basophilic at the border
    rim *= 1 + 0.12 * _grain(rng, inner.shape, field.scale)
    field.cytoplasm[box] += (covered - nuclear) * rim * near(rng, 1, 0.12)


def _slope(rng: np.random.Generator, nucleus: Outline, box: tuple[slice, slice]) -> Floats:
    """From about -1 on one side of the nucleus to 1 on the other."""
    y, x = np.ogrid[box]
    turn = np.exp(2j * np.pi * rng.uniform())
    return np.asarray((turn.imag * (y - nucleus.y) + turn.real * (x - nucleus.x)) / nucleus.radius)


def _grain(rng: np.random.Generator, shape: tuple[int, ...], px: float) -> Floats:
    """Noise of mean 0 and sd 1 with clumps of about `px` pixels."""
    noise = ndimage.gaussian_filter(rng.normal(size=shape).astype(np.float32), px)
    return np.asarray((noise - noise.mean()) / noise.std())


def _nucleolus(rng: np.random.Generator, nucleus: Outline, box: tuple[slice, slice]) -> Floats:
    """A soft spot, 1 in its middle, somewhere in the nucleus."""
    off = 0.6 * nucleus.radius * np.sqrt(rng.uniform()) * np.exp(2j * np.pi * rng.uniform())
    y, x = np.ogrid[box]
    far = np.hypot(y - nucleus.y - off.imag, x - nucleus.x - off.real)
    return np.asarray(np.exp(-((far / (0.24 * nucleus.radius)) ** 2)))


def add_red_cells(rng: np.random.Generator, field: Field, slide: Slide, number: int) -> None:
    """Red cells beside and a little over each other, some in chains as coins on edge would lie."""
    power = 2.2  # two discs over each other absorb less than their sum: they yield
    radius = field.scale * slide.red_cell_px / 2
    size = np.array(field.cells.shape)
    at, heading = _empty_place(rng, field), 0.0
    for _ in range(number):
        heading += rng.normal(0, 0.6)
        at = at + rng.uniform(0.9, 1.8) * radius * np.array([np.sin(heading), np.cos(heading)])
        if rng.random() > slide.chains or not ((at >= 0) & (at < size)).all():
            at, heading = _empty_place(rng, field), rng.uniform(0, 2 * np.pi)
        disc = Outline(at[0], at[1], radius * near(rng, 1, 0.08), _waves(rng, 0.09))
        box = disc.box(field.red)
        distance = disc.distance(box)
        pallor = slide.pallor * rng.uniform(0.4, 1.2) * (rng.random() > 0.12)
        density = 0.8 + 0.35 * distance**3 - pallor * np.exp(-((distance / 0.45) ** 3))
        density *= _covered(distance, disc.radius) * near(rng, 1, 0.15)
        field.red[box] += np.maximum(density, 0) ** power
    np.power(field.red, 1 / power, out=field.red)
    field.red[field.cells > 0] *= 0.1


def _empty_place(rng: np.random.Generator, field: Field) -> npt.NDArray[np.float64]:
    """A place without a cell if one of four is, else any."""
    places = rng.uniform((0, 0), field.cells.shape, (4, 2))
    rows, columns = places.astype(int).T
    taken = (field.red[rows, columns] > 0) | (field.cells[rows, columns] > 0)
    return np.asarray(places[np.argmin(taken)])


def add_debris(rng: np.random.Generator, field: Field, images: float) -> None:
    """Platelets and smudges: stained like nuclei, in no mask, in every class alike."""
    for size, rough, strength, number in ((1.6, 0.15, 0.7, 4.0), (13.0, 0.25, 0.25, 0.6)):
        for _ in range(rng.poisson(number * images)):
            y, x = rng.uniform((0, 0), field.cells.shape)
            radius = field.scale * size * rng.uniform(0.7, 1.3)
            spot = Outline(y, x, radius, _waves(rng, rough))
            box = spot.box(field.cells)
            covered = _covered(spot.distance(box), spot.radius) * (field.cells[box] == 0)
            texture = 1 + 0.25 * _grain(rng, covered.shape, field.scale)
            field.nucleus[box] += strength * covered * np.maximum(texture, 0)
