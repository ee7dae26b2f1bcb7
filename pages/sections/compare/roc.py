"""ROC curves per class and macro-averaged."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from modelzoo.evaluation.intervals import Score
from modelzoo.evaluation.roc import RocCurve
from modelzoo.evaluation.rows import LeaderboardRow
from modelzoo.evaluation.tables import describe_score_briefly
from modelzoo.text import percent
from pages.figures.roc import roc_curves, roc_curves_alt
from pages.sections.compare.curves import CurveKind, draw_curves
from pages.shell.reads import read_curves


def draw_roc(rows: Sequence[LeaderboardRow], names: Mapping[str, str], file_format: str) -> None:
    """One class against the rest, or the macro-average, for every run on one pair of axes."""
    draw_curves(
        CurveKind(
            title="ROC curves",
            key="roc",
            name="roc",
            areas_name="auc",
            help="The area under a curve (AUC) is 0.5 for guessing and 1 for no error at any "
            "threshold.",
            metric="auc",
            read=read_curves,
            figure=roc_curves,
            alt=roc_curves_alt,
            draw_areas=_draw_areas,
        ),
        rows,
        names,
        file_format,
    )


def _draw_areas(
    curves: Mapping[str, RocCurve], scores: Mapping[str, Score], _target: str
) -> pd.DataFrame:
    """The area under each curve with its interval, the largest first, and its operating point."""
    table = pd.DataFrame(
        [
            {
                "model": name,
                "auc": curve.area,
                "auc_ci_low": scores[name].ci_low,
                "auc_ci_high": scores[name].ci_high,
                "true_positive_rate": curve.operating_point[1],
                "false_positive_rate": curve.operating_point[0],
            }
            for name, curve in sorted(curves.items(), key=lambda item: -item[1].area)
        ]
    )
    column = st.column_config
    st.dataframe(
        pd.DataFrame(
            {
                "model": table["model"],
                "auc": [describe_score_briefly("auc", scores[name]) for name in table["model"]],
                "true_positive_rate": table["true_positive_rate"].map(percent),
                "false_positive_rate": table["false_positive_rate"].map(percent),
            }
        ),
        hide_index=True,
        height="content",
        key="areas",
        alt="AUC with 95 % CI and operating point: one row per run.",
        column_config={
            "model": column.TextColumn("Model", pinned=True),
            "auc": column.TextColumn("AUC (95 % CI)", help="Area under the curve, from 0 to 1."),
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
    return table
