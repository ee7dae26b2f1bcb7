"""ROC curves per class and macro-averaged."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from modelzoo.evaluation.roc import RocCurve
from modelzoo.evaluation.rows import LeaderboardRow
from modelzoo.text import fraction, join_few, percent, shorten, shorten_all
from pages.figures.frame import config
from pages.figures.roc import roc_curves, roc_curves_alt
from pages.sections.compare.figures import NAME_LETTERS, describe_source, name_file, styles_by_name
from pages.shell.links import warn_if_gone
from pages.shell.reads import MACRO, read_curves
from pages.shell.tables import offer_csv
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
    beside = st.columns([3, 2])
    with beside[0]:
        st.plotly_chart(
            roc_curves(
                curves,
                styles_by_name(rows, names),
                target=_describe_target(target),
                source=describe_source(rows[0]),
            ),
            key="roc-curves",
            config=config(name_file(f"roc-{target}", rows[0]), file_format),
            alt=roc_curves_alt(curves, target),
        )
    with beside[1]:
        _draw_areas(curves, name_file(f"auc-{target}", rows[0]))
    if missing:
        have = "has" if len(missing) == 1 else "have"
        st.caption(
            plain(
                f"{join_few(missing)} {have} no test images, and so no curve; nor is there a "
                "macro-average."
            )
        )


def _draw_areas(curves: Mapping[str, RocCurve], file_name: str) -> None:
    """The area under each curve, the largest first, and its operating point."""
    table = pd.DataFrame(
        [
            {
                "model": name,
                "auc": curve.area,
                "true_positive_rate": curve.operating_point[1],
                "false_positive_rate": curve.operating_point[0],
            }
            for name, curve in sorted(curves.items(), key=lambda item: -item[1].area)
        ]
    )
    column = st.column_config
    st.dataframe(
        table.assign(
            auc=table["auc"].map(fraction),
            true_positive_rate=table["true_positive_rate"].map(percent),
            false_positive_rate=table["false_positive_rate"].map(percent),
        ),
        hide_index=True,
        height="content",
        key="areas",
        alt="AUC and operating point: one row per run.",
        column_config={
            "model": column.TextColumn("Model", pinned=True),
            "auc": column.TextColumn("AUC", help="Area under the curve, between 0 and 1."),
            "true_positive_rate": column.TextColumn("TPR", help="At the operating point."),
            "false_positive_rate": column.TextColumn("FPR", help="At the operating point."),
        },
    )
    st.caption(
        "The curves of the three largest AUC are strong, the others faint. A curve has one point "
        "per threshold on the probability of the class. The mark is the operating point (argmax): "
        "the class with the highest probability is predicted. That is no single threshold, so the "
        "mark may lie below the curve."
    )
    offer_csv(table, file_name)


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
