"""What is shown of one image as one file, made when its button is clicked. No torch."""

import base64
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import PurePath

import streamlit as st

from modelzoo.datasets.splits import PART_WORDS
from modelzoo.errors import UserError
from modelzoo.evaluation.rows import SPLIT_WORDS
from modelzoo.files import portable_name
from modelzoo.reporting.markup import Node, listed, name_of, table, tag
from modelzoo.reporting.page import format_page, format_sentence
from modelzoo.reporting.provenance import NO_DIAGNOSIS
from modelzoo.runs.hashes import hash_model
from modelzoo.text import capital, percent
from pages.lens.display import Display
from pages.sections.explain.grid import Grid, Spot
from pages.sections.explain.image import Subject, describe_outside, describe_truth
from pages.sections.explain.prediction import (
    OOD_HELP,
    describe_doubts,
    describe_ood_models,
    describe_predictions,
)
from pages.shell import pictures
from pages.shell.pictures import DISPLAY_PX
from pages.shell.prediction import Prediction
from pages.shell.reads import Model
from xai.attribution import Attribution  # noqa: TID253  # a record: no torch behind it
from xai.draw.outlines import render_outlines  # noqa: TID253  # no torch behind it
from xai.draw.overlay import encode_png, render_overlay  # noqa: TID253  # no torch behind it
from xai.draw.scale import as_share, render_colour_bar, shared_vmax  # noqa: TID253  # no torch
from xai.methods.table import Method  # noqa: TID253  # no torch behind it
from xai.say.evidence import describe_evidence  # noqa: TID253  # no torch behind it
from xai.types import Rgb  # noqa: TID253  # names of arrays: no torch behind it

LIMITS = (
    "A map shows what the prediction of a model depends on, which need not be what makes a cell a "
    "blast.",
    "One image says nothing of how often a model is right: that is the accuracy on its test "
    "images, which stands with its split in the report of a comparison.",
    "A probability of a network is not how often it is correct.",
    "A model predicts one of its classes for any image, also for one that shows none of them.",
    "Places between the entries of a coarse map are interpolated for display only.",
)


def offer_explanation(grid: Grid, subject: Subject, display: Display) -> None:
    """A button that saves what is shown, once all is there; none before a model has predicted."""
    if not grid.predicted:
        return
    name = portable_name(f"explanation-{PurePath(subject.picture.name).stem}")
    st.download_button(
        "Explanation as HTML",
        partial(make_explanation, grid, subject, display),
        file_name=f"{name}.html",
        mime="text/html",
        icon=":material/lab_profile:",
        key="explanation",
        on_click="ignore",
        disabled=bool(grid.waiting),
        help="One file of what is shown: the image, predictions, maps with what they show in "
        "words, hashes, limits. It opens without a network and prints on A4.",
    )


def make_explanation(grid: Grid, subject: Subject, display: Display) -> str:
    """The explanation as HTML; of an image that cannot be read, the sentence on it.

    Args:
        grid: What is known by now; what is missing is said.
        subject: The image.
        display: How maps are shown.
    """
    try:
        parts = (
            ("image", "Image", _image(subject)),
            ("predictions", "Predictions", _predictions(grid, subject)),
            ("maps", "Attribution maps", _maps(grid, subject, display)),
            ("models", "Models", _models(grid)),
            ("limits", "Limits", _limits()),
        )
        sections = [
            tag("section", tag("h2", title), *content, id=key) for key, title, content in parts
        ]
    except UserError as error:
        return format_sentence(str(error))
    made = time.strftime("%Y-%m-%d %H:%M")
    header = tag(
        "header",
        tag("h1", "Explanation of ", name_of(subject.picture.name)),
        tag("p", f"Made on {made} by BlastLens. {NO_DIAGNOSIS}", class_="small"),
    )
    return format_page("Explanation of an image", tag("body", header, tag("main", *sections)))


def _image(subject: Subject) -> Iterator[Node]:
    picture = subject.picture
    pixels = pictures.square(picture, DISPLAY_PX)
    words = "The middle square of the image, which models are given."
    if picture.tile:
        words = "The square of the image that is explained."
    yield _figure(pixels, f"{words} {capital(describe_truth(subject))}.", words)
    if outside := describe_outside(*pictures.upright(picture).size, picture.tile):
        yield tag("p", outside)
    yield tag("p", "SHA-256 of what is explained: ", tag("code", picture.sha256))
    if subject.has_changed:
        yield tag("p", "The file has changed since a model was trained and evaluated on it.")


def _figure(pixels: Rgb, caption: str, alt: str) -> Node:
    """A picture within the file, with what it shows below it."""
    content = base64.b64encode(encode_png(pixels)).decode()
    image = tag("img", src=f"data:image/png;base64,{content}", alt=alt)
    return tag("figure", image, tag("figcaption", caption))


def _predictions(grid: Grid, subject: Subject) -> Iterator[Node]:
    predictions = [prediction for _, prediction in grid.predicted]
    if warning := describe_ood_models(predictions):
        yield tag("p", warning, class_="answer")
    yield tag("p", describe_predictions(predictions, subject.label), class_="answer")
    doubts = [
        f"{model.title}: {doubt}"
        for model, prediction in grid.predicted
        for doubt in describe_doubts(prediction, subject.part_by_run.get(model.run.id))
    ]
    if doubts:
        yield listed(doubts)
    yield table(
        "What each model predicts",
        ["Model", "Predicted class", "Probability", "OOD percentile", "Image in its"],
        [
            [name_of(model.title), *_prediction(prediction, subject.part_by_run.get(model.run.id))]
            for model, prediction in grid.predicted
        ],
    )
    yield table(
        "Probabilities of all classes",
        ["Model", "Class", "Probability"],
        [
            [name_of(model.title), name_of(name), percent(float(probability))]
            for model, prediction in grid.predicted
            for name, probability in zip(prediction.classes, prediction.probabilities, strict=True)
        ],
    )
    yield tag("p", f"OOD percentile: {OOD_HELP}")


def _prediction(prediction: Prediction, part: str | None) -> list[Node | str]:
    return [
        name_of(prediction.predicted),
        percent(float(prediction.probabilities.max())),
        f"{prediction.ood_percentile:.0f}",
        f"{PART_WORDS[part]} set" if part else "none of its sets",
    ]


def _maps(grid: Grid, subject: Subject, display: Display) -> Iterator[Node]:
    """The maps of each method on one scale, with their words."""
    methods = {spot.method.name: spot.method for spot in grid.spots}
    for name, method in methods.items():
        spots = [spot for spot in grid.spots if spot.method.name == name]
        yield tag("h3", method.title)
        yield tag("p", method.reads)
        if isinstance(method, Method):
            yield from _maps_of(method, spots, subject, display)
        else:
            yield from _values_of(spots, subject)
        for spot in spots:
            if spot.seen is None or spot.seen.why_not:
                why = spot.seen.why_not if spot.seen else "It was not computed yet."
                yield tag("p", f"{spot.model.title}: {why}")


def _maps_of(
    method: Method, spots: Sequence[Spot], subject: Subject, display: Display
) -> Iterator[Node]:
    found = [
        (spot.model, spot.seen.attribution, spot.seen.target)
        for spot in spots
        if spot.seen and spot.seen.attribution
    ]
    yield tag("p", f"{method.not_valid} Source: {method.paper}.")
    if not found:
        return
    is_share = display.scale == "own" or method.unit == "share"
    shown = [as_share(attribution) if is_share else attribution for _, attribution, _ in found]
    vmax = shared_vmax(shown)
    for (model, attribution, target), drawn in zip(found, shown, strict=True):
        yield _map(model, attribution, drawn, target, vmax, subject, display)
    unit = "% of the map" if is_share else "logits"
    high = f"{100 * vmax if is_share else vmax:.2g}"
    low = f"\N{MINUS SIGN}{high}" if method.is_signed else "0"
    against = "blue against the class, clear: nothing, " if method.is_signed else ""
    words = (
        f"Scale of {method.title}: {low} to {high} {unit} per 1 % of the image, {against}orange "
        "for it; the same for every model here."
    )
    bar = render_colour_bar(is_signed=method.is_signed, opacity=display.opacity)
    yield _figure(bar, words, words)


def _map(
    model: Model,
    attribution: Attribution,
    shown: Attribution,
    target: str,
    vmax: float,
    subject: Subject,
    display: Display,
) -> Node:
    cells = pictures.find_cells(subject.picture)
    drawn = render_overlay(
        pictures.square(subject.picture, DISPLAY_PX),
        shown,
        vmax=vmax,
        opacity=display.opacity,
        contours=display.contours,
    )
    if display.outlines:
        drawn = render_outlines(drawn, cells.labels, cells.nuclei)
    said = describe_evidence(attribution, target, cells.labels)
    height, width = attribution.values.shape
    note = f" {attribution.note}" if attribution.note else ""
    caption = (
        f"{model.title}, class explained {target}. {said}{note} The map has {height} × {width} "
        "entries."
    )
    figure = _figure(drawn, caption, f"Map of {model.title}. {said}")
    figure.set("class", "half")
    return figure


def _values_of(spots: Sequence[Spot], subject: Subject) -> Iterator[Node]:
    """The values of cells, in words and as a table."""
    from xai.say.cells import describe_cells

    labels = pictures.find_cells(subject.picture).labels
    for spot in spots:
        found = spot.seen.cells if spot.seen else None
        if found is None or spot.seen is None:
            continue
        yield tag("p", f"{spot.model.title}: {describe_cells(found, labels, spot.seen.target)}")
        error = found.standard_error
        exact = "exact" if error is None else f"standard error {error:.2f} logits"
        rows = [[f"Cell {at}", f"{value:+.2f}"] for at, value in enumerate(found.values, start=1)]
        rows.append(["Background", f"{found.background:+.2f}"])
        yield table(
            f"Values in logits of {spot.model.title}, {spot.method.title} ({exact})",
            ["Cell", f"For {spot.seen.target}"],
            rows,
        )


def _models(grid: Grid) -> Iterator[Node]:
    yield table(
        "Models, their splits and hashes",
        ["Model", "Run", "Split", "Accuracy on its own test images", "SHA-256 of the model"],
        [
            [
                name_of(model.title),
                name_of(model.run.id),
                f"{SPLIT_WORDS[model.run.config.split]}, seed {model.run.config.seed}",
                "not known" if model.accuracy is None else percent(model.accuracy),
                tag("code", hash_model(model.run.path)),
            ]
            for model in grid.models
        ],
        class_="hashes",
    )
    yield tag("p", "Accuracies of models with different splits are not comparable.")


def _limits() -> Iterator[Node]:
    yield tag("p", NO_DIAGNOSIS, class_="answer")
    yield listed(LIMITS)
