"""Learning curves of the runs."""

from collections.abc import Mapping, Sequence

import streamlit as st

from modelzoo.evaluation.rows import LeaderboardRow
from pages.figures.frame import config
from pages.figures.learning import CURVES, learning_curves, learning_curves_alt
from pages.sections.compare.figures import describe_source, name_file, styles_by_name
from pages.shell.reads import read_histories

FIRST = next(iter(CURVES))


def draw_learning_curves(
    rows: Sequence[LeaderboardRow], names: Mapping[str, str], file_format: str
) -> None:
    """One measure by epoch for every run, the best epochs marked."""
    st.subheader("Learning curves")
    curve = (
        st.segmented_control(
            "Curve",
            list(CURVES),
            default=FIRST,
            required=True,
            format_func=lambda name: CURVES[name],
            key="curve",
            bind="query-params",
            help="The best epoch is that of the lowest validation loss; its checkpoint is kept. "
            "The error rate is 100 % less the accuracy.",
            wrap=True,
        )
        or FIRST
    )
    histories = {
        names[run_id]: each
        for run_id, each in read_histories(row.run_id for row in rows).items()
        if len(each)
    }
    if not histories:
        st.caption("None of these runs has a history.")
        return
    st.plotly_chart(
        learning_curves(
            histories,
            styles_by_name(rows, names),
            curve,
            source=describe_source(rows[0], has_test=False),
        ),
        key="training",
        config=config(name_file(f"learning-curves-{curve}", rows[0]), file_format),
        alt=learning_curves_alt(histories, curve),
    )
