"""Choices that pages share. Each is held by the link, as the words it shows."""

from collections.abc import Sequence

import streamlit as st

from modelzoo import places, runs
from modelzoo.evaluation.leaderboard import SPLIT_HELP, SplitChoice
from pages.parts.states import say_if_gone


def choose_split(splits: Sequence[SplitChoice]) -> str:
    """The id of the split chosen; without a choice the first, and no widget where it is alone."""
    ids = {choice.title: choice.split_id for choice in splits}
    say_if_gone("split", ids, "Split")
    title = splits[0].title
    if len(splits) > 1:
        chosen = st.selectbox(
            "Tested on",
            ids,
            index=None,  # not the first: a link without a choice must not move when runs are added
            placeholder=f"{title} (most runs)",
            key="split",
            bind="query-params",
            help="Scores can be compared only on the same test images, so one split is shown at a "
            "time.  \n" + "  \n".join(SPLIT_HELP.values()),
        )
        title = chosen or title
    return ids[title]


def choose_data(label: str, key: str, *, placeholder: str, start: bool = False) -> str | None:
    """A folder or table of images: one that runs were trained on, the demo's, or a path typed in.

    Args:
        label: Of the widget.
        key: Its name in the link.
        placeholder: Shown while nothing is chosen.
        start: Without a choice give the demo's images, or else the first known.
    """
    known = _list_known_data()
    demo = str(places.demo_folder().resolve())
    first = (demo if demo in known else next(iter(known), None)) if start else None
    chosen: str | None = st.selectbox(
        label,
        known,
        index=None,
        accept_new_options=True,
        placeholder=first or placeholder,
        key=key,
        bind="query-params",
        help="One folder a class; train, val and test folders; C-NMC's folds; or a CSV or Parquet "
        "file with the columns path and label.",
    )
    return chosen or first


def _list_known_data() -> list[str]:
    """Where the runs here found their images, and the demo's smears."""
    found, _ = runs.list_runs(places.runs_folder())
    known = {run.config.data for run in found if run.config.data}
    if places.demo_folder().is_dir():
        known.add(str(places.demo_folder().resolve()))
    return sorted(known)
