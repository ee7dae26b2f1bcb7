"""Which runs can be asked, and which are: the models of the page Explain. No torch."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from modelzoo import places, runs
from modelzoo.backbones.table import BACKBONES
from modelzoo.datasets.splits import Part, SplitRow
from modelzoo.errors import UserError
from modelzoo.evaluation.leaderboard import describe_status
from modelzoo.runs import Run
from pages.parts.states import said_in_place, say_if_gone

STARTS_WITH = 2  # runs shown without a choice


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
    found, _ = runs.list_runs(places.runs_folder())
    models = []
    for run in found:
        if run.has(runs.MODEL):
            with said_in_place():
                models.append(_read_model(str(run.path), _stamp(run)))
    return sorted(
        models,
        key=lambda model: (
            model.has_imagenet is False,
            BACKBONES[model.run.config.backbone].parameters,
            model.run.id,
        ),
    )


def choose_models(models: Sequence[Model]) -> list[Model]:
    """The runs chosen; without a choice the first two that share a data set."""
    by_id = {model.run.id: model for model in models}
    linked = st.query_params.get_all("run")
    unready = {} if set(linked) <= set(by_id) else describe_unready()
    for run_id in linked:
        if run_id in unready:
            st.info(f"Run {run_id} cannot be asked yet. {unready[run_id]}")
    say_if_gone("run", {*by_id, *unready}, "Run")
    same_data = [model for model in models if model.run.config.data == models[0].run.config.data]
    start = same_data[:STARTS_WITH]
    chosen = st.multiselect(
        "Models",
        list(by_id),
        format_func=lambda run_id: run_id,  # it stands in links, so it must not change
        key="run",
        bind="query-params",
        placeholder=" and ".join(model.run.id for model in start),
        help="Runs to ask, one row each. Without a choice: the two smallest networks, those that "
        "started from ImageNet weights first.",
    )
    return [by_id[run_id] for run_id in chosen] or start


def describe_unready() -> dict[str, str]:
    """What each run that has no model yet is doing, in a sentence, by the run's id."""
    found, unready = runs.list_runs(places.runs_folder())
    for run in found:
        if not run.has(runs.MODEL):
            try:
                status = runs.read_status(run.path, now=time.time())
            except UserError as error:
                unready[run.id] = str(error)
            else:
                unready[run.id] = describe_status(status)
    return unready


def answers_by_image(model: Model) -> dict[str, str]:
    """The class that the run named for each image when it was trained, by image id.

    Raises:
        UserError: It has left no predictions, or they are damaged.
    """
    try:
        stamp = (model.run.path / runs.PREDICTIONS).stat().st_mtime_ns
    except OSError:
        stamp = 0  # reading says what is missing
    return _answers_by_image(str(model.run.path), stamp)


@st.cache_resource(max_entries=50, show_spinner=False)  # not copied, as below; never changed
def _answers_by_image(path: str, stamp: int) -> dict[str, str]:
    found = runs.read_predictions(Path(path))
    named = found.probabilities.argmax(axis=1) if len(found.images) else []
    return {image: found.classes[k] for image, k in zip(found.images, named, strict=True)}


# Shared and never changed: a copy of eleven splits of 10,000 images would take 2 s on every click.
@st.cache_resource(max_entries=200, show_spinner=False)
def _read_model(path: str, stamp: tuple[int, ...]) -> Model:
    run = runs.read_run(Path(path))
    has_weights = run.has(runs.WEIGHTS)
    kind = runs.read_weights(run.path).kind if has_weights else None
    return Model(
        run,
        BACKBONES[run.config.backbone].title,
        None if kind is None else kind == "imagenet",
        {row.image: row for row in runs.read_split(run.path).rows},
    )


def _stamp(run: Run) -> tuple[int, ...]:
    names = (runs.CONFIG, runs.SPLIT, runs.WEIGHTS, runs.MODEL)
    return tuple((run.path / name).stat().st_mtime_ns if run.has(name) else 0 for name in names)
