"""ROC curves per class and macro-averaged."""

from collections.abc import Mapping, Sequence

import streamlit as st

from modelzoo.evaluation.rows import LeaderboardRow
from modelzoo.text import join_few, shorten, shorten_all
from pages.figures.frame import config
from pages.figures.roc import roc_curves, roc_curves_alt
from pages.sections.compare.figures import NAME_LETTERS, describe_source, name_file, styles_by_name
from pages.shell.links import warn_if_gone
from pages.shell.reads import MACRO, read_curves
from pages.shell.text import plain


def draw_roc(rows: Sequence[LeaderboardRow], names: Mapping[str, str], file_format: str) -> None:
    """One class against the rest, or the macro-average, for every run on one pair of axes."""
    st.subheader("ROC curves")
    targets = [MACRO, *sorted({name for row in rows for name in row.evaluation.classes})]
    titles = {name: plain(short) for name, short in shorten_all(targets, NAME_LETTERS).items()}
    warn_if_gone("roc", titles.values(), "Class")
    target = (
        st.segmented_control(
            "Class",
            targets,
            default=MACRO,
            required=True,
            format_func=titles.__getitem__,  # a title of this control is Markdown
            key="roc",
            bind="query-params",
            help="One class against the rest, or the macro-average over the classes. The area "
            "under a curve (AUC) is 0.5 for guessing and 1 for no error at any threshold.",
        )
        or MACRO
    )
    curves = {
        names[run_id]: by_class[target]
        for run_id, by_class in read_curves(row.run_id for row in rows).items()
        if target in by_class
    }
    missing = rows[0].evaluation.missing_classes
    if not curves:
        st.caption(plain(_describe_none(missing, target)))
        return
    st.plotly_chart(
        roc_curves(
            curves,
            styles_by_name(rows, names),
            source=f"{_describe_target(target)}: {describe_source(rows[0])}",
        ),
        width=760,
        key="roc-curves",
        config=config(name_file(f"roc-{target}", rows[0]), file_format),
        alt=roc_curves_alt(curves, target),
    )
    st.caption(
        "A curve has one point per threshold on the probability of the class. The mark is the "
        "operating point (argmax): the class with the highest probability is predicted. That is no "
        "single threshold, so the mark may lie below the curve."
    )
    if missing:
        have = "has" if len(missing) == 1 else "have"
        st.caption(
            plain(
                f"{join_few(missing)} {have} no test images, and so no curve; nor is there a "
                "macro-average."
            )
        )


def _describe_none(missing: Sequence[str], target: str) -> str:
    """Why there is no curve; `missing` are the classes without test images."""
    if target in missing:
        return f"{target} has no test images, so it has no curve."
    if target != MACRO or not missing:
        return "All test images are of one class, so there is no curve."
    have = "has" if len(missing) == 1 else "have"
    return (
        f"The macro-average is not defined, since {join_few(missing)} {have} no test images; "
        "choose another class for its curve."
    )


def _describe_target(target: str) -> str:
    """Which curves they are, as the figure names it."""
    return target if target == MACRO else f"class {shorten(target, NAME_LETTERS)}"
