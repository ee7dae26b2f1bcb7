"""The ranks that models may have."""

from collections.abc import Mapping

import plotly.graph_objects as go

from modelzoo.text import join
from pages.figures.frame import GRID, axis_title, blank_figure, source_height, wrap_text
from pages.shell.palette import Style

NAME_LETTERS = 32  # of a line: beside more, a phone has no room for the lines
Ranks = Mapping[str, tuple[int, int]]  # by name: the best rank that it may have, and the worst


def rank_lines(ranks: Ranks, styles: Mapping[str, Style], *, source: str = "") -> go.Figure:
    """A line for each model from the best rank that it may have to the worst.

    Args:
        ranks: From the top down.
        styles: By name.
        source: Data set, split and number of images, for the axis title.
    """
    figure = blank_figure(
        height=92 + 26 * len(ranks) + source_height(source),
        title="Ranks by accuracy, 95 % CI",
    )
    for name, (best, worst) in reversed(list(ranks.items())):
        label, colour = wrap_text(name, NAME_LETTERS), styles[name].colour
        figure.add_trace(
            go.Scatter(
                x=[best, worst],
                y=[label, label],
                mode="lines+markers",
                line={"color": colour, "width": 4},
                marker={"color": colour, "size": 9, "symbol": "line-ns-open"},
                hovertemplate=f"<b>{label}</b><br>{_describe(best, worst)}<extra></extra>",
                showlegend=False,
            )
        )
    figure.update_xaxes(
        title_text=axis_title("rank, 1: the highest accuracy", source),
        range=[0.7, len(ranks) + 0.3],
        dtick=1,
        gridcolor=GRID,
    )
    figure.update_yaxes(showgrid=False, automargin=True, ticksuffix=4 * " ")
    return figure


def _describe(best: int, worst: int) -> str:
    return f"rank {best}" if best == worst else f"rank {best} to {worst}"


def rank_lines_alt(ranks: Ranks) -> str:
    """What `rank_lines` shows, in words."""
    listed = join([f"{name} {_describe(*each)}" for name, each in ranks.items()])
    return f"Ranks by accuracy that the models may have: {listed}."
