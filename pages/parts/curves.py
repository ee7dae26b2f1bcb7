"""ROC and training curves of several runs, each with the choice of what is drawn."""

from collections.abc import Mapping, Sequence

import streamlit as st

from modelzoo.evaluation.leaderboard import LeaderboardRow
from pages.parts import plots
from pages.parts.colours import Style, backbone_style
from pages.parts.scoreboard import MACRO, read_curves, read_histories
from pages.parts.states import say_if_gone

MEASURES = ("validation_accuracy", "validation_loss", "train_accuracy", "train_loss")


def draw_roc(rows: Sequence[LeaderboardRow], names: Mapping[str, str], file_format: str) -> None:
    """One class against the rest, or the mean of all, for every run on one pair of axes."""
    st.subheader("How well are the classes told apart?")
    targets = [MACRO, *sorted({name for row in rows for name in row.evaluation.classes})]
    say_if_gone("roc", targets, "Class")
    target = (
        st.segmented_control(
            "Class",
            targets,
            default=MACRO,
            required=True,
            key="roc",
            bind="query-params",
            help="One class against the rest, or the mean of the curves of all classes. The area "
            "under a curve (AUC) is 0.5 for guessing and 1 for no mistake at any threshold.",
        )
        or MACRO
    )
    curves = {
        names[run_id]: by_class[target]
        for run_id, by_class in read_curves(row.run_id for row in rows).items()
        if target in by_class
    }
    if not curves:
        st.caption(f"No test image is of class {target}, or all are: there is no curve.")
        return
    st.plotly_chart(
        plots.roc_curves(curves, _styles(rows, names)),
        width=760,
        key="roc-curves",
        config=plots.config("roc", file_format),
        alt=plots.roc_curves_alt(curves, target),
    )
    st.caption(
        "A curve is what could be had at every threshold on the class's probability. Its mark is "
        "what the model does as it answers, with the likeliest of all classes; that is no single "
        "threshold, so the mark may lie below the curve."
    )


def draw_training(
    rows: Sequence[LeaderboardRow], names: Mapping[str, str], file_format: str
) -> None:
    """One measure by epoch for every run, the epoch that was kept marked."""
    st.subheader("How did training go?")
    measure = (
        st.segmented_control(
            "Curve",
            MEASURES,
            default=MEASURES[0],
            required=True,
            format_func=lambda name: name.replace("_", " ").capitalize(),
            key="curve",
            bind="query-params",
            help="Validation images choose the epoch that is kept (lowest validation loss).",
        )
        or MEASURES[0]
    )
    histories = {
        names[run_id]: each
        for run_id, each in read_histories(row.run_id for row in rows).items()
        if len(each)
    }
    if not histories:
        st.caption("None of these runs has left a history of its training.")
        return
    st.plotly_chart(
        plots.training_curves(histories, _styles(rows, names), measure),
        key="training",
        config=plots.config("training", file_format),
        alt=plots.training_curves_alt(histories, measure),
    )


def _styles(rows: Sequence[LeaderboardRow], names: Mapping[str, str]) -> dict[str, Style]:
    return {names[row.run_id]: backbone_style(row.backbone) for row in rows}
