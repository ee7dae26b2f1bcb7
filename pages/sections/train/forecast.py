"""How long the planned runs will take, and how much memory, measured by a process. No torch."""

from collections.abc import Hashable
from functools import partial

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


@st.cache_resource(show_spinner=False)
def forecasts() -> Work:
    """Those of this process: a forecast takes up to minutes, and no map is to wait for it."""
    return Work()


def draw_forecast(planned: list[PlannedRun], device: str) -> None:
    """A button that times a few steps of each backbone on this machine, and what it found."""
    section = st.expander(
        "How long will it take?", key="train_forecast", on_change="rerun", bind="query-params"
    )
    if section.open:
        with section:
            st.caption(
                "A few steps on noise give time and memory before any run is made. The time is "
                "that of every epoch, on this machine with nothing else at work; training may "
                "stop earlier."
            )
            _draw_live(planned, device)


@st.fragment(run_every="2s")
def _draw_live(planned: list[PlannedRun], device: str) -> None:
    with error_in_place():
        place = find_device(device).name
        key = ("forecast", *list_arguments(planned, device=place))
        work = forecasts()
        # What was asked for here, with the sentence of what failed: that is read once.
        asked: dict[Hashable, str] = st.session_state.setdefault("forecasts", {})
        if st.button("Forecast time and memory", icon=":material/timer:", key="forecast_start"):
            work.begin({key: partial(forecast, planned, device=place)})
            asked[key] = ""
        if key not in asked:
            return
        try:
            records = work.read(key)
        except UserError as error:
            asked[key] = str(error)
        if asked[key]:
            raise UserError(asked[key])
        if records is None:
            st.caption("Timing a few steps of each backbone …")
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
