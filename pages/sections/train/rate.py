"""A search for a learning rate, by a process of its own, and its result for the form. No torch."""

import time
from dataclasses import replace
from pathlib import PurePath

import streamlit as st

from modelzoo import paths
from modelzoo.config.train_config import TrainConfig, require_precision
from modelzoo.errors import UserError
from modelzoo.evaluation.rows import SPLIT_WORDS, backbone_title
from modelzoo.launching import local
from modelzoo.launching.plan import PlannedRun
from modelzoo.launching.rate_search import FOLDER, is_at_work, open_search, start_search
from modelzoo.runs.folder import Run
from modelzoo.runs.rate_search import read_search
from modelzoo.runs.status import read_status
from modelzoo.text import capital, shorten
from modelzoo.training.devices import find_device
from pages.figures.frame import FORMATS, config
from pages.figures.rate import rate_curve, rate_curve_alt
from pages.shell.errors import error_in_place
from pages.shell.session import choose_next
from pages.shell.text import plain

DATA_LETTERS = 60  # of the name of a data set in a figure


def draw_rate_search(planned: list[PlannedRun], device: str) -> None:
    """The last search and its plot, and a button that searches a rate for the first planned run."""
    section = st.expander(
        "Find a learning rate", key="rate_search", on_change="rerun", bind="query-params"
    )
    if section.open:
        with section:
            st.caption(
                "The rate rises from batch to batch, from 1e-7 to 10, until the loss diverges "
                "(Smith 2017); suggested is the steep middle of the descent. It takes the time of "
                "100 training steps."
            )
            _draw_live(planned[0].config, device)


@st.fragment(run_every="2s")
def _draw_live(asked: TrainConfig, device: str) -> None:
    with error_in_place():
        search = open_search(paths.runs_folder() / FOLDER)
        if search and is_at_work(search):
            _draw_progress(search)
            return
        if st.button(
            "Find a learning rate",
            icon=":material/search:",
            key="rate_search_start",
            help="For the options above, the first backbone and the first seed.",
        ):
            place = find_device(device).name
            require_precision(asked, place)
            start_search(paths.runs_folder(), asked, store=paths.store_folder(), device=place)
            st.rerun()
        if search:
            _draw_result(search, asked)


def _draw_progress(search: Run) -> None:
    status = read_status(search.path, now=time.time())
    waits = status.state == "queued"
    words = f"Queued on {status.device}" if waits else capital(status.phase or "starting")
    st.progress(min(max(status.progress, 0.0), 1.0), f"{plain(words)} …")
    if st.button("Stop", icon=":material/stop:", key="rate_search_stop"):
        local.stop(search)
        st.rerun()


def _draw_result(search: Run, asked: TrainConfig) -> None:
    status = read_status(search.path, now=time.time())
    if status.state == "failed":
        raise UserError(status.error)
    if status.state != "done":
        st.caption("The last search was stopped.")
        return
    found, about = read_search(search.path), search.config
    st.write(plain(found.reason))
    if replace(about, learning_rate=asked.learning_rate) != asked:
        st.caption(f"It was searched with other options, on {plain(backbone_title(search))}.")
    data = shorten(PurePath(about.data).name or about.data, DATA_LETTERS)
    source = f"{backbone_title(search)}: {data}, {SPLIT_WORDS[about.split]}, seed {about.seed}"
    st.plotly_chart(
        rate_curve(found, source=source),
        key="rate-curve",
        config=config(f"learning-rate-{about.backbone}-seed{about.seed}", FORMATS[0]),
        alt=rate_curve_alt(found),
    )
    if st.button(
        f"Use {found.suggestion:g}",
        icon=":material/check:",
        key="rate_search_use",
        disabled=asked.learning_rate == found.suggestion,
        help="As the learning rate of the form.",
    ):
        choose_next(train_learning_rate=found.suggestion)
        st.rerun()
