"""The operating points of all runs drawn, as a table."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from modelzoo.evaluation.operating_words import (
    describe_rate_briefly,
    describe_ratio_briefly,
    describe_threshold,
)
from modelzoo.evaluation.predictive_values import likelihood_ratios, predictive_values
from modelzoo.evaluation.rows import LeaderboardRow
from modelzoo.evaluation.run_thresholds import OperatingPoint, point_record
from modelzoo.text import MINUS, percent
from pages.sections.compare.figures import name_file
from pages.shell.tables import WHOLE_ROWS, offer_csv


def draw_table(
    rows: Sequence[LeaderboardRow],
    points: Mapping[str, OperatingPoint],
    names: Mapping[str, str],
    prevalence: float | None,
) -> None:
    """One row per run with its threshold and what it does on the test images.

    Args:
        rows: Those that have a point, at least one, all of one split.
        points: By run id.
        names: By run id.
        prevalence: Of PPV and NPV; None: the share among the test images.
    """
    table = pd.DataFrame(
        [_describe(names[row.run_id], points[row.run_id], prevalence) for row in rows]
    )
    share = points[rows[0].run_id].share if prevalence is None else prevalence
    whose = "the share among the test images" if prevalence is None else "which was set"
    at = f"PPV and NPV are at a prevalence of {percent(share)}, {whose}." if 0 < share < 1 else ""
    st.dataframe(
        table,
        hide_index=True,
        height="content" if len(table) <= WHOLE_ROWS else "auto",
        key="operating-points",
        alt="Operating points on the test images with 95 % CI: one row per run.",
        column_config=_configure(at),
    )
    st.caption(
        f"{at} Intervals of sensitivity and specificity are over groups of test images; the others "
        "follow from them.".strip()
    )
    records = [
        {
            "model": names[row.run_id],
            "run": row.run_id,
            "positive": "; ".join(points[row.run_id].choice.positive),
            **point_record(points[row.run_id], prevalence),
        }
        for row in rows
    ]
    is_scaled = any(points[row.run_id].temperature is not None for row in rows)
    name = name_file("operating-points", rows[0], calibrated=is_scaled)
    offer_csv(pd.DataFrame(records), name)


def _configure(at: str) -> dict[str, Any]:
    """Titles and helps of the columns.

    Args:
        at: Which prevalence PPV and NPV are at.
    """
    column = st.column_config
    return {
        "model": column.TextColumn("Model", pinned=True),
        "threshold": column.TextColumn(
            "Threshold",
            help="Of the summed probability of the positive classes, calibrated with the "
            "temperature beside it where there is one.",
        ),
        "sensitivity": column.TextColumn(
            "Sensitivity (95 % CI)", help="Share of the positive test images called positive."
        ),
        "specificity": column.TextColumn(
            "Specificity (95 % CI)", help="Share of the negative test images called negative."
        ),
        "ppv": column.TextColumn(
            "PPV (95 % CI)", help=f"Share of positive results that are right. {at}".rstrip()
        ),
        "npv": column.TextColumn(
            "NPV (95 % CI)", help=f"Share of negative results that are right. {at}".rstrip()
        ),
        "lr_positive": column.TextColumn(
            "LR+ (95 % CI)",
            help="Sensitivity / (1 - specificity): how much more often a positive result is "
            "seen with the condition than without.",
        ),
        "lr_negative": column.TextColumn(
            f"LR{MINUS} (95 % CI)",
            help="(1 - sensitivity) / specificity: how much more often a negative result is "
            "seen with the condition than without.",
        ),
    }


def _describe(name: str, point: OperatingPoint, prevalence: float | None) -> dict[str, str]:
    """One run as texts."""
    used = point.share if prevalence is None else prevalence
    values = predictive_values(point.rates, used) if 0 < used < 1 else None
    positive, negative = likelihood_ratios(point.rates)
    scaled = "" if point.temperature is None else f" (T = {point.temperature:.2f})"
    return {
        "model": name,
        "threshold": describe_threshold(point.threshold.value) + scaled,
        "sensitivity": describe_rate_briefly(point.rates.sensitivity),
        "specificity": describe_rate_briefly(point.rates.specificity),
        "ppv": describe_rate_briefly(values.ppv) if values else "not defined",
        "npv": describe_rate_briefly(values.npv) if values else "not defined",
        "lr_positive": describe_ratio_briefly(positive),
        "lr_negative": describe_ratio_briefly(negative),
    }
