"""A scene for the lens with known values: what its page shows, its tests and benchmark expect."""

from dataclasses import replace

import numpy as np
from PIL import Image
from scipy import ndimage

from pages.lens.cells import outline_cells
from pages.lens.data import CellValues, Scene, Tile, TileMap, encode_image, middle_square
from pages.lens.display import Display
from xai.types import Labels, Map, Mask

NAMES = (
    *("VGG16", "VGG19", "ResNet50", "ResNet152", "DenseNet121", "DenseNet169", "EfficientNetB0"),
    *("EfficientNetV2B0", "EfficientNet-Lite0", "Xception", "NASNetMobile"),
)
CLASSES = ("Benign", "Early", "Pre", "Pro")
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7")
SIDES = (7, 7, 7, 7, 8, 10, 12, 14, 28, 56, 7)


def draw_field(width: int, height: int) -> tuple[Image.Image, Labels, Mask]:
    """A pale field with five purple cells: image, and labels and nuclei of its middle square."""
    side = min(width, height)
    y, x = np.mgrid[:448, :448] / 448
    labels, nuclei = np.zeros((448, 448), np.int16), np.zeros((448, 448), bool)
    for number, (cx, cy, r) in enumerate(
        ((0.2, 0.22, 0.11), (0.7, 0.18, 0.1), (0.5, 0.5, 0.13), (0.2, 0.75, 0.1), (0.8, 0.8, 0.12)),
        1,
    ):
        distance = np.hypot(x - cx, (y - cy) * 1.1)
        labels[distance < r], nuclei[distance < 0.7 * r] = number, True
    grain = ndimage.gaussian_filter(np.random.default_rng(1).normal(size=(448, 448)), 3)[..., None]
    square = np.where((labels > 0)[..., None], (176, 134, 190), (236, 214, 216)).astype(float)
    square = np.where(nuclei[..., None], (92, 48, 130), square) + 120 * grain
    image = Image.new("RGB", (width, height), (236, 214, 216))
    drawn = Image.fromarray(np.clip(square, 0, 255).astype(np.uint8)).resize((side, side))
    image.paste(drawn, ((width - side) // 2, (height - side) // 2))
    return image, labels, nuclei


def make_map(index: int) -> Map:
    """A map (h, w) float32 in logits; of the eighth with both signs, of the last without any."""
    side = SIDES[index % len(SIDES)]
    generator = np.random.default_rng(index)
    values = ndimage.gaussian_filter(generator.normal(size=(side, side)), 1).astype(np.float32)
    if index == 10:
        return np.zeros((side, side), np.float32)
    return values if is_signed(index) else np.maximum(values, np.float32(0))


def is_signed(index: int) -> bool:
    return index in (7, 9)


def make_scene(case: str, *, count: int = 11) -> Scene:
    """The scene of `case`: "square" (a field), "tall" (1920 x 2560), "waiting", "cells"."""
    width, height = {"tall": (1920, 2560), "small": (224, 224)}.get(case, (1000, 1000))
    image, labels, nuclei = draw_field(width, height)
    box = middle_square(width, height)
    tiles = tuple(_tile(index, case, width, height) for index in range(count))
    if case == "waiting":
        tiles = (*tiles[:-1], replace(tiles[-1], map=None, status="Grad-CAM: 3rd in line"))
    cells = outline_cells(labels, nuclei, box)
    if case == "cells":
        values = np.array([1.25, -0.5, 0.08, -0.02, 0.4])
        tiles = tuple(
            replace(tile, map=None, cells=CellValues(values * (1 + at), 0.3, 0.05 if at else None))
            for at, tile in enumerate(tiles)
        )
    return Scene(
        image=encode_image(image),
        title="Field 7",
        alt="A field with five nucleated cells.",
        note="true class Early",
        tiles=tiles,
        cells=cells,
        display=Display(),
    )


def _tile(index: int, case: str, width: int, height: int) -> Tile:
    values = make_map(index)
    predicted = CLASSES[index % 4 if index % 3 else 1]
    return Tile(
        run_id=f"run-{index}",
        title=NAMES[index],
        split="grouped",
        predicted=predicted,
        probability=0.5 + 0.049 * (index % 10),
        correct=predicted == "Early",
        ood=index == 4,
        alt=f"Grad-CAM of {NAMES[index]}. The upper left quarter holds 40 % of the attribution.",
        note="all cells masked: 99.4 %" if index % 2 else "9 % on cells covering 9 % of the area",
        colour=COLOURS[CLASSES.index(predicted)],
        map=TileMap(
            values=values,
            unit="logits",
            signed=is_signed(index),
            box=middle_square(width, height),
            target=predicted,
        ),
    )
