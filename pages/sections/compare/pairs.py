"""The difference between every two runs, with 95 % CI and p."""

from collections.abc import Mapping, Sequence

import streamlit as st

from modelzoo.evaluation.pairs import HOW_TESTED, describe_pairs, pairs_in_words, pairs_table
from modelzoo.evaluation.rows import LeaderboardRow
from pages.sections.compare.figures import name_file
from pages.shell.tables import WHOLE_ROWS, offer_csv
from pages.shell.text import plain


def draw_pairs(rows: Sequence[LeaderboardRow], names: Mapping[str, str]) -> None:
    """A row for each pair, or why there is none; nothing for one run.

    Args:
        rows: Of one split, best first.
        names: By run id.
    """
    if len(rows) < 2:
        return
    st.subheader("Pairwise differences")
    table = pairs_table(rows, names)
    st.markdown(plain(describe_pairs(table, len(rows[0].evaluation.groups))))
    shown = pairs_in_words(table)
    if not table["note"].any():
        shown = shown.drop(columns="Note")
    column = st.column_config
    st.dataframe(
        shown,
        hide_index=True,
        height="content" if len(table) <= WHOLE_ROWS else "auto",
        key="pairs",
        alt="Pairwise differences in accuracy: one row per pair of runs, with 95 % CI and p.",
        column_config={
            "Model": column.TextColumn(pinned=True),
            "Difference (points)": column.TextColumn(
                help="Accuracy of the first model less that of the second, in percentage points."
            ),
            "p": column.TextColumn(help="Two-sided, corrected for all pairs."),
        },
    )
    st.caption(HOW_TESTED)
    offer_csv(table, name_file("pairwise-differences", rows[0]))
