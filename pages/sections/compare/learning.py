"""Learning curves of the runs."""

from collections.abc import Mapping, Sequence

import streamlit as st

from modelzoo.evaluation.rows import LeaderboardRow
from pages.figures.frame import config
from pages.figures.learning import training_curves, training_curves_alt
from pages.shell.palette import Style, backbone_style
from pages.shell.reads import read_histories

MEASURES = ("validation_accuracy", "validation_loss", "train_accuracy", "train_loss")


def draw_learning_curves(
    rows: Sequence[LeaderboardRow], names: Mapping[str, str], file_format: str
) -> None:
    """One metric by epoch for every run, the best epoch marked."""
    st.subheader("Learning curves")
    measure = (
        st.segmented_control(
            "Curve",
            MEASURES,
            default=MEASURES[0],
            required=True,
            format_func=lambda name: name.replace("_", " ").capitalize(),
            key="curve",
            bind="query-params",
            help="The best epoch is that of the lowest validation loss; its checkpoint is kept.",
        )
        or MEASURES[0]
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
        training_curves(histories, _styles(rows, names), measure),
        key="training",
        config=config(f"learning-curves-{rows[0].split_id}", file_format),
        alt=training_curves_alt(histories, measure),
    )


def _styles(rows: Sequence[LeaderboardRow], names: Mapping[str, str]) -> dict[str, Style]:
    return {names[row.run_id]: backbone_style(row.backbone) for row in rows}
