"""What is measured without the papers' recipes, and without any network."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from modelzoo import paths
from modelzoo.evaluation.metrics import METRICS
from modelzoo.evaluation.rows import SPLIT_HELP, SPLIT_WORDS, LeaderboardRow
from modelzoo.papers.beside import BASELINES, Beside, list_beside
from modelzoo.papers.tables import HONEST, describe_measured
from modelzoo.text import capital
from pages.shell.errors import error_in_place


def draw_beside(reference: Sequence[LeaderboardRow], metric: str) -> None:
    """One row per way to predict the classes of the ALL image data set; nothing without results.

    Args:
        reference: Rows of the results that come with the project.
        metric: A key of METRICS.
    """
    with error_in_place():
        ways = list_beside(reference, paths.reference_folder() / BASELINES)
        if not ways:
            return
        st.subheader("Beside the papers")
        st.caption(
            "Reference results that come with the project: 3,023 fields of the ALL image data set. "
            "What colour alone predicts on a split is no evidence that a network reads cells there."
        )
        column = st.column_config
        splits = {
            str(kind): column.TextColumn(
                capital(SPLIT_WORDS[kind]), help=f"With 95 % CI. {capital(SPLIT_HELP[kind])}"
            )
            for kind in HONEST
        }
        st.dataframe(
            pd.DataFrame([_record(way, metric) for way in ways]),
            hide_index=True,
            height="content",
            key="beside",
            alt=f"One row per way to predict the classes: {METRICS[metric].title} on each split.",
            column_config={
                "way": column.TextColumn("Model", pinned=True, width=330),
                **splits,
                "note": column.TextColumn("How"),
            },
        )
        st.caption(
            "Of several seeds the mean, and from the lowest to the highest end of their 95 % CIs."
        )


def _record(way: Beside, metric: str) -> dict[str, str]:
    cells = {
        kind: describe_measured(measured, metric)
        for kind, measured in way.by_split.items()
        if metric in measured.scores
    }
    return {"way": way.title, **{kind: cells.get(kind, "") for kind in HONEST}, "note": way.note}
