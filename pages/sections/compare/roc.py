"""ROC curves per class and macro-averaged."""

from collections.abc import Mapping, Sequence

import streamlit as st

from modelzoo.evaluation.rows import LeaderboardRow
from pages.figures.frame import config
from pages.figures.roc import roc_curves, roc_curves_alt
from pages.sections.compare.learning import _styles
from pages.shell.links import warn_if_gone
from pages.shell.reads import MACRO, read_curves
from pages.shell.text import plain


def draw_roc(rows: Sequence[LeaderboardRow], names: Mapping[str, str], file_format: str) -> None:
    """One class against the rest, or the mean of all, for every run on one pair of axes."""
    st.subheader("How well are the classes told apart?")
    targets = [MACRO, *sorted({name for row in rows for name in row.evaluation.classes})]
    warn_if_gone("roc", [plain(name) for name in targets], "Class")
    target = (
        st.segmented_control(
            "Class",
            targets,
            default=MACRO,
            required=True,
            format_func=plain,  # a title of this control is Markdown
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
        st.caption(f"No test image is of class {plain(target)}, or all are: there is no curve.")
        return
    st.plotly_chart(
        roc_curves(curves, _styles(rows, names)),
        width=760,
        key="roc-curves",
        config=config("roc", file_format),
        alt=roc_curves_alt(curves, target),
    )
    st.caption(
        "A curve is what could be had at every threshold on the class's probability. Its mark is "
        "what the model does as it answers, with the likeliest of all classes; that is no single "
        "threshold, so the mark may lie below the curve."
    )
