"""The loss of a search for a learning rate."""

import plotly.graph_objects as go

from modelzoo.runs.rate_search import RateSearch
from pages.figures.frame import GRID, axis_title, blank_figure, source_height
from pages.figures.learning import LIVE

MOST_RISE = 1.2  # times the first smoothed loss: what diverges would press the rest flat


def rate_curve(search: RateSearch, *, source: str = "") -> go.Figure:
    """Loss by learning rate, smoothed and of each batch; the suggestion is marked.

    Args:
        search: What was found.
        source: Network, data set and split, for the axis title.
    """
    figure = blank_figure(height=300 + source_height(source))
    for name, losses, width, opacity in (
        ("each batch", search.losses, 1, 0.35),
        ("smoothed", search.smoothed, 2, 1.0),
    ):
        figure.add_trace(
            go.Scatter(
                x=search.rates,
                y=losses,
                mode="lines",
                name=name,
                opacity=opacity,
                line={"color": LIVE, "width": width},
                hovertemplate=f"learning rate %{{x:.2g}}, {name}: %{{y:.3g}}<extra></extra>",
            )
        )
    at = search.rates.index(search.suggested_at)
    figure.add_trace(
        go.Scatter(
            x=[search.suggested_at],
            y=[search.smoothed[at]],
            mode="markers",
            name=f"suggestion: {search.suggestion:g}",
            marker={"color": LIVE, "size": 13, "symbol": "diamond"},
            hovertemplate=f"suggestion: {search.suggestion:g}<extra></extra>",
        )
    )
    lowest, highest = min(search.smoothed), MOST_RISE * search.smoothed[0]
    figure.update_layout(margin={"t": 56}, legend={"y": 1, "yanchor": "bottom"})
    title = axis_title("learning rate", source)
    figure.update_xaxes(title_text=title, type="log", gridcolor=GRID)
    figure.update_xaxes(dtick=1, exponentformat="power")  # a tick for each power of ten
    figure.update_yaxes(title_text="training loss", gridcolor=GRID, range=[0.9 * lowest, highest])
    return figure


def rate_curve_alt(search: RateSearch) -> str:
    """What `rate_curve` shows, in words."""
    return (
        f"Training loss by learning rate from {search.rates[0]:.2g} to {search.rates[-1]:.2g}, "
        f"smoothed: {search.smoothed[0]:.3g} at first, {min(search.smoothed):.3g} at the lowest; "
        f"{search.suggestion:g} is suggested."
    )
