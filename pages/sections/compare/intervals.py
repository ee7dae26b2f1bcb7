"""Scores with their intervals as bars."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import streamlit as st

from modelzoo.evaluation.metrics import METRICS
from modelzoo.evaluation.rows import LeaderboardRow
from modelzoo.text import join_few
from pages.figures.frame import config
from pages.figures.intervals import score_intervals, score_intervals_alt
from pages.sections.compare.figures import describe_source, name_file
from pages.shell.text import plain


def describe_undefined(
    rows: Sequence[LeaderboardRow], names: Mapping[str, str], metric: str
) -> list[str]:
    """Why a score is not defined, each reason once, with the runs unless all share it."""
    runs_by_reason: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        score = row.evaluation.scores[metric]
        if math.isnan(score.value):
            runs_by_reason[score.note].append(names[row.run_id])
    return [
        reason if len(runs) == len(rows) else f"{join_few(runs)}: {reason}"
        for reason, runs in runs_by_reason.items()
    ]


def draw_intervals(
    rows: Sequence[LeaderboardRow],
    names: Mapping[str, str],
    metric: str,
    file_format: str,
    *,
    calibrated: bool,
) -> None:
    """One bar per run, and how to read them; where the score is not defined, why."""
    calibrated = calibrated and METRICS[metric].from_confusion is None  # others are not scaled
    for reason in describe_undefined(rows, names, metric):
        st.caption(plain(reason))
    if all(math.isnan(row.evaluation.scores[metric].value) for row in rows):
        return
    st.plotly_chart(
        score_intervals(
            rows, names, metric, source=describe_source(rows[0], calibrated=calibrated)
        ),
        key="intervals",
        config=config(name_file(metric, rows[0], calibrated=calibrated), file_format),
        alt=score_intervals_alt(rows, names, metric),
    )
    st.caption(
        f"{METRICS[metric].full_help} Bars: 95 % CI of each model alone, "
        "over groups of images that belong together; the highest of several is probably a little "
        "too high. Where bars overlap the difference may still be significant, since all models "
        "predicted the same images: see the pairwise differences below."
    )
