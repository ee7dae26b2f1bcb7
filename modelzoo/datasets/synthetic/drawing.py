"""Drawn blood smears with exact cell masks: shapes of stain over a microscope's lamp. No files.

Nothing here says anything about a disease: the class names are those of the ALL image data set, so
that pages made for it work, and stand for four kinds of drawn cell that differ as `KINDS` says and
in nothing else. Simplified: cells do not bend around each other, there are few types of them, and
all of a layer lies in one plane.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from modelzoo.errors import UserError

Floats = npt.NDArray[np.floating]
Shortcut = Literal["none", "tint", "scale bar"]


class Kind(NamedTuple):
    """What tells a class apart; lengths in 1/224 of an image's side, pairs are mean and sd."""

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


class _Bar(NamedTuple):
    """A style of scale bar. Lengths in 1/224 of an image."""

    colour: tuple[int, int, int]
    boxed: bool  # on white
    letters: float  # height of the text
    place: tuple[float, float]  # left and top


_BARS = (
    _Bar((0, 0, 0), True, 7.5, (194, 211)),
    _Bar((215, 25, 30), False, 7.5, (194, 211)),
    _Bar((0, 0, 0), True, 13.0, (194, 206)),
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


@dataclass(frozen=True, slots=True, eq=False)
class Smear:
    """One synthetic image and its truth."""

    pixels: npt.NDArray[np.uint8]  # (H, W, 3), RGB
    cells: npt.NDArray[np.int16]  # (H, W), nucleated cells from 1, 0: background and red cells
    nuclei: npt.NDArray[np.bool_]  # (H, W), each inside its cell
    label: str
    slide: int


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
        bar=int(rng.integers(len(_BARS))),
    )


def draw_smear(
    label: str,
    *,
    seed: int | np.random.Generator,
    px: int = 224,
    slide: Slide | None = None,
    shortcut: Shortcut = "none",
) -> Smear:
    """One field of class `label`; the same seed gives the same bytes.

    Args:
        label: One of `KINDS`.
        seed: Also draws the slide when none is given, the same one for every class.
        px: Side of the image.
        slide: What the field shares with others.
        shortcut: What gives the class away: nothing, the light's tint or the scale bar's colour.

    Raises:
        UserError: The class or the shortcut is unknown.
    """
    rng = np.random.default_rng(seed)
    slide = slide or draw_slide(rng)
    return draw_field(rng, label, slide, px, [(0, 0)], shortcut)[0]


def _between(
    one: Sequence[float], other: Sequence[float], share: float, strength: float = 1.0
) -> tuple[float, float, float]:
    """The colour `share` of the way from `one` to `other`."""
    r, g, b = (strength * ((1 - share) * a + share * c) for a, c in zip(one, other, strict=True))
    return r, g, b


class _Outline(NamedTuple):
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
class _Field:
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
    bodies: list[_Outline]  # of the nucleated cells drawn so far


def draw_field(
    rng: np.random.Generator,
    label: str,
    slide: Slide,
    px: int,
    corners: Sequence[tuple[int, int]],
    shortcut: Shortcut,
) -> list[Smear]:
    """The images cut from one field at `corners` (y, x), in pixels; else as `draw_smear`."""
    if label not in KINDS:
        raise UserError(f"Class {label!r} is unknown; give one of {', '.join(KINDS)}.")
    if shortcut not in get_args(Shortcut):
        raise UserError(
            f"Shortcut {shortcut!r} is unknown; give one of {', '.join(get_args(Shortcut))}."
        )
    if px < 64:
        raise UserError(f"Smears of {px} px would show no cells; give at least 64.")
    field = _empty_field(px, corners)
    images = field.cells.size / px**2
    for kind in (KINDS[label], LYMPHOCYTE):
        for _ in range(round(images * rng.uniform(*kind.cells))):
            _add_cell(rng, field, kind)
    # As dense between large cells as between small ones.
    free = (field.cells == 0).mean()
    _add_red_cells(rng, field, slide, round(images * free * slide.red_cells))
    _add_debris(rng, field, images)
    return [
        Smear(
            pixels=_photograph(rng, field, window, slide, label, shortcut),
            cells=_renumbered(field.cells[window]),
            nuclei=field.nuclei[window].copy(),
            label=label,
            slide=slide.number,
        )
        for window in field.windows
    ]


def _empty_field(px: int, corners: Sequence[tuple[int, int]]) -> _Field:
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
    return _Field(
        px / 224, windows, views, bars, red, nucleus, cytoplasm, cells, cells.astype(np.bool_), []
    )


def _renumbered(cells: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
    """`cells` numbered from 1 without gaps."""
    new = np.zeros(cells.max() + 1, np.int16)
    present = np.unique(cells[cells > 0])
    new[present] = np.arange(1, len(present) + 1)
    return new[cells]


def _covered(distance: Floats, radius: float) -> Floats:
    """Share of each pixel inside an outline."""
    return np.asarray(np.clip((1 - distance) * radius + 0.5, 0, 1))


def _near(rng: np.random.Generator, mean: float, sd: float) -> float:
    """A normal draw, at most 2.5 sd from its mean."""
    return mean + sd * float(np.clip(rng.normal(), -2.5, 2.5))


def _add_cell(rng: np.random.Generator, field: _Field, kind: Kind) -> None:
    """Draw a nucleated cell where there is room; none when 40 places had none."""
    nucleus_radius = field.scale * _near(rng, *kind.nucleus) / 2
    radius = nucleus_radius / np.sqrt(_near(rng, *kind.nuclear_share))
    waves = _waves(rng, 0.07)
    # The nucleus follows its cell, not quite.
    nucleus_waves = 0.7 * waves + _waves(rng, 0.03)
    for _ in range(40):
        y, x = _place(rng, field, radius)
        body = _Outline(y, x, radius, waves)
        off = rng.uniform(0, 0.7) * (radius - nucleus_radius) * np.exp(2j * np.pi * rng.uniform())
        nucleus = _Outline(y + off.imag, x + off.real, nucleus_radius, nucleus_waves)
        box = body.box(field.cells)
        inside = body.distance(box) < 1
        if _has_room(field, box, inside, inside & (nucleus.distance(box) < 1)):
            _stain_cell(rng, field, kind, body, nucleus)
            return


def _place(rng: np.random.Generator, field: _Field, radius: float) -> tuple[float, float]:
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
    field: _Field,
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
    rng: np.random.Generator, field: _Field, kind: Kind, body: _Outline, nucleus: _Outline
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
    field.nucleus[box] += nuclear * chromatin * _near(rng, 1, 0.1)
    rim = 0.75 + 0.7 * distance**4  # more basophilic at the border
    rim *= 1 + 0.12 * _grain(rng, inner.shape, field.scale)
    field.cytoplasm[box] += (covered - nuclear) * rim * _near(rng, 1, 0.12)


def _slope(rng: np.random.Generator, nucleus: _Outline, box: tuple[slice, slice]) -> Floats:
    """From about -1 on one side of the nucleus to 1 on the other."""
    y, x = np.ogrid[box]
    turn = np.exp(2j * np.pi * rng.uniform())
    return np.asarray((turn.imag * (y - nucleus.y) + turn.real * (x - nucleus.x)) / nucleus.radius)


def _grain(rng: np.random.Generator, shape: tuple[int, ...], px: float) -> Floats:
    """Noise of mean 0 and sd 1 with clumps of about `px` pixels."""
    noise = ndimage.gaussian_filter(rng.normal(size=shape).astype(np.float32), px)
    return np.asarray((noise - noise.mean()) / noise.std())


def _nucleolus(rng: np.random.Generator, nucleus: _Outline, box: tuple[slice, slice]) -> Floats:
    """A soft spot, 1 in its middle, somewhere in the nucleus."""
    off = 0.6 * nucleus.radius * np.sqrt(rng.uniform()) * np.exp(2j * np.pi * rng.uniform())
    y, x = np.ogrid[box]
    far = np.hypot(y - nucleus.y - off.imag, x - nucleus.x - off.real)
    return np.asarray(np.exp(-((far / (0.24 * nucleus.radius)) ** 2)))


def _add_red_cells(rng: np.random.Generator, field: _Field, slide: Slide, number: int) -> None:
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
        disc = _Outline(at[0], at[1], radius * _near(rng, 1, 0.08), _waves(rng, 0.09))
        box = disc.box(field.red)
        distance = disc.distance(box)
        pallor = slide.pallor * rng.uniform(0.4, 1.2) * (rng.random() > 0.12)
        density = 0.8 + 0.35 * distance**3 - pallor * np.exp(-((distance / 0.45) ** 3))
        density *= _covered(distance, disc.radius) * _near(rng, 1, 0.15)
        field.red[box] += np.maximum(density, 0) ** power
    np.power(field.red, 1 / power, out=field.red)
    field.red[field.cells > 0] *= 0.1


def _empty_place(rng: np.random.Generator, field: _Field) -> npt.NDArray[np.float64]:
    """A place without a cell if one of four is, else any."""
    places = rng.uniform((0, 0), field.cells.shape, (4, 2))
    rows, columns = places.astype(int).T
    taken = (field.red[rows, columns] > 0) | (field.cells[rows, columns] > 0)
    return np.asarray(places[np.argmin(taken)])


def _add_debris(rng: np.random.Generator, field: _Field, images: float) -> None:
    """Platelets and smudges: stained like nuclei, in no mask, in every class alike."""
    for size, rough, strength, number in ((1.6, 0.15, 0.7, 4.0), (13.0, 0.25, 0.25, 0.6)):
        for _ in range(rng.poisson(number * images)):
            y, x = rng.uniform((0, 0), field.cells.shape)
            radius = field.scale * size * rng.uniform(0.7, 1.3)
            spot = _Outline(y, x, radius, _waves(rng, rough))
            box = spot.box(field.cells)
            covered = _covered(spot.distance(box), spot.radius) * (field.cells[box] == 0)
            texture = 1 + 0.25 * _grain(rng, covered.shape, field.scale)
            field.nucleus[box] += strength * covered * np.maximum(texture, 0)


def _photograph(
    rng: np.random.Generator,
    field: _Field,
    window: tuple[slice, slice],
    slide: Slide,
    label: str,
    shortcut: Shortcut,
) -> npt.NDArray[np.uint8]:
    """(px, px, 3) as a camera sees a window: Lambert-Beer's law, focus, light, noise, scale bar."""
    focus = field.scale * rng.uniform(0.85, 1.2)
    layers = (
        (field.red, slide.red_focus, slide.red_cell),
        (field.nucleus, slide.focus, slide.nucleus),
        (field.cytoplasm, slide.focus, slide.cytoplasm),
    )
    density = np.zeros((*layers[0][0][window].shape, 3))
    for layer, blur, colour in layers:
        for channel, aberration in enumerate((1.0, 0.9, 1.25)):  # of the lens: blue is less sharp
            sigma = focus * blur * aberration
            density[..., channel] += colour[channel] * ndimage.gaussian_filter(layer[window], sigma)
    light = _light(rng, slide, len(density))
    if shortcut == "tint":
        light = light * np.array(TINTS[label])
    pixels = 255 * light * np.exp(-density * _near(rng, 1, 0.04))
    # Cameras sharpen.
    pixels += 0.5 * (pixels - ndimage.gaussian_filter(pixels, (*2 * [1.5 * field.scale], 0)))
    noise = ndimage.gaussian_filter(rng.normal(0, 4, pixels.shape), (0.6, 0.6, 0))
    image = Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))
    bar = _BARS[slide.bar]
    _draw_bar(image, bar, BAR_COLOURS[label] if shortcut == "scale bar" else bar.colour)
    return np.array(image)


def _light(rng: np.random.Generator, slide: Slide, px: int) -> Floats:
    """(px, px, 3): the lamp, weaker and bluer towards the corners."""
    y0, x0 = rng.uniform(0.4, 0.6, 2)
    y, x = np.ogrid[0 : 1 : px * 1j, 0 : 1 : px * 1j]
    far = np.minimum(2 * ((y - y0) ** 2 + (x - x0) ** 2), 1.0)[..., None]
    light = (1 - far) * np.array(slide.lamp) + far * np.array(slide.corner)
    return np.asarray(light * _near(rng, 1, 0.012))


def _draw_bar(image: Image.Image, bar: _Bar, colour: tuple[int, int, int]) -> None:
    """Draw the scale bar: 10 micrometres, at 7.5 for a red cell of 15/224 of the image."""
    fine = 4  # drawn this much larger, then reduced
    unit = fine * image.width / 224
    left, top = (round(unit * at) for at in bar.place)
    size = fine * image.width - left, fine * image.height - top
    ink = Image.new("L", size, 0)
    pen = ImageDraw.Draw(ink)
    foot = round(unit * (bar.letters + 2.5))
    start, end = round(unit), round(21 * unit)
    for stop in ((start, foot - round(4 * unit)), (end, foot)):
        pen.line([(start, foot), stop], 255, max(1, round(0.9 * unit)))
    font = ImageFont.load_default(size=unit * bar.letters)
    pen.text((3 * unit, 0), "10 um", 255, font)  # Pillow's own font has no mu
    corner = (left // fine, top // fine)
    if bar.boxed:
        paper = (*corner, image.width - fine, corner[1] + (foot + fine) // fine + 1)
        ImageDraw.Draw(image).rectangle(paper, (255, 255, 255))
    image.paste(colour, corner, ink.reduce(fine))
