"""The tiles of the lens from what is known of image and models. Cached where it takes time."""

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from modelzoo.datasets.images import tile_corner
from modelzoo.errors import UserError
from modelzoo.runs.attribution_tables import read_quality
from pages.lens.cells import outline_cells
from pages.lens.data import (
    Box,
    Cell,
    CellValues,
    EncodedImage,
    Scene,
    Tile,
    TileMap,
    encode_image,
    middle_square,
)
from pages.lens.display import Display
from pages.sections.explain.grid import Grid, Seen, Spot
from pages.sections.explain.image import Subject, describe_truth
from pages.sections.explain.prediction import OUT_OF_DISTRIBUTION
from pages.shell import inference, pictures
from pages.shell.palette import class_colours
from pages.shell.pictures import Picture
from pages.shell.prediction import Prediction
from xai.attribution import Attribution  # noqa: TID253  # a record: no torch behind it
from xai.say.evidence import describe_evidence  # noqa: TID253  # no torch behind it
from xai.say.findings import describe_cell_share, describe_masked  # noqa: TID253  # no torch
from xai.types import Labels  # noqa: TID253  # names of arrays: no torch behind it

if TYPE_CHECKING:
    from xai.smear.cell_shapley import CellAttribution


def make_scene(
    subject: Subject,
    grid: Grid,
    display: Display,
    *,
    chosen: str,
    masked: frozenset[int],
    shows_method: bool,
) -> Scene:
    """The image and its tiles, in the order of the grid.

    Args:
        subject: The image.
        grid: What is known of it.
        display: How maps are shown.
        chosen: Id of the place whose details are shown; empty: none.
        masked: Indices of the cells that are masked.
        shows_method: Whether tiles name the method, since there are several.

    Raises:
        UserError: It is no image that can be used.
    """
    image = _image(subject.picture.sha256, subject.picture)
    box = covered_box((image.width, image.height), subject.picture.tile)
    labels = pictures.find_cells(subject.picture).labels
    return Scene(
        image=image,
        title=subject.picture.name,
        alt=f"The image {subject.picture.name}, {describe_truth(subject)}.",
        note=describe_truth(subject),
        tiles=tuple(_make_tile(spot, subject, box, labels, shows_method) for spot in grid.spots),
        cells=_cells(subject.picture.sha256, subject.picture),
        masked=masked,
        chosen=chosen,
        display=display,
    )


def covered_box(size: tuple[int, int], tile: tuple[int, int] | None) -> Box:
    """The square of an image of this size that models are given."""
    box = middle_square(*size)
    if tile is None:
        return box
    left, top = tile_corner(size, *tile)
    return replace(box, left=left, top=top)


@st.cache_resource(max_entries=8, show_spinner=False)
def _image(sha256: str, _picture: Picture) -> EncodedImage:
    return encode_image(pictures.upright(_picture))


@st.cache_data(max_entries=50, show_spinner=False)
def _cells(sha256: str, _picture: Picture) -> tuple[Cell, ...]:
    size = pictures.upright(_picture).size
    cells = pictures.find_cells(_picture)
    return outline_cells(cells.labels, cells.nuclei, covered_box(size, _picture.tile))


def _make_tile(spot: Spot, subject: Subject, box: Box, labels: Labels, shows_method: bool) -> Tile:
    seen = spot.seen
    prediction = seen.prediction if seen else None
    tile = Tile(
        run_id=spot.id,
        title=spot.model.title,
        split=spot.model.run.config.split,
        method=spot.method.title if shows_method else "",
        predicted=prediction.predicted if prediction else "",
        probability=float(prediction.probabilities.max()) if prediction else 0.0,
        correct=prediction.predicted == subject.label if prediction and subject.label else None,
        ood=prediction.ood_percentile > OUT_OF_DISTRIBUTION if prediction else None,
        alt="",
        status=seen.why_not if seen else f"computing {spot.method.title} …",
    )
    if seen is None or prediction is None:
        return tile
    colour = class_colours(prediction.classes)[prediction.predicted]
    tile = replace(tile, note=_note(spot, seen, prediction, subject.picture, labels), colour=colour)
    if seen.cells is not None:
        return _add_cells(tile, seen.cells, seen.target, labels)
    if seen.attribution is None:
        return tile
    return replace(
        tile,
        alt=(
            f"{spot.method.title} of {spot.model.title}. "
            f"{describe_evidence(seen.attribution, seen.target, labels)}"
        ),
        map=TileMap(
            seen.attribution.values,
            seen.attribution.unit,
            seen.attribution.is_signed,
            box,
            seen.target,
        ),
    )


def _add_cells(tile: Tile, found: "CellAttribution", target: str, labels: Labels) -> Tile:
    from xai.say.cells import describe_cells

    values = CellValues(found.values, found.background, found.standard_error)
    name = ", ".join(filter(None, (tile.title, tile.method)))
    alt = f"{name}. {describe_cells(found, labels, target)}"
    return replace(tile, alt=alt, cells=values)


def _note(spot: Spot, seen: Seen, prediction: Prediction, picture: Picture, labels: Labels) -> str:
    """What is cheap to find out, and how faithful the map is, where it is known by now."""
    attribution = seen.attribution
    found = ["from scratch" if spot.model.has_imagenet is False else ""]
    found.append(describe_cell_share(attribution, labels) if attribution else "")
    if spot.masked is not None and len(spot.masked) and labels.any():
        found.append(describe_masked(spot.masked, prediction.classes, prediction.predicted))
    found.append(_rank(spot, picture, attribution) if attribution else "")
    return " · ".join(each for each in found if each)


def _rank(spot: Spot, picture: Picture, attribution: Attribution) -> str:
    """How faithful the map is, where a person has asked; else maps of the method on the run."""
    from xai.faithfulness.table import Summary
    from xai.say.verdict import name_method, name_rank

    try:
        report = inference.read_report(spot.model, picture, attribution)
        if report:
            return name_rank(report)
        table = read_quality(spot.model.run.path, Summary) or []
    except UserError:
        return ""  # where it is damaged, Compare says so
    return name_method([row for row in table if row.method == attribution.method])
