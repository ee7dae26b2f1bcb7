"""Scores with their intervals as bars."""

from collections.abc import Mapping, Sequence

import streamlit as st

from modelzoo.evaluation.leaderboard import LeaderboardRow
from modelzoo.evaluation.scores import METRICS
from pages.parts import plots


def draw_intervals(
    rows: Sequence[LeaderboardRow], names: Mapping[str, str], metric: str, file_format: str
) -> None:
    """One bar a run, and how to read them."""
    st.plotly_chart(
        plots.score_intervals(rows, names, metric),
        key="intervals",
        config=plots.config(metric, file_format),
        alt=plots.score_intervals_alt(rows, names, metric),
    )
    st.caption(
        f"{METRICS[metric].help} Bars: 95 % intervals by bootstrap over groups of images that "
        "belong together. Bars that overlap may still be told apart, since all models saw the "
        "same images; the sentence above compares them in pairs."
    )
