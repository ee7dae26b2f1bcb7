"""What differs between the configurations of the runs."""

from collections.abc import Mapping, Sequence

import streamlit as st

from modelzoo.evaluation.configurations import (
    SETTING_HELP,
    describe_differences,
    differing_configurations,
)
from modelzoo.evaluation.rows import LeaderboardRow
from pages.sections.compare.figures import name_file
from pages.shell.tables import WHOLE_ROWS, offer_csv
from pages.shell.text import plain


def draw_configurations(rows: Sequence[LeaderboardRow], names: Mapping[str, str]) -> None:
    """The options in which the runs differ, and whether any does."""
    st.subheader("Configuration differences")
    table = differing_configurations({row.run_id: row.config for row in rows})
    st.markdown(plain(describe_differences(table)))
    if len(table.columns) == 1:
        return
    table.insert(0, "model", [names[row.run_id] for row in rows])
    column = st.column_config
    st.dataframe(
        table,
        hide_index=True,
        height="content" if len(rows) <= WHOLE_ROWS else "auto",
        key="configurations",
        alt="The options in which the runs differ: one row per run, one column per option.",
        column_config={
            "model": column.TextColumn("Model", pinned=True),
            "run": column.TextColumn("Run", help="The run's folder."),
            **{
                name: column.Column(
                    str(name).replace("_", " ").capitalize(), help=SETTING_HELP[name]
                )
                for name in table.columns
                if name in SETTING_HELP
            },
        },
    )
    offer_csv(table, name_file("configurations", rows[0]))
