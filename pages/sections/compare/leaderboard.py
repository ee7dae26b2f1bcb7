"""One row per evaluated run, with intervals."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from modelzoo.evaluation.latex import leaderboard_latex
from modelzoo.evaluation.metrics import METRICS
from modelzoo.evaluation.rows import LeaderboardRow
from modelzoo.evaluation.tables import describe_score_briefly, leaderboard_table
from pages.sections.compare.figures import name_file
from pages.sections.compare.filters import choose_more_metrics
from pages.sections.compare.report import offer_report
from pages.shell.tables import FIGURE_SPACE, WHOLE_ROWS, offer_csv, offer_latex

BADGES = {True: "ImageNet", False: "from scratch", None: "not recorded"}


def draw_leaderboard(
    rows: Sequence[LeaderboardRow],
    names: Mapping[str, str],
    drawn: Sequence[LeaderboardRow],
    *,
    calibrated: bool,
) -> None:
    """The runs with their scores and intervals; the initialisation is a badge.

    Every score is in the tables that are saved.

    Args:
        rows: Of one split, best first.
        names: By run id.
        drawn: Those of `rows` that figures show, of which a report is offered.
        calibrated: Whether their probabilities are scaled; the notes of each run say with what.
    """
    st.subheader("Leaderboard")
    more = choose_more_metrics()
    shown = [name for name, metric in METRICS.items() if metric.is_default or name in more]
    table = pd.DataFrame([_record(row, names, shown) for row in rows])
    st.dataframe(
        table,
        hide_index=True,
        height="content" if len(rows) <= WHOLE_ROWS else "auto",
        key="leaderboard",
        alt="Leaderboard: one row per run; scores with their 95 % CI.",
        column_config=_columns(shown),
    )
    name = name_file("leaderboard", rows[0], calibrated=calibrated)
    with st.container(horizontal=True):
        # On the click: some of the scores that only the files have take long.
        offer_csv(partial(leaderboard_table, rows), name)
        offer_latex(partial(leaderboard_latex, rows, names, calibrated=calibrated), name)
        offer_report(drawn, calibrated=calibrated)


CACHED = "Its features were cached by an earlier run, so it trained in less time than from nothing."


def _record(
    row: LeaderboardRow, names: Mapping[str, str], shown: Sequence[str]
) -> dict[str, object]:
    """One row of the table; `shown` are the names of its scores."""
    return {
        "model": names[row.run_id],
        "accuracy": _sortable("accuracy", row),
        "weights": [BADGES[row.has_imagenet]],
        **{name: _sortable(name, row) for name in shown if name != "accuracy"},
        "ms": row.ms_per_image,
        "parameters": row.parameters / 1e6,
        "seconds": row.seconds,
        "recipe": row.recipe,
        "run": row.run_id,
        "notes": " ".join([*row.notes, CACHED] if row.features == "cached" else row.notes),
    }


def _columns(shown: Sequence[str]) -> dict[str, Any]:
    """Title and help of each column; `shown` are the names of the scores."""
    column = st.column_config
    return {
        "model": column.TextColumn("Model", pinned=True, width=190),
        "weights": column.MultiselectColumn(
            "Initialisation",
            options=list(BADGES.values()),
            color=["#1B7F5C", "#B84E00", "#6B6B6B"],
            help="ImageNet weights, or random ones (from scratch), which learn far less from "
            "few images.",
        ),
        **{
            name: column.TextColumn(
                f"{METRICS[name].title} (95 % CI)", help=METRICS[name].full_help
            )
            for name in shown
        },
        "ms": column.NumberColumn(
            "ms per image",
            format="%.1f",
            help="One image at a time, the quickest quarter of passes, where it trained.",
        ),
        "parameters": column.NumberColumn(
            "Parameters", format="%.1f M", help="Weights of the network, in millions."
        ),
        "seconds": column.NumberColumn(
            "Trained in",
            format="%.0f s",
            help="Seconds of all phases of the training; the notes say where features were cached.",
        ),
        "recipe": column.TextColumn("Recipe", help="The named configuration it started from."),
        "run": column.TextColumn("Run", help="The run's folder."),
        "notes": column.TextColumn("Notes", help="What to know when reading the row."),
    }


def _sortable(metric: str, row: LeaderboardRow) -> str:
    """The score in words, padded: sorted by its letters, a column is sorted by its values.

    Negative ones come before the others, among themselves in reverse.
    """
    score = row.evaluation.scores[metric]
    text = describe_score_briefly(metric, score)
    if math.isnan(score.value) or METRICS[metric].unit != "%":
        return text
    return text.rjust(len(text) + len("100.0 ") - text.index("%"), FIGURE_SPACE)
