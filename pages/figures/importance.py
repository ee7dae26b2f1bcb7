"""How much each setting of a sweep matters."""

from collections.abc import Mapping

import plotly.graph_objects as go

from modelzoo.text import join, percent
from pages.figures.frame import GRID, axis_title, blank_figure, source_height
from pages.figures.learning import LIVE


def importance_bars(importance: Mapping[str, float], *, source: str = "") -> go.Figure:
    """The importance of each setting as a bar, the largest on top.

    Args:
        importance: Share of the variance of the score, in [0, 1], by setting.
        source: Sweep and number of trials, for the axis title.
    """
    figure = blank_figure(
        height=92 + 34 * len(importance) + source_height(source), title="Importance of settings"
    )
    rising = sorted(importance.items(), key=lambda item: item[1])
    figure.add_trace(
        go.Bar(
            x=[100 * share for _, share in rising],
            y=[_words(name) for name, _ in rising],
            orientation="h",
            marker={"color": LIVE},
            text=[percent(share, 0) for _, share in rising],
            textposition="auto",
            hovertemplate="%{y}: %{x:.1f} %<extra></extra>",
            showlegend=False,
        )
    )
    title = axis_title("share of the variance of the score in %", source)
    figure.update_xaxes(title_text=title, gridcolor=GRID, range=[0, 100])
    figure.update_yaxes(showgrid=False, automargin=True, ticksuffix=4 * " ")
    return figure


def importance_alt(importance: Mapping[str, float]) -> str:
    """What `importance_bars` shows, in words."""
    falling = sorted(importance.items(), key=lambda item: -item[1])
    shares = join([f"{_words(name)} {percent(share, 0)}" for name, share in falling])
    return f"Share of the variance of the validation score that each setting explains: {shares}."


def _words(name: str) -> str:
    return name.replace("_", " ")
