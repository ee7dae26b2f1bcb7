"""Synthetic blood smears with exact cell masks, for machines without data. No torch, no real image.

Drawn, not photographed: shapes of light-absorbing stain over a microscope's lamp. Nothing here says
anything about a disease: the class names are those of the ALL image data set, so that pages made
for it work, and stand for four kinds of drawn cell that differ as `KINDS` says and in nothing else.
Simplified: cells do not bend around each other, there are no other cell types, a layer is flat.
"""

import csv
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from modelzoo.errors import UserError
from modelzoo.files import make_folder

Floats = npt.NDArray[np.floating]
Shortcut = Literal["none", "tint", "scale bar"]


class Kind(NamedTuple):
    """What tells a class apart; lengths in 1/224 of an image's side, pairs are mean and sd."""

    nucleus: tuple[float, float]  # diameter
    nuclear_share: tuple[float, float]  # area of the nucleus / area of the cell
    clump: float  # size of a chromatin clump
    contrast: float  # of chromatin, relative to the stain
    nucleoli: float  # pale spots in a nucleus, Poisson mean
    cells: tuple[int, int]  # fewest and most in a field


# Number times area differs little, so that the mean colour of an image says little. The order is
# the alphabet's, not a severity's.
KINDS = {
    "Benign": Kind((13.5, 1.0), (0.76, 0.05), 1.6, 0.32, 0.0, (8, 18)),
    "Early": Kind((24.0, 1.6), (0.86, 0.04), 0.7, 0.08, 0.3, (4, 8)),
    "Pre": Kind((18.5, 1.3), (0.62, 0.05), 1.1, 0.22, 0.3, (7, 14)),
    "Pro": Kind((21.5, 1.6), (0.46, 0.05), 0.8, 0.12, 2.5, (3, 7)),
}
# In fields of every class alike: a few small lymphocytes.
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
    "Pro": (0, 130, 60),
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

IMAGES_PER_SLIDE = 4
OVERLAPPING = 0.35  # share of images cut from a field that another image shows too; all_pbs: 0.39
MASKS = ".masks"  # hidden: not a class
TABLE = "fields.csv"
README = """These images are synthetic: drawn by BlastLens, from no person and no microscope.

The four folders are named as in the ALL image data set so that the same pages work; the drawn cells
differ in nucleus size, nuclear share, chromatin and number. Not for diagnosis, nor for any claim.
.masks/ holds each image's exact cells and nuclei, and fields.csv its slide and place on it.
"""


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
    red_strength = rng.uniform(0.26, 0.52)
    strength = rng.uniform(0.75, 1.25)
    pallor = rng.uniform(0.25, 0.85)
    return Slide(
        number=number,
        lamp=_rgb((1.0, 1.02, 1.01), (1.02, 1.02, 0.96), warm),
        corner=_rgb((0.88, 0.93, 0.99), (0.95, 0.94, 0.97), warm),
        red_cells=rng.uniform(60, 150),
        red_cell=_rgb((0.85, 0.95, 0.60), (1.2, 0.88, 0.40), blue, red_strength),
        red_cell_px=rng.uniform(13.5, 16.5),
        pallor=pallor,
        chains=rng.uniform(0.0, 0.85) if pallor < 0.5 else rng.uniform(0, 0.3),
        nucleus=_rgb((0.78, 1.06, 0.13), (0.47, 1.00, 0.15), violet, strength),
        cytoplasm=_rgb((0.42, 0.46, 0.06), (0.24, 0.44, 0.06), violet, strength),
        focus=rng.uniform(0.45, 0.95),
        red_focus=rng.uniform(0.6, 1.7),
        bar=int(rng.integers(3)),
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
    return _draw_field(rng, label, slide, px, [(0, 0)], shortcut)[0]


def write_smears(
    folder: Path,
    *,
    images_per_class: int = 60,
    seed: int = 0,
    px: int = 224,
    shortcut: Shortcut = "none",
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """A data set `<folder>/<class>/<class>_NNN.jpg` with its masks, written whole or not at all.

    A slide belongs to one class, as a patient would, and has up to four images; its stain and light
    are drawn without knowing the class. So colour says little of the class of a slide never seen,
    but a split that parts a slide's images lets a model know its class by the slide. Some images
    are cut from one field and overlap.

    Args:
        folder: New or empty.
        images_per_class: At least 1.
        seed: Same seed, same bytes.
        px: Side of an image.
        shortcut: As in `draw_smear`.
        progress: Called with images done and images in all.

    Raises:
        UserError: The folder has other content or cannot be written.
    """
    _require_free(folder)
    total = images_per_class * len(KINDS)
    rows = []
    with _replacing_folder(folder) as temporary:
        for label in KINDS:
            make_folder(temporary / label)
            make_folder(temporary / MASKS / label)
            for number, (smear, place) in enumerate(
                _draw_class(label, images_per_class, seed, px, shortcut)
            ):
                image_id = f"{label}/{label}_{number:03d}.jpg"
                Image.fromarray(smear.pixels).save(temporary / image_id, quality=95)
                np.savez_compressed(
                    _mask_path(temporary, image_id), cells=smear.cells, nuclei=smear.nuclei
                )
                rows.append([image_id, label, smear.slide, *place])
                if progress:
                    progress(len(rows), total)
        (temporary / "README.txt").write_text(README, encoding="utf-8")
        with (temporary / MASKS / TABLE).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows(
                [["image", "label", "slide", "field", "y", "x"], *rows]
            )


def read_masks(folder: Path, image_id: str) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.bool_]]:
    """Cells and nuclei of one image that `write_smears` wrote, as in `Smear`.

    Raises:
        UserError: There are none.
    """
    path = _mask_path(folder, image_id)
    if not path.is_file():
        raise UserError(
            f"{image_id} has no masks in {folder / MASKS}; only synthetic smears come with masks."
        )
    with np.load(path) as masks:
        return masks["cells"], masks["nuclei"]


def _mask_path(folder: Path, image_id: str) -> Path:
    return (folder / MASKS / image_id).with_suffix(".npz")


def _require_free(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(
            f"{folder} is not empty, and synthetic smears replace nothing; "
            "give a new folder, or remove this one first."
        )


@contextmanager
def _replacing_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder beside `folder`, which takes its place when the block ends well."""
    temporary = make_folder(folder.parent) / f".{folder.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}"
    try:
        yield temporary
        temporary.replace(folder)  # only ever onto nothing or an empty folder
    except OSError as error:
        raise UserError(
            f"{folder} could not be written ({error.strerror or error}), and nothing of it is kept;"
            " give a new folder that may be written to, on a disk with space."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _draw_class(
    label: str, images: int, seed: int, px: int, shortcut: Shortcut
) -> Iterator[tuple[Smear, tuple[int, int, int]]]:
    """Each image of a class with its field's number and place (y, x) on that field, in pixels."""
    classes = list(KINDS)
    field, drawn = 0, 0
    while drawn < images:
        batch, seen = divmod(drawn, IMAGES_PER_SLIDE)
        number = batch * len(classes) + classes.index(label)
        slide = draw_slide(np.random.default_rng([seed, number]), number=number)
        rng = np.random.default_rng([seed, batch, classes.index(label), field])
        room = min(IMAGES_PER_SLIDE - seen, images - drawn)
        # A pair shows two images of a field: half the chance gives the share.
        twice = room > 1 and rng.random() < OVERLAPPING / (2 - OVERLAPPING)
        corners = [(0, 0), _shift(rng, px)] if twice else [(0, 0)]
        for smear, corner in zip(
            _draw_field(rng, label, slide, px, corners, shortcut), corners, strict=True
        ):
            yield smear, (field, *corner)
        drawn += len(corners)
        field += 1


def _shift(rng: np.random.Generator, px: int) -> tuple[int, int]:
    """How far the stage moved: the common area is 0.25 to 0.64 of an image."""
    far, near = rng.uniform(0.2, 0.5, 2)
    return round(far * px), round(near * px)


def _rgb(
    one: Sequence[float], other: Sequence[float], share: float, strength: float = 1.0
) -> tuple[float, float, float]:
    """The colour `share` of the way from `one` to `other`."""
    r, g, b = (strength * ((1 - share) * a + share * c) for a, c in zip(one, other, strict=True))
    return r, g, b


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


def _draw_field(
    rng: np.random.Generator,
    label: str,
    slide: Slide,
    px: int,
    corners: Sequence[tuple[int, int]],
    shortcut: Shortcut,
) -> list[Smear]:
    """The images cut from one field at `corners` (y, x)."""
    if label not in KINDS:
        raise UserError(f"Class {label!r} is unknown; give one of {', '.join(KINDS)}.")
    if shortcut not in get_args(Shortcut):
        raise UserError(
            f"Shortcut {shortcut!r} is unknown; give one of {', '.join(get_args(Shortcut))}."
        )
    field = _empty_field(px, corners)
    images = field.cells.size / px**2
    for kind in (KINDS[label], LYMPHOCYTE):
        for _ in range(round(images * rng.uniform(*kind.cells))):
            _add_cell(rng, field, kind)
    _add_red_cells(rng, field, slide, round(images * slide.red_cells))
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
        px / 224, windows, views, bars, red, nucleus, cytoplasm, cells, cells.astype(np.bool_)
    )


def _renumbered(cells: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
    """`cells` numbered from 1 without gaps."""
    new = np.zeros(cells.max() + 1, np.int16)
    present = np.unique(cells[cells > 0])
    new[present] = np.arange(1, len(present) + 1)
    return new[cells]


class _Outline(NamedTuple):
    """A round shape: an ellipse with a few waves."""

    y: float
    x: float
    radius: float  # mean, pixels
    waves: npt.NDArray[np.float64]  # (5, 2), height (relative) and phase of 2 to 6 waves around

    def box(self, like: npt.NDArray[np.generic]) -> tuple[slice, slice]:
        """The part of `like` that the shape may reach."""
        reach = self.radius * (1 + np.abs(self.waves[:, 0]).sum()) + 2
        rows, columns = (
            slice(max(0, int(at - reach)), max(0, min(size, int(at + reach) + 1)))
            for at, size in zip((self.y, self.x), like.shape, strict=True)
        )
        return rows, columns

    def distance(self, box: tuple[slice, slice]) -> Floats:
        """How far the pixels of `box` lie from the centre; 1 on the outline."""
        y, x = np.ogrid[box]
        dy, dx = y - self.y, x - self.x
        angle = np.arctan2(dy, dx)
        wave = sum(a * np.cos(n * angle + phase) for n, (a, phase) in enumerate(self.waves, 2))
        return np.asarray(np.hypot(dy, dx) / (self.radius * (1 + wave)))


def _outline(rng: np.random.Generator, y: float, x: float, radius: float, rough: float) -> _Outline:
    """A shape whose waves are about `rough` of the radius high."""
    heights = rough * np.array([1.0, 0.5, 0.35, 0.25, 0.2]) * np.clip(rng.normal(size=5), -2, 2)
    return _Outline(y, x, radius, np.stack([heights, rng.uniform(0, 2 * np.pi, 5)], axis=1))


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
    for _ in range(40):
        y, x = rng.uniform((0, 0), field.cells.shape)
        body = _outline(rng, y, x, radius, 0.05)
        turn = rng.uniform(0, 2 * np.pi)
        off = rng.uniform(0, 0.75) * (radius - nucleus_radius)
        nucleus = _outline(
            rng, y + off * np.sin(turn), x + off * np.cos(turn), nucleus_radius, 0.04
        )
        box = body.box(field.cells)
        inside = body.distance(box) < 1
        if _has_room(field, box, inside, inside & (nucleus.distance(box) < 1)):
            _stain_cell(rng, field, kind, body, nucleus)
            return


def _has_room(
    field: _Field,
    box: tuple[slice, slice],
    inside: npt.NDArray[np.bool_],
    nucleus: npt.NDArray[np.bool_],
) -> bool:
    """Would the cell hide little of itself, and show its nucleus in every image that shows it?"""
    taken = field.cells[box] > 0
    if (nucleus & taken).any() or (inside & taken).sum() > 0.08 * inside.sum():
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
    field.cells[box][cell] = field.cells.max() + 1

    chromatin = 1 + kind.contrast * _grain(rng, inner.shape, kind.clump * field.scale)
    for _ in range(rng.poisson(kind.nucleoli)):
        chromatin -= 0.4 * _nucleolus(rng, nucleus, box)
    covered = _covered(distance, body.radius) * free
    nuclear = _covered(inner, nucleus.radius) * covered
    field.nucleus[box] += nuclear * np.maximum(chromatin, 0.2) * _near(rng, 1, 0.08)
    rim = 0.75 + 0.6 * distance**4  # more basophilic at the border
    field.cytoplasm[box] += (covered - nuclear) * rim * _near(rng, 1, 0.12)


def _grain(rng: np.random.Generator, shape: tuple[int, ...], px: float) -> Floats:
    """Noise of mean 0 and sd 1 with clumps of about `px` pixels."""
    noise = ndimage.gaussian_filter(rng.normal(size=shape).astype(np.float32), px)
    return np.asarray((noise - noise.mean()) / noise.std())


def _nucleolus(rng: np.random.Generator, nucleus: _Outline, box: tuple[slice, slice]) -> Floats:
    """A soft spot, 1 in its middle, somewhere in the nucleus."""
    turn, off = rng.uniform(0, 2 * np.pi), 0.6 * nucleus.radius * np.sqrt(rng.uniform())
    y, x = np.ogrid[box]
    dy, dx = y - nucleus.y - off * np.sin(turn), x - nucleus.x - off * np.cos(turn)
    return np.asarray(np.exp(-(dy**2 + dx**2) / (2 * (0.17 * nucleus.radius) ** 2)))


def _add_red_cells(rng: np.random.Generator, field: _Field, slide: Slide, number: int) -> None:
    """Red cells beside and a little over each other, some in chains as coins on edge would lie."""
    power = 1.7  # two discs over each other absorb less than their sum: they yield
    radius = field.scale * slide.red_cell_px / 2
    size = np.array(field.cells.shape)
    at, heading = rng.uniform((0, 0), size), 0.0
    for _ in range(number):
        heading += rng.normal(0, 0.5)
        at = at + 1.5 * radius * np.array([np.sin(heading), np.cos(heading)])
        if rng.random() > slide.chains or not ((at >= 0) & (at < size)).all():
            at, heading = _empty_place(rng, field), rng.uniform(0, 2 * np.pi)
        disc = _outline(rng, at[0], at[1], radius * _near(rng, 1, 0.07), 0.05)
        box = disc.box(field.red)
        distance = disc.distance(box)
        pallor = slide.pallor * rng.uniform(0.5, 1.15) * (rng.random() > 0.12)
        density = 0.85 + 0.25 * distance**3 - pallor * np.exp(-((distance / 0.5) ** 2))
        density *= _covered(distance, disc.radius) * _near(rng, 1, 0.1)
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
    for size, rough, strength, number in ((1.6, 0.15, 0.7, 4.0), (11.0, 0.16, 0.3, 0.6)):
        for _ in range(rng.poisson(number * images)):
            y, x = rng.uniform((0, 0), field.cells.shape)
            spot = _outline(rng, y, x, field.scale * size * rng.uniform(0.7, 1.3), rough)
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
    density = np.zeros(3)
    for layer, blur, colour in layers:
        sharp = layer[window]
        density = density + np.multiply.outer(
            ndimage.gaussian_filter(sharp, focus * blur), np.array(colour)
        )
    light = _light(rng, slide, len(density))
    if shortcut == "tint":
        light = light * np.array(TINTS[label])
    pixels = 255 * light * np.exp(-density * _near(rng, 1, 0.04))
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
    for y0 in (foot - round(4 * unit), foot):
        pen.line([(round(unit), foot), (round(unit), y0)], 255, round(0.9 * unit))
    pen.line([(round(unit), foot), (round(21 * unit), foot)], 255, max(1, round(0.9 * unit)))
    font = ImageFont.load_default(size=unit * bar.letters)
    pen.text((3 * unit, 0), "10 um", 255, font)
    place = (left // fine, top // fine)
    if bar.boxed:
        box = (*place, image.width - fine, place[1] + (foot + fine) // fine + 1)
        ImageDraw.Draw(image).rectangle(box, (255, 255, 255))
    mask = ink.reduce(fine)
    image.paste(colour, place, mask)
