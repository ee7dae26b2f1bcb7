"""Accuracy on the images that a model is left with, by their share."""

import numpy as np
import plotly.graph_objects as go

from modelzoo.evaluation.risk_coverage import SAID, RiskCoverage
from modelzoo.text import confidence_interval, percent
from pages.figures.frame import GRID, axis_title, blank_figure, source_height
from pages.shell.palette import Style

AXES_PX = 300


def risk_coverage_curve(
    curve: RiskCoverage, style: Style, *, name: str = "", source: str = ""
) -> go.Figure:
    """The curve of one run with its pointwise interval as a band; a mark at 90 %.

    Args:
        curve: From `risk_coverage`.
        style: Of the run.
        name: Of the run, for the title.
        source: Data set, split and number of images, for the axis title.
    """
    title = f"Accuracy by coverage, {name}" if name else ""
    figure = blank_figure(height=AXES_PX + source_height(source), title=title)
    x = 100 * curve.coverage
    value, low, high = (
        100 * np.array([getattr(each, field) for each in curve.accuracy])
        for field in ("value", "ci_low", "ci_high")
    )
    known = ~np.isnan(low)
    if known.any():
        figure.add_trace(
            go.Scatter(
                x=np.concatenate([x[known], x[known][::-1]]),
                y=np.concatenate([high[known], low[known][::-1]]),
                fill="toself",
                mode="lines",
                line={"width": 0, "color": style.colour},
                opacity=0.25,
                hoverinfo="skip",
                showlegend=False,
            )
        )
    figure.add_trace(
        go.Scatter(
            x=x,
            y=value,
            mode="lines",
            line={"color": style.colour, "width": 3},
            hovertemplate="accuracy %{y:.1f} % at coverage %{x:.0f} %<extra></extra>",
            showlegend=False,
        )
    )
    figure.add_trace(
        go.Scatter(
            x=[100 * SAID],
            y=[100 * curve.at(SAID).value],
            mode="markers",
            marker={"color": style.colour, "symbol": style.symbol, "size": 11},
            hoverinfo="skip",
            showlegend=False,
        )
    )
    figure.update_xaxes(
        title_text=axis_title("coverage: images left to the model, in %", source),
        range=[4, 101],
        gridcolor=GRID,
        zeroline=False,
    )
    figure.update_yaxes(title_text="accuracy in %", gridcolor=GRID, zeroline=False)
    return figure


def risk_coverage_alt(curve: RiskCoverage, name: str) -> str:
    """What `risk_coverage_curve` shows, in words."""
    listed = []
    for coverage in (0.5, SAID, 1.0):
        each = curve.at(coverage)
        words = f"{percent(each.value)} at {percent(coverage, 0)}"
        if not np.isnan(each.ci_low):
            words += f", {confidence_interval(each.ci_low, each.ci_high)}"
        listed.append(words)
    return f"Accuracy of {name} by the share of the images left to it: {'; '.join(listed)}."
