"""Which models explain the image."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from modelzoo import paths
from modelzoo.errors import UserError
from modelzoo.evaluation.rows import describe_status
from modelzoo.runs.file_names import MODEL
from modelzoo.runs.folder import list_runs
from modelzoo.runs.status import read_status
from pages.shell.links import warn_if_gone
from pages.shell.reads import Model
from pages.shell.text import plain

STARTS_WITH = 2  # runs shown without a choice


def choose_models(models: Sequence[Model]) -> list[Model]:
    """The runs chosen; without a choice the first two that share a data set."""
    by_id = {model.run.id: model for model in models}
    linked = st.query_params.get_all("run")
    unready = {} if set(linked) <= set(by_id) else describe_unready()
    for run_id in linked:
        if run_id in unready:
            st.info(plain(f"Run {run_id} has no model yet. {unready[run_id]}"))
    warn_if_gone("run", {*by_id, *unready}, "Run")
    same_data = [model for model in models if model.run.config.data == models[0].run.config.data]
    start = _choose_start(same_data)
    chosen = st.multiselect(
        "Models",
        list(by_id),
        format_func=lambda run_id: run_id,  # it stands in links, so it must not change
        key="run",
        bind="query-params",
        placeholder=" and ".join(model.run.id for model in start),
        help="One row per run. Without a choice: the two smallest networks of different "
        "backbones, those with ImageNet weights first.",
    )
    return _tell_apart([by_id[run_id] for run_id in chosen] or start)


def _choose_start(models: Sequence[Model]) -> list[Model]:
    """The first STARTS_WITH runs, of different backbones as far as there are any."""
    first_of_backbone = {model.run.config.backbone: model for model in reversed(models)}
    different = [model for model in models if model in first_of_backbone.values()]
    others = [model for model in models if model not in different]
    chosen = (different + others)[:STARTS_WITH]
    return [model for model in models if model in chosen]


def _tell_apart(models: Sequence[Model]) -> list[Model]:
    """The models, with the name of the run in the title where several have one backbone."""
    counts = Counter(model.title for model in models)
    return [
        replace(model, title=f"{model.title} ({model.run.id})")
        if counts[model.title] > 1
        else model
        for model in models
    ]


def describe_unready() -> dict[str, str]:
    """What each run that has no model yet is doing, in a sentence, by the run's id."""
    found, unready = list_runs(paths.runs_folder())
    for run in found:
        if not run.has(MODEL):
            try:
                status = read_status(run.path, now=time.time())
            except UserError as error:
                unready[run.id] = str(error)
            else:
                unready[run.id] = describe_status(status)
    return unready
