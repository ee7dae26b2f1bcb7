"""Scores with their intervals as bars."""

from collections.abc import Mapping, Sequence

import streamlit as st

from modelzoo.evaluation.metrics import METRICS
from modelzoo.evaluation.rows import LeaderboardRow
from pages.figures.frame import config
from pages.figures.intervals import score_intervals, score_intervals_alt
from pages.sections.compare.figures import describe_source, name_file


def draw_intervals(
    rows: Sequence[LeaderboardRow], names: Mapping[str, str], metric: str, file_format: str
) -> None:
    """One bar per run, and how to read them."""
    st.plotly_chart(
        score_intervals(rows, names, metric, source=describe_source(rows[0])),
        key="intervals",
        config=config(name_file(metric, rows[0]), file_format),
        alt=score_intervals_alt(rows, names, metric),
    )
    st.caption(
        f"{METRICS[metric].full_help} Bars: 95 % CI by bootstrap over groups of images that belong "
        "together. Where bars overlap the difference may still be significant, since all models "
        "predicted the same images; the sentence above compares each with the best, in pairs."
    )
