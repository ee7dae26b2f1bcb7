"""The difference between every two runs, with 95 % CI and p."""

from collections.abc import Mapping, Sequence

import streamlit as st

from modelzoo.evaluation.comparison import PairDifference, pair_differences, rank_intervals
from modelzoo.evaluation.pairs import (
    HOW_TESTED,
    describe_pairs,
    describe_power,
    pairs_in_words,
    pairs_table,
)
from modelzoo.evaluation.rows import LeaderboardRow
from pages.figures.frame import config
from pages.figures.ranks import rank_lines, rank_lines_alt
from pages.sections.compare.figures import describe_source, name_file
from pages.shell.palette import backbone_style
from pages.shell.tables import WHOLE_ROWS, offer_csv
from pages.shell.text import plain


def draw_pairs(rows: Sequence[LeaderboardRow], names: Mapping[str, str], file_format: str) -> None:
    """A row for each pair, or why there is none; nothing for one run.

    Args:
        rows: Of one split, best first.
        names: By run id.
        file_format: Of figures that are saved.
    """
    if len(rows) < 2:
        return
    st.subheader("Pairwise differences")
    pairs = pair_differences([row.evaluation for row in rows])
    table = pairs_table(pairs, rows, names)
    st.markdown(plain(describe_pairs(table, len(rows[0].evaluation.groups))))
    _draw_ranks(pairs, rows, names, file_format)
    if power := describe_power(pairs, rows, names):
        st.markdown(plain(power))
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


def _draw_ranks(
    pairs: Sequence[PairDifference],
    rows: Sequence[LeaderboardRow],
    names: Mapping[str, str],
    file_format: str,
) -> None:
    """The ranks that each run may have, where there are several."""
    ranks = rank_intervals(pairs, len(rows))
    by_name = {names[row.run_id]: each for row, each in zip(rows, ranks, strict=True)}
    styles = {names[row.run_id]: backbone_style(row.backbone) for row in rows}
    st.plotly_chart(
        rank_lines(by_name, styles, source=describe_source(rows[0])),
        key="ranks",
        config=config(name_file("ranks", rows[0]), file_format),
        alt=rank_lines_alt(by_name),
    )
