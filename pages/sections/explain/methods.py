"""Which methods, their cost, and how their maps are drawn: choices of the page Explain."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from modelzoo.text import count
from pages.sections.explain.cell_methods import CELL_METHODS, GridMethod
from pages.shell import inference
from pages.shell.errors import error_in_place
from pages.shell.links import warn_if_gone
from pages.shell.reads import Model
from pages.shell.text import plain
from pages.shell.work import AT_ONCE
from xai.methods.table import METHODS, ONE_PASS, Method  # noqa: TID253  # a table: no torch behind it


def choose_methods(models: Sequence[Model]) -> list[GridMethod]:
    """The methods chosen, with the time that all take before any is computed.

    Args:
        models: Those that will be explained.
    """
    titles: dict[str, GridMethod] = {row.title: row for row in METHODS.values()}
    titles |= {row.title: row for row in CELL_METHODS.values()}
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
        st.caption(
            f"About {_describe_seconds(_seconds_of_all(chosen, models))} for "
            f"{count(len(models), 'model')}, where nothing is cached."
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


def _seconds_of_all(rows: Sequence[GridMethod], models: Sequence[Model]) -> float:
    """Time of the whole grid: networks read, maps, and each image once more without its cells."""
    passes = 1 + sum(row.passes for row in rows if row.name not in ONE_PASS)
    passes += any(row.name in ONE_PASS for row in rows)  # one pass makes them all
    each = [passes * inference.seconds_a_pass(model) for model in models]
    at_once = min(AT_ONCE, len(models))
    return (sum(each) + inference.seconds_to_load(models)) / at_once


def _seconds(row: Method, models: Sequence[Model]) -> float:
    return row.passes * sum(inference.seconds_a_pass(model) for model in models)


def _describe_seconds(seconds: float) -> str:
    if seconds < 0.95:
        return f"{max(seconds, 0.1):.1f} s"
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
