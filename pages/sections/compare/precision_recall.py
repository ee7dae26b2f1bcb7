"""Precision-recall curves per class and macro-averaged."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from modelzoo.evaluation.intervals import Score
from modelzoo.evaluation.precision_recall import PrecisionRecallCurve
from modelzoo.evaluation.rows import LeaderboardRow
from modelzoo.evaluation.tables import describe_score_briefly
from modelzoo.text import percent
from pages.figures.precision_recall import precision_recall_curves, precision_recall_curves_alt
from pages.sections.compare.curves import CurveKind, draw_curves
from pages.shell.scores import MACRO, read_precision_recall


def draw_precision_recall(
    rows: Sequence[LeaderboardRow],
    names: Mapping[str, str],
    file_format: str,
    *,
    calibrated: bool,
) -> None:
    """One class against the rest, or the macro-average, for every run on one pair of axes."""
    draw_curves(
        CurveKind(
            title="Precision-recall curves",
            key="precision_recall",
            name="precision-recall",
            areas_name="average-precision",
            help="The area under a curve, in steps, is the average precision (AP): the share of "
            "the class for guessing, and 1 for no error at any threshold.",
            metric="average_precision",
            read=read_precision_recall,
            figure=precision_recall_curves,
            alt=precision_recall_curves_alt,
            draw_areas=_draw_areas,
        ),
        rows,
        names,
        file_format,
        calibrated=calibrated,
    )


def _tabulate(
    curves: Mapping[str, PrecisionRecallCurve], scores: Mapping[str, Score]
) -> pd.DataFrame:
    """One row per run, the largest area first: shares in [0, 1]."""
    by_area = sorted(curves.items(), key=lambda item: -item[1].average_precision)
    return pd.DataFrame(
        [
            {
                "model": name,
                "average_precision": curve.average_precision,
                "average_precision_ci_low": scores[name].ci_low,
                "average_precision_ci_high": scores[name].ci_high,
                "precision": curve.operating_point[1],
                "recall": curve.operating_point[0],
                "chance": curve.chance,
            }
            for name, curve in by_area
        ]
    )


def _draw_areas(
    curves: Mapping[str, PrecisionRecallCurve], scores: Mapping[str, Score], target: str
) -> pd.DataFrame:
    """The average precision of each run with its interval, and its operating point."""
    table = _tabulate(curves, scores)
    column = st.column_config
    st.dataframe(
        pd.DataFrame(
            {
                "model": table["model"],
                "average_precision": [
                    describe_score_briefly("average_precision", scores[name])
                    for name in table["model"]
                ],
                "precision": table["precision"].map(percent, na_action="ignore"),
                "recall": table["recall"].map(percent),
            }
        ),
        hide_index=True,
        height="content",
        key="average-precisions",
        alt="Average precision with 95 % CI and operating point: one row per run.",
        column_config={
            "model": column.TextColumn("Model", pinned=True),
            "average_precision": column.TextColumn(
                "AP (95 % CI)", help="Average precision, from 0 to 1."
            ),
            "precision": column.TextColumn(
                "Precision", help="At the operating point; none where the class is never predicted."
            ),
            "recall": column.TextColumn("Recall", help="At the operating point."),
        },
    )
    st.caption(_describe_curves(table["chance"][0], target))
    return table


def _describe_curves(chance: float, target: str) -> str:
    """How the figure is read."""
    share = "mean share of a class" if target == MACRO else "share of the class"
    return (
        "The curves of the three largest AP are strong, the others faint. A curve has one step per "
        "threshold at which recall rises; nothing is interpolated. The dotted line is guessing: "
        f"the {share} among the test images, {percent(chance)}. The mark is the operating point "
        "(argmax): the class with the highest probability is predicted. That is no single "
        "threshold, so the mark may lie below the curve."
    )
