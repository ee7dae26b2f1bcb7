"""ImageNet weights: where they are, how a fetch goes, and what in the demo waits for them."""

import time

import pandas as pd
import streamlit as st

from modelzoo import paths
from modelzoo.backbones.table import BACKBONES
from modelzoo.backbones.weights import WeightsState, list_weights
from modelzoo.demo import list_untrained
from modelzoo.launching.fetching import (
    Fetch,
    describe_failures,
    describe_fetch,
    describe_weights,
    read_fetch,
    start_fetch,
    stop_fetch,
)
from modelzoo.runs.file_names import TRIAL
from modelzoo.text import count
from pages.shell.demo import draw_untrained
from pages.shell.errors import error_in_place
from pages.shell.run_status import list_runs_here
from pages.shell.text import plain

LIVE = "2s"  # how often what is being fetched is drawn anew


def draw_fetching() -> None:
    """Weights that are being fetched, and the backbones of the demo that wait for theirs."""
    with error_in_place():
        _draw_live(_here(list_weights(paths.weights_folder())))


@st.fragment(run_every=LIVE)
def _draw_live(before: frozenset[str]) -> None:
    """Draws the whole page again when weights have come: their number is on it.

    Args:
        before: Backbones whose weights were here when the page was drawn.
    """
    with error_in_place():
        states = list_weights(paths.weights_folder())
        if _here(states) != before:
            st.rerun()
        fetch = read_fetch(paths.home(), now=time.time())
        untrained = list_untrained([run for run in list_runs_here() if not run.has(TRIAL)])
        is_fetching = fetch is not None and fetch.state == "fetching"
        if not (untrained or is_fetching):
            return
        if fetch and is_fetching:
            _draw_fetch(fetch, [state for state in states if state.path is None])
        draw_untrained(untrained, fetch)
        _offer_fetch(fetch, is_missing=len(before) < len(states), place="top")


def draw_weights() -> None:
    """ImageNet weights by backbone, and a button that fetches those that are missing."""
    section = st.expander("ImageNet weights", key="weights", on_change="rerun", bind="query-params")
    if not section.open:
        return
    with section:
        _draw_table()


@st.fragment(run_every=LIVE)
def _draw_table() -> None:
    with error_in_place():
        states = list_weights(paths.weights_folder())
        fetch = read_fetch(paths.home(), now=time.time())
        st.dataframe(
            pd.DataFrame(
                {
                    "Backbone": [BACKBONES[state.backbone].title for state in states],
                    "State": [describe_weights(state, fetch) for state in states],
                    "Size": [f"{state.size_bytes / 1e6:.0f} MB" for state in states],
                    "Licence": [BACKBONES[state.backbone].licence for state in states],
                }
            ),
            hide_index=True,
            height="content",
            alt="ImageNet weights by backbone: where they are, or that they are missing.",
        )
        missing = [state for state in states if state.path is None]
        if not missing:
            st.caption("The weights of all backbones are on this machine.")
            return
        size = sum(state.size_bytes for state in missing)
        st.caption(
            f"Weights of {count(len(missing), 'backbone')} are missing, {size / 1e6:,.0f} MB; "
            "without them a model is trained from scratch."
        )
        st.code("python -m modelzoo weights --fetch", language=None)
        for text in describe_failures(fetch) if fetch and fetch.state != "fetching" else ():
            st.warning(plain(text), icon=":material/warning:")
        _offer_fetch(fetch, is_missing=True, place="table")


def _here(states: list[WeightsState]) -> frozenset[str]:
    return frozenset(state.backbone for state in states if state.path is not None)


def _draw_fetch(fetch: Fetch, missing: list[WeightsState]) -> None:
    share = fetch.done_bytes / fetch.total_bytes if fetch.total_bytes else 0.0
    st.progress(min(share, 1.0), plain(describe_fetch(fetch, missing)))


def _offer_fetch(fetch: Fetch | None, *, is_missing: bool, place: str) -> None:
    """A button that stops the fetch, or one that fetches what is missing."""
    if fetch and fetch.state == "fetching":
        if st.button(
            "Stop fetching",
            icon=":material/stop:",
            key=f"stop-fetch-{place}",
            help="What came is kept, and the next fetch goes on there.",
        ):
            with error_in_place():
                stop_fetch(paths.home())
                st.toast("The fetch is being stopped; what came is kept.")
    elif is_missing and st.button(
        "Fetch missing weights",
        icon=":material/download:",
        key=f"fetch-{place}",
        help="In a process of its own, the smallest first; it can be stopped, and goes on where it "
        "was. The page may be closed meanwhile.",
    ):
        with error_in_place():
            start_fetch(paths.home())
            st.toast("The weights are being fetched; the first appear in a moment.")
