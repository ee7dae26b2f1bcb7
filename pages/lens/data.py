"""What the lens shows, and the form in which it reaches the browser. No Streamlit, no torch.

All places are in pixels of the whole upright image, from its upper left corner.
"""

import base64
import hashlib
import json
import zlib
from dataclasses import asdict, dataclass, field
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from modelzoo.text import percent
from pages.lens.display import Display
from xai.methods.table import Unit  # noqa: TID253  # a table: no torch behind it
from xai.types import Map  # noqa: TID253  # names of arrays: no torch behind it

MOST_PX = 2560  # longest side of the image that is sent
# Up to this side a map is sent as it is: 64 x 64 values are 22 kB. Eleven of 224 x 224 would be
# 3 MB; deflated, those of gradients of a real smear are 0.5 MB in these steps, and 0.6 MB in twice
# as many (`python -m benchmarks.lens`).
RAW_PX = 64
STEPS = 127  # from 0 to the map's largest value
# Above this side the scale ends at the strongest 1 %: one pixel of a gradient must not make all
# others look like 0. A coarser map ends at its maximum.
COARSE_PX = 28

Polygon = tuple[tuple[float, float], ...]  # (x, y) of its corners


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the image."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single answer to ==
class TileMap:
    """An attribution map and the part of the image that it covers."""

    values: Map  # (h, w), as in the `.npy`
    unit: Unit
    signed: bool  # whether a value below 0 can occur
    box: Box  # what the model was given
    target: str  # the class explained


@dataclass(frozen=True, slots=True, eq=False)
class CellValues:
    """Shapley values of the cells of the image for one model, in logits."""

    values: npt.NDArray[np.float64]  # (n,), in the order of the scene's cells
    background: float
    standard_error: float | None  # of a value; None: exact


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tile:
    """One model: its prediction for the image, and its map or the values of its cells."""

    run_id: str
    title: str
    split: str  # its kind: random, grouped ...
    method: str = ""  # of the map, where there are several
    predicted: str  # empty: nothing yet
    probability: float  # [0, 1], of the predicted class
    correct: bool | None  # None: the true class is not known
    ood: bool | None  # out of distribution; None: not known
    alt: str  # what the map shows, in sentences
    note: str = ""  # a finding in a few words
    status: str = ""  # why there is no map yet
    colour: str = ""  # of the predicted class, as `#rrggbb`
    map: TileMap | None = None
    cells: CellValues | None = None  # coloured in place of a map where there is none


@dataclass(frozen=True, slots=True)
class Cell:
    """A nucleated cell of the image."""

    name: str  # "Cell 3, upper left"
    outlines: tuple[Polygon, ...]
    nuclei: tuple[Polygon, ...] = ()


@dataclass(frozen=True, slots=True)
class EncodedImage:
    """An image as a browser takes it, from `encode_image`."""

    source: str  # a data: address of a JPEG of at most MOST_PX
    width: int  # of the image itself, in pixels
    height: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """One image and what several models make of it."""

    image: EncodedImage
    title: str  # of the image's own tile
    alt: str  # what the image is, in a sentence
    note: str = ""  # its true class, or that it is not known
    tiles: tuple[Tile, ...] = ()
    cells: tuple[Cell, ...] = ()
    masked: frozenset[int] = frozenset()  # indices of the cells that are masked
    chosen: str = ""  # run_id of the tile that is chosen; "": none
    display: Display = field(default_factory=Display)


def middle_square(width: int, height: int) -> Box:
    """The middle square of an image, which models are given; exact to half a pixel of theirs."""
    side = min(width, height)
    return Box((width - side) / 2, (height - side) / 2, side, side)


def encode_image(image: Image.Image) -> EncodedImage:
    """An image in RGB, upright and in full resolution, as it is sent: 150 ms of 5 megapixels.

    What is larger than MOST_PX is sent smaller and keeps its own width and height, in which places
    are given.
    """
    width, height = image.size
    if max(width, height) > MOST_PX:
        scale = MOST_PX / max(width, height)
        image = image.resize((round(scale * width), round(scale * height)))
    out = BytesIO()
    # Colour in full resolution: it is what tells nucleus from cytoplasm.
    image.save(out, "JPEG", quality=90, subsampling=0)
    source = f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}"
    return EncodedImage(source, width, height)


def payload(scene: Scene) -> dict[str, Any]:
    """The scene as the browser takes it, fit for JSON.

    The image and each tile have a `key`, the hash of their content: one whose key is the same as
    before is left as it is, so that nothing is decoded twice.
    """
    texts = {"title": scene.title, "alt": scene.alt, "note": scene.note}
    return {
        "image": _with_key(asdict(scene.image) | texts),
        "tiles": [_with_key(_tile(tile)) for tile in scene.tiles],
        "cells": [asdict(cell) for cell in scene.cells],
        "masked": sorted(scene.masked),
        "chosen": scene.chosen,
        "display": asdict(scene.display),
    }


def describe_tile(tile: Tile) -> str:
    """The prediction in one sentence, for those who hear the tile."""
    name = ", ".join(filter(None, (tile.title, f"{tile.split} split", tile.method)))
    if not tile.predicted:
        return f"{name}: {tile.status}"
    parts = [f"{name}: predicts {tile.predicted}, {percent(tile.probability)}"]
    if tile.correct is not None:
        parts.append("correct" if tile.correct else "not correct")
    if tile.ood:
        parts.append("out of distribution")
    return f"{', '.join(parts)}."


def encode_map(tile_map: TileMap) -> dict[str, Any]:
    """A map as the browser decodes it.

    Returns:
        `data` is base64 of float32, row by row, up to RAW_PX a side. Larger maps are `is_deflated`:
        int8 in steps of `step`, so that a value is off by at most half a step, which the browser
        prints beside it; 0 for maps sent as they are.
    """
    values = np.ascontiguousarray(tile_map.values, "<f4")
    height, width = values.shape
    signed = tile_map.signed or bool((values < 0).any())
    strengths = np.abs(values)
    largest = float(strengths.max(initial=0))
    end = largest
    if max(height, width) > COARSE_PX:
        end = float(np.quantile(strengths, 0.99)) or largest
    step = 0.0
    content = values.tobytes()
    is_deflated = max(height, width) > RAW_PX
    if is_deflated:
        step = largest / STEPS
        steps = np.rint(values / step) if step else np.zeros(values.shape)
        content = zlib.compress(steps.astype(np.int8).tobytes(), 9)
    is_share = tile_map.unit == "share"
    return {
        "data": base64.b64encode(content).decode(),
        "width": width,
        "height": height,
        "is_deflated": is_deflated,
        "step": step,
        "signed": signed,
        "unit": "% of map" if is_share else tile_map.unit,
        "times": 100 if is_share else 1,  # from a value to what is printed in `unit`
        "low": float(values.min(initial=0)),
        "high": float(values.max(initial=0)),
        "end": end,
        # From a value to the same for each hundredth of the area, which maps of any size share.
        "per_hundredth": height * width / 100,
        "box": asdict(tile_map.box),
        "empty": "" if (values > 0).any() else f"no positive evidence for {tile_map.target}",
    }


def _tile(tile: Tile) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: getattr(tile, name)
        for name in ("run_id", "title", "split", "method", "predicted", "correct", "ood")
    }
    found |= {name: getattr(tile, name) for name in ("alt", "note", "status", "colour")}
    found |= {
        "probability": percent(tile.probability) if tile.predicted else "",
        "label": describe_tile(tile),
    }
    found["map"] = None
    if tile.map is not None and np.isfinite(tile.map.values).all():
        found["map"] = encode_map(tile.map)
    elif tile.map is not None:
        found["status"] = "The map has values that are no numbers, so it is not drawn."
    found["cells"] = None
    if tile.cells is not None:
        found["cells"] = {
            "values": [float(value) for value in tile.cells.values],
            "background": tile.cells.background,
            "standard_error": tile.cells.standard_error,
        }
    return found


def _with_key(part: dict[str, Any]) -> dict[str, Any]:
    written = json.dumps(part, sort_keys=True).encode()
    return part | {"key": hashlib.sha256(written).hexdigest()[:16]}
