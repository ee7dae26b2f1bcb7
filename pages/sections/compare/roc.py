"""ROC curves per class and macro-averaged."""

import math
from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from modelzoo.evaluation.intervals import Score
from modelzoo.evaluation.roc import RocCurve
from modelzoo.evaluation.rows import LeaderboardRow
from modelzoo.evaluation.tables import describe_score_briefly
from modelzoo.text import describe_p, fraction, percent
from pages.figures.roc import roc_curves, roc_curves_alt
from pages.sections.compare.curves import CurveKind, draw_curves
from pages.sections.compare.figures import name_file
from pages.shell.scores import MACRO, read_area_differences, read_curves
from pages.shell.tables import WHOLE_ROWS, offer_csv


def draw_roc(
    rows: Sequence[LeaderboardRow],
    names: Mapping[str, str],
    file_format: str,
    *,
    calibrated: bool,
) -> None:
    """One class against the rest, or the macro-average, for every run on one pair of axes."""
    target = draw_curves(
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
        calibrated=calibrated,
    )
    _draw_differences(rows, names, target, calibrated=calibrated)


def _draw_differences(
    rows: Sequence[LeaderboardRow], names: Mapping[str, str], target: str, *, calibrated: bool
) -> None:
    """The difference in AUC between every two runs; nothing where they cannot be compared."""
    if len(rows) < 2:
        return
    of_class = None if target == MACRO else target
    run_ids = [row.run_id for row in rows]
    pairs = read_area_differences(run_ids, of_class, calibrated=calibrated, per=rows[0].per)
    if not pairs:
        return
    st.markdown("**Differences in AUC**")
    table = pd.DataFrame(
        [
            {
                "model": names[rows[pair.first].run_id],
                "compared_with": names[rows[pair.second].run_id],
                "auc_difference": pair.value,
                "ci_low": pair.ci_low,
                "ci_high": pair.ci_high,
                "p": pair.p,
            }
            for pair in pairs
        ]
    )
    column = st.column_config
    st.dataframe(
        pd.DataFrame(
            {
                "model": table["model"],
                "compared_with": table["compared_with"],
                "difference": [
                    "none"
                    if math.isnan(low)
                    else f"{_signed(value)} ({_signed(low)} to {_signed(high)})"
                    for value, low, high in zip(
                        table["auc_difference"], table["ci_low"], table["ci_high"], strict=True
                    )
                ],
                "p": [describe_p(each) for each in table["p"]],
            }
        ),
        hide_index=True,
        height="content" if len(table) <= WHOLE_ROWS else "auto",
        key="auc-pairs",
        alt="Differences in AUC: one row per pair of runs, with 95 % CI and p.",
        column_config={
            "model": column.TextColumn("Model", pinned=True),
            "compared_with": column.TextColumn("Compared with"),
            "difference": column.TextColumn(
                "Difference in AUC (95 % CI)", help="Of the first less the second; of this pair."
            ),
            "p": column.TextColumn(help="Two-sided, corrected for all pairs (Holm 1979)."),
        },
    )
    st.caption(
        "Paired over the same images by DeLong, DeLong and Clarke-Pearson (1988), with groups of "
        "images that belong together as in Obuchowski (1997). Intervals are of each pair alone."
    )
    offer_csv(table, name_file(f"auc-differences-{target}", rows[0], calibrated=calibrated))


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


def _signed(difference: float) -> str:
    """`+0.012`, `0.000`, and less with a minus sign."""
    text = fraction(difference)
    return f"+{text}" if difference > 0 and float(text) else text
