"""Scores with their intervals."""

import math
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from modelzoo.evaluation.metrics import METRICS
from modelzoo.evaluation.rows import LeaderboardRow, best_first
from modelzoo.text import confidence_interval
from pages.figures.frame import GRID, blank_figure
from pages.shell.palette import backbone_style


def score_intervals(
    rows: Sequence[LeaderboardRow], names: Mapping[str, str], metric: str
) -> go.Figure:
    """Each run's score as a point with its interval as a bar, the best on top."""
    figure = blank_figure(height=90 + 34 * len(rows))
    for row in reversed(best_first(rows)):
        score, style = row.evaluation.scores[metric], backbone_style(row.backbone)
        if math.isnan(score.value):
            continue
        has_interval = not math.isnan(score.ci_low)
        interval = confidence_interval(score.ci_low, score.ci_high)
        words = f" ({interval})" if has_interval else ""
        figure.add_trace(
            go.Scatter(
                x=[100 * score.value],
                y=[names[row.run_id]],
                error_x={
                    "array": [100 * (score.ci_high - score.value)],
                    "arrayminus": [100 * (score.value - score.ci_low)],
                    "thickness": 3,
                    "width": 0,
                    "color": style.colour,
                }
                if has_interval
                else None,
                mode="markers",
                marker={"size": 12, "color": style.colour, "symbol": style.symbol},
                hovertemplate=f"<b>{names[row.run_id]}</b><br>{100 * score.value:.1f} %{words}"
                "<extra></extra>",
                showlegend=False,
            )
        )
    figure.update_xaxes(title_text=f"{METRICS[metric].title} in %, with 95 % CI", gridcolor=GRID)
    figure.update_yaxes(showgrid=False, automargin=True)
    return figure


def score_intervals_alt(
    rows: Sequence[LeaderboardRow], names: Mapping[str, str], metric: str
) -> str:
    """What `score_intervals` shows, in words."""
    parts = []
    for row in best_first(rows):
        score = row.evaluation.scores[metric]
        parts.append(f"{names[row.run_id]} {100 * score.value:.1f}")
    return f"{METRICS[metric].title} in percent, best first: {', '.join(parts)}."
