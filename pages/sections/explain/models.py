"""Which models explain the image."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st

from modelzoo import paths
from modelzoo.errors import UserError
from modelzoo.evaluation.rows import describe_status
from modelzoo.runs.file_names import MODEL
from modelzoo.runs.folder import Run, list_runs
from modelzoo.runs.records import read_split
from modelzoo.runs.status import read_status
from modelzoo.text import count, shorten_all
from pages.shell.links import warn_if_gone
from pages.shell.prediction import OWN
from pages.shell.reads import Model
from pages.shell.session import keep_said
from pages.shell.text import plain

MOST = 12  # tiles without a choice: they fit on one screen
CLASS_LETTERS = 60  # of the name of a class that can be chosen


@dataclass(frozen=True, slots=True)
class Choice:
    """The models that explain, and whether a person chose them."""

    models: list[Model]
    is_own: bool  # else the page shows what is sensible for the image


def choose_models(models: Sequence[Model]) -> Choice:
    """The runs chosen, their titles told apart; without a choice those of the first data set."""
    by_key = {model.key: model for model in models}
    linked = st.query_params.get_all("run")
    unready = {} if set(linked) <= set(by_key) else describe_unready()
    reasons = [
        (plain(f"Run {run_id} cannot be explained. {unready[run_id]}"), ":material/hourglass:")
        for run_id in linked
        if run_id in unready
    ]
    for reason, icon in keep_said("unready", reasons):
        st.info(reason, icon=icon)
    warn_if_gone("run", {*by_key, *unready}, "Run")
    start = _first_models(models)
    chosen = st.multiselect(
        "Models",
        list(by_key),
        format_func=lambda key: key,  # it stands in links, so it must not change
        key="run",
        bind="query-params",
        placeholder=f"{count(len(start), 'model')} of {len(models)}",
        help=f"One tile per model. Without a choice: up to {MOST} that were trained on one data "
        "set, or for an image of your own those for which it is not out of distribution.",
    )
    return Choice(tell_apart([by_key[key] for key in chosen] or start), bool(chosen))


def choose_target(models: Sequence[Model]) -> str:
    """The class to explain, or `OWN`: what each model predicts."""
    classes = sorted({name for model in models for name in model.classes})
    titles = {OWN: OWN} | shorten_all(classes, CLASS_LETTERS)
    warn_if_gone("target", titles.values(), "Class")
    return st.selectbox(
        "Target class",
        list(titles),
        format_func=titles.__getitem__,
        key="target",
        bind="query-params",
        help="The class that is explained. The same for all models makes their maps comparable.",
    )


def _first_models(models: Sequence[Model]) -> list[Model]:
    """The first models on the data set of the first one; where all come with the project, these."""
    first = models[0]
    return [
        model
        for model in models
        if model.is_reference == first.is_reference
        and (first.is_reference or model.run.config.data == first.run.config.data)
    ][:MOST]


def for_upload(models: Sequence[Model]) -> list[Model]:
    """The models that are asked about an image of no data set: up to MOST, and the reference."""
    own = [model for model in models if not model.is_reference][:MOST]
    return tell_apart(own + [model for model in models if model.is_reference])


def tell_apart(models: Sequence[Model]) -> list[Model]:
    """The models, with the run's name behind each title that several have."""
    counts = Counter(model.title for model in models)
    return [
        replace(model, title=f"{model.title} ({model.key})") if counts[model.title] > 1 else model
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
