"""How long the planned runs will take, and how much memory, measured by a process. No torch."""

import threading
from collections.abc import Hashable
from contextlib import suppress
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from modelzoo.backbones.table import BACKBONES
from modelzoo.errors import UserError
from modelzoo.launching.forecasting import forecast, list_arguments
from modelzoo.launching.plan import PlannedRun
from modelzoo.text import count, describe_seconds, file_size
from modelzoo.training.devices import find_device
from pages.shell.errors import error_in_place
from pages.shell.work import Work

AWAITED, FOUND = "", "found"


@st.cache_resource(show_spinner=False)
def forecasts() -> Work:
    """Those of this process: a forecast takes up to minutes, and no map is to wait for it."""
    return Work()


@st.cache_resource(show_spinner=False)
def _stops() -> dict[Hashable, threading.Event]:
    """What ends each forecast that was begun."""
    return {}


def draw_forecast(planned: list[PlannedRun], device: str) -> None:
    """A button that times a few steps of each backbone on this machine, and what it found."""
    section = st.expander(
        "How long will it take?", key="train_forecast", on_change="rerun", bind="query-params"
    )
    if section.open:
        with section, error_in_place():
            st.caption(
                "A few steps on noise give time and memory before any run is made. The time is "
                "that of every epoch, on this machine with nothing else at work; training may "
                "stop earlier."
            )
            place = find_device(device).name
            key = ("forecast", *list_arguments(planned, device=place))
            every = "2s" if _asked().get(key) == AWAITED else None
            st.fragment(_draw_live, run_every=every)(planned, place, key)


def _asked() -> dict[Hashable, str]:
    """What was asked for here: AWAITED, FOUND, or the sentence of what failed."""
    asked: dict[Hashable, str] = st.session_state.setdefault("forecasts", {})
    return asked


def _begin(planned: list[PlannedRun], place: str, key: Hashable) -> None:
    with suppress(UserError):
        forecasts().read(key)  # one that failed is begun anew
    # One event a forecast, whichever tab asked: it may be at work already.
    stop = _stops().setdefault(key, threading.Event())
    stop.clear()
    forecasts().begin({key: partial(forecast, planned, device=place, stop=stop)})
    _asked()[key] = AWAITED


def _stop(key: Hashable) -> None:
    _stops()[key].set()
    del _asked()[key]


def _look(key: Hashable) -> list[dict[str, Any]] | None:
    """What was found; a page that awaits it runs again as a whole, and looks no more."""
    asked = _asked()
    records: list[dict[str, Any]] | None = None
    before = asked[key]
    try:
        records = forecasts().read(key)
    except UserError as error:  # it is read once
        asked[key] = str(error)
    if records is not None:
        asked[key] = FOUND
    elif before == FOUND:  # the server keeps the newest only
        del asked[key]
    if before == AWAITED != asked[key]:
        st.rerun()
    return records


def _draw_live(planned: list[PlannedRun], place: str, key: Hashable) -> None:
    """The button, or what is awaited, or what was found."""
    with error_in_place():
        asked = _asked()
        records = _look(key) if asked.get(key) in (AWAITED, FOUND) else None
        if asked.get(key) == AWAITED:
            st.caption("Timing a few steps of each backbone …")
            if st.button("Stop", icon=":material/stop:", key="forecast_stop"):
                _stop(key)
                st.rerun()
            return
        if st.button("Forecast time and memory", icon=":material/timer:", key="forecast_start"):
            _begin(planned, place, key)
            st.rerun()
        if records is None:
            if key in asked:
                raise UserError(asked[key])
            return
        seeds = len({each.config.seed for each in planned})
        st.dataframe(
            pd.DataFrame(
                {
                    "Model": BACKBONES[row["backbone"]].title,
                    "About": describe_seconds(row["seconds"]),
                    "Memory": file_size(row["memory_bytes"]),
                    "Batch": row["batch_size"],
                    "Precision": row["precision"],
                }
                for row in records
            ),
            hide_index=True,
        )
        total = describe_seconds(seeds * sum(row["seconds"] for row in records))
        st.caption(f"About {total} for {count(len(planned), 'run')} on {place}, one after another.")
