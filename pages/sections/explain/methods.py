"""Which methods, their cost, and how their maps are drawn: choices of the page Explain."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from modelzoo.errors import UserError
from modelzoo.runs.records import read_environment
from modelzoo.text import count
from pages.shell import inference
from pages.shell.errors import error_in_place
from pages.shell.links import warn_if_gone
from pages.shell.reads import Model
from pages.shell.text import plain
from xai.methods.table import METHODS, ONE_PASS, Method  # noqa: TID253  # a table: no torch behind it

UNMEASURED_MS = 20.0  # of a pass, for runs without a record of it


def choose_methods(models: Sequence[Model]) -> list[Method]:
    """The methods chosen, with the time that all take before any is computed.

    Args:
        models: Those that will be explained.
    """
    titles = {row.title: row for row in METHODS.values()}
    warn_if_gone("method", titles, "Method")
    chosen = [
        titles[title]
        for title in st.multiselect(
            "Methods",
            list(titles),
            default=["Grad-CAM"],
            key="method",
            bind="query-params",
            placeholder="Choose methods",
            help=f"About {_describe_seconds(_seconds(METHODS['grad-cam'], models))} for Grad-CAM "
            "on the models chosen; the time of every other method is below, with what it shows.",
        )
    ]
    if chosen:
        total = sum(_seconds(row, models) for row in chosen if row.name not in ONE_PASS)
        if shared := [row for row in chosen if row.name in ONE_PASS]:
            total += _seconds(shared[0], models)  # one pass makes them all
        st.caption(
            f"About {_describe_seconds(total)} for {count(len(models), 'model')}, where nothing is "
            "cached."
        )
    with st.expander(
        "About the methods", key="about", on_change="rerun", bind="query-params"
    ) as section:
        if section.open:
            _draw_about(models)
    return chosen


def _draw_about(models: Sequence[Model]) -> None:
    """All methods in a table whose lines break, so that it is whole at any width."""
    for line in _refusals(models):
        st.markdown(line)
    st.table(
        pd.DataFrame(
            [
                {
                    "Method": row.title,
                    "Time": _describe_seconds(_seconds(row, models)),
                    "Shows": row.reads,
                    "Not valid when": row.not_valid,
                    "Cost": row.cost,
                    "Paper": f"[{row.paper}]({row.url})",
                }
                for row in METHODS.values()
            ]
        ),
        hide_index=True,
        alt="Every method: seconds on the models chosen, what it shows, when it misleads.",
    )


def _refusals(models: Sequence[Model]) -> list[str]:
    """One line per model, as Markdown: the methods that its network does not allow, and why."""
    lines = []
    for model in models:
        with error_in_place():
            methods_by_reason: dict[str, list[str]] = {}
            for name, reason in inference.refusals(model).items():
                methods_by_reason.setdefault(reason, []).append(METHODS[name].title)
            lines += [
                f"**Not for {plain(model.title)}:** {', '.join(titles)}. {plain(reason)}"
                for reason, titles in methods_by_reason.items()
            ]
    return lines


def _seconds(row: Method, models: Sequence[Model]) -> float:
    return row.passes * sum(milliseconds_a_pass(model) for model in models) / 1000


def milliseconds_a_pass(model: Model) -> float:
    """Time of one image through the model, as measured when it was trained."""
    try:
        return read_environment(model.run.path).ms_per_image
    except UserError:
        return UNMEASURED_MS


def _describe_seconds(seconds: float) -> str:
    if seconds < 0.95:
        return f"{max(seconds, 0.1):.1f} s"
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
