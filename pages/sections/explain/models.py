"""Which models explain the image."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from modelzoo import paths
from modelzoo.errors import UserError
from modelzoo.evaluation.rows import describe_status
from modelzoo.runs.file_names import MODEL
from modelzoo.runs.folder import Run, list_runs
from modelzoo.runs.records import read_split
from modelzoo.runs.status import read_status
from modelzoo.text import shorten_all
from pages.shell.links import warn_if_gone
from pages.shell.prediction import OWN
from pages.shell.reads import Model
from pages.shell.text import plain

CLASS_LETTERS = 60  # of the name of a class that can be chosen


def choose_models(models: Sequence[Model]) -> list[Model]:
    """The runs chosen, their titles told apart; without a choice two, as `_first_pair` says."""
    by_id = {model.run.id: model for model in models}
    linked = st.query_params.get_all("run")
    unready = {} if set(linked) <= set(by_id) else describe_unready()
    for run_id in linked:
        if run_id in unready:
            st.info(plain(f"Run {run_id} cannot be explained. {unready[run_id]}"))
    warn_if_gone("run", {*by_id, *unready}, "Run")
    start = _first_pair(models)
    chosen = st.multiselect(
        "Models",
        list(by_id),
        format_func=lambda run_id: run_id,  # it stands in links, so it must not change
        key="run",
        bind="query-params",
        placeholder=" and ".join(model.run.id for model in start),
        help="One row per run. Without a choice: the two smallest networks of different "
        "backbones, those that started from ImageNet weights first.",
    )
    return _tell_apart([by_id[run_id] for run_id in chosen] or start)


def choose_target(models: Sequence[Model], place: DeltaGenerator) -> str:
    """The class to explain, or `OWN`: what each model predicts; chosen at `place`."""
    classes = sorted({row.label for model in models for row in model.rows.values()})
    titles = {OWN: OWN} | shorten_all(classes, CLASS_LETTERS)
    warn_if_gone("target", titles.values(), "Class")
    return place.selectbox(
        "Target class",
        list(titles),
        format_func=titles.__getitem__,
        key="target",
        bind="query-params",
        help="The class that is explained. The same for all models makes their maps comparable.",
    )


def _first_pair(models: Sequence[Model]) -> list[Model]:
    """The first model, and the first after it on its data set, of another backbone if there is one.

    Args:
        models: At least one.
    """
    first, *others = models
    others = [model for model in others if model.run.config.data == first.run.config.data]
    backbone = first.run.config.backbone
    others.sort(key=lambda model: model.run.config.backbone == backbone)  # the rest keep order
    return [first, *others[:1]]


def _tell_apart(models: Sequence[Model]) -> list[Model]:
    """The models, with the run's name behind each title that several have."""
    counts = Counter(model.title for model in models)
    return [
        replace(model, title=f"{model.title} ({model.run.id})")
        if counts[model.title] > 1
        else model
        for model in models
    ]


def describe_unready() -> dict[str, str]:
    """Why each run that has no model, or one that cannot be used, has none; by the run's id."""
    found, unready = list_runs(paths.runs_folder())
    for run in found:
        try:
            if not run.has_model:
                unready[run.id] = _describe_missing_model(run)
            else:
                read_split(run.path)
        except UserError as error:
            unready[run.id] = str(error)
    return unready


def _describe_missing_model(run: Run) -> str:
    """What a run without a model is doing, in a sentence.

    Raises:
        UserError: Its status is damaged.
    """
    status = read_status(run.path, now=time.time())
    if status.state == "done":
        return f"Its {MODEL} is missing; train it again."
    return describe_status(status, run.config.mode)
