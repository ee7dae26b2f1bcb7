"""Scores with their intervals."""

import math
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from modelzoo.evaluation.metrics import METRICS
from modelzoo.evaluation.rows import LeaderboardRow, best_first
from modelzoo.evaluation.tables import describe_score
from pages.figures.frame import GRID, axis_title, blank_figure, source_height, wrap_text
from pages.shell.palette import backbone_style

NAME_LETTERS = 32  # of a line: beside more, a phone has no room for the interval


def score_intervals(
    rows: Sequence[LeaderboardRow], names: Mapping[str, str], metric: str, *, source: str = ""
) -> go.Figure:
    """The score of each run as a point with its interval as a bar, the best on top.

    Args:
        rows: In any order.
        names: By run id.
        metric: A key of METRICS.
        source: Data set, split and number of images, for the axis title.
    """
    figure = blank_figure(
        height=92 + 34 * len(rows) + source_height(source),
        title=f"{METRICS[metric].title} with 95 % CI",
    )
    for row in reversed(best_first(rows)):
        if not math.isnan(row.evaluation.scores[metric].value):
            figure.add_trace(_point(row, wrap_text(names[row.run_id], NAME_LETTERS), metric))
    unit = " in %" if METRICS[metric].unit == "%" else ""
    title = f"{METRICS[metric].title}{unit}"
    figure.update_xaxes(title_text=axis_title(title, source), gridcolor=GRID)
    # The spaces leave room for the wider font that a saved picture may have.
    figure.update_yaxes(showgrid=False, automargin=True, ticksuffix=4 * " ")
    return figure


def _point(row: LeaderboardRow, name: str, metric: str) -> go.Scatter:
    """One run; without an interval where there is none."""
    score, style = row.evaluation.scores[metric], backbone_style(row.backbone)
    scale = 100 if METRICS[metric].unit == "%" else 1
    interval = None
    if not math.isnan(score.ci_low):
        interval = {
            "array": [scale * (score.ci_high - score.value)],
            "arrayminus": [scale * (score.value - score.ci_low)],
            "thickness": 3,
            "width": 0,
            "color": style.colour,
        }
    return go.Scatter(
        x=[scale * score.value],
        y=[name],
        error_x=interval,
        mode="markers",
        marker={"size": 12, "color": style.colour, "symbol": style.symbol},
        hovertemplate=f"<b>{name}</b><br>{describe_score(metric, score)}<extra></extra>",
        showlegend=False,
    )


def score_intervals_alt(
    rows: Sequence[LeaderboardRow], names: Mapping[str, str], metric: str
) -> str:
    """What `score_intervals` shows, in words."""
    listed = ", ".join(
        f"{names[row.run_id]} {describe_score(metric, row.evaluation.scores[metric])}"
        for row in best_first(rows)
    )
    lower = "" if METRICS[metric].higher_is_better else " Lower is better."
    return f"{METRICS[metric].title}, by accuracy, the highest first: {listed}.{lower}"
