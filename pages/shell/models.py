"""Runs with a model, and what they predicted, remembered until their files change. No torch."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from modelzoo import paths
from modelzoo.backbones.table import BACKBONES
from modelzoo.datasets.splits import Part, SplitRow
from modelzoo.runs.file_names import CONFIG, MODEL, PREDICTIONS, SPLIT, WEIGHTS
from modelzoo.runs.folder import Run, list_runs, read_run
from modelzoo.runs.predictions import read_predictions
from modelzoo.runs.records import read_split, read_weights
from pages.shell.errors import error_in_place


@dataclass(frozen=True, slots=True)
class Model:
    """A trained run that can be asked."""

    run: Run
    title: str
    has_imagenet: bool | None  # None: the run does not say
    rows: dict[str, SplitRow]  # of its split, by image id

    def part(self, image_id: str) -> Part | None:
        """Where the image was in the run's training; None: nowhere."""
        row = self.rows.get(image_id)
        return row.part if row else None


def list_models() -> list[Model]:
    """Runs that have a model, the smallest network first, those with ImageNet weights before."""
    found, _ = list_runs(paths.runs_folder())
    models = []
    for run in found:
        if run.has(MODEL):
            with error_in_place():
                models.append(_read_model(str(run.path), _stamp(run)))
    return sorted(
        models,
        key=lambda model: (
            model.has_imagenet is False,
            BACKBONES[model.run.config.backbone].parameters,
            model.run.id,
        ),
    )


def predicted_by_image(model: Model) -> dict[str, str]:
    """The class that the run named for each image when it was trained, by image id.

    Raises:
        UserError: It has left no predictions, or they are damaged.
    """
    try:
        stamp = (model.run.path / PREDICTIONS).stat().st_mtime_ns
    except OSError:
        stamp = 0  # reading says what is missing
    return _predicted_by_image(str(model.run.path), stamp)


@st.cache_resource(max_entries=50, show_spinner=False)  # not copied, as below; never changed
def _predicted_by_image(path: str, stamp: int) -> dict[str, str]:
    found = read_predictions(Path(path))
    named = found.probabilities.argmax(axis=1) if len(found.images) else []
    return {image: found.classes[k] for image, k in zip(found.images, named, strict=True)}


# Shared and never changed: a copy of eleven splits of 10,000 images would take 2 s on every click.
@st.cache_resource(max_entries=200, show_spinner=False)
def _read_model(path: str, stamp: tuple[int, ...]) -> Model:
    run = read_run(Path(path))
    has_weights = run.has(WEIGHTS)
    kind = read_weights(run.path).kind if has_weights else None
    return Model(
        run,
        BACKBONES[run.config.backbone].title,
        None if kind is None else kind == "imagenet",
        {row.image: row for row in read_split(run.path).rows},
    )


def _stamp(run: Run) -> tuple[int, ...]:
    names = (CONFIG, SPLIT, WEIGHTS, MODEL)
    return tuple((run.path / name).stat().st_mtime_ns if run.has(name) else 0 for name in names)
