"""Synthetic fields of a blood smear, photographed: pixels with exact masks. No files."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from modelzoo.datasets.synthetic.cells import (
    Field,
    Floats,
    add_cell,
    add_debris,
    add_red_cells,
    empty_field,
    near,
)
from modelzoo.datasets.synthetic.slides import (
    BAR_COLOURS,
    BARS,
    KINDS,
    LYMPHOCYTE,
    TINTS,
    Bar,
    Slide,
    draw_slide,
)
from modelzoo.errors import UserError

Shortcut = Literal["none", "tint", "scale bar"]


@dataclass(frozen=True, slots=True, eq=False)
class Smear:
    """One synthetic image and its truth."""

    pixels: npt.NDArray[np.uint8]  # (H, W, 3), RGB
    cells: npt.NDArray[np.int16]  # (H, W), nucleated cells from 1, 0: background and red cells
    nuclei: npt.NDArray[np.bool_]  # (H, W), each inside its cell
    label: str
    slide: int


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
    field = empty_field(px, corners)
    images = field.cells.size / px**2
    for kind in (KINDS[label], LYMPHOCYTE):
        for _ in range(round(images * rng.uniform(*kind.cells))):
            add_cell(rng, field, kind)
    # As dense between large cells as between small ones.
    free = (field.cells == 0).mean()
    add_red_cells(rng, field, slide, round(images * free * slide.red_cells))
    add_debris(rng, field, images)
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


def _renumbered(cells: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
    """`cells` numbered from 1 without gaps."""
    new = np.zeros(cells.max() + 1, np.int16)
    present = np.unique(cells[cells > 0])
    new[present] = np.arange(1, len(present) + 1)
    return new[cells]


def _photograph(
    rng: np.random.Generator,
    field: Field,
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
    pixels = 255 * light * np.exp(-density * near(rng, 1, 0.04))
    # Cameras sharpen.
    pixels += 0.5 * (pixels - ndimage.gaussian_filter(pixels, (*2 * [1.5 * field.scale], 0)))
    noise = ndimage.gaussian_filter(rng.normal(0, 4, pixels.shape), (0.6, 0.6, 0))
    image = Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))
    bar = BARS[slide.bar]
    _draw_bar(image, bar, BAR_COLOURS[label] if shortcut == "scale bar" else bar.colour)
    return np.array(image)


def _light(rng: np.random.Generator, slide: Slide, px: int) -> Floats:
    """(px, px, 3): the lamp, weaker and bluer towards the corners."""
    y0, x0 = rng.uniform(0.4, 0.6, 2)
    y, x = np.ogrid[0 : 1 : px * 1j, 0 : 1 : px * 1j]
    far = np.minimum(2 * ((y - y0) ** 2 + (x - x0) ** 2), 1.0)[..., None]
    light = (1 - far) * np.array(slide.lamp) + far * np.array(slide.corner)
    return np.asarray(light * near(rng, 1, 0.012))


def _draw_bar(image: Image.Image, bar: Bar, colour: tuple[int, int, int]) -> None:
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
