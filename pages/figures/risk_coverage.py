"""Accuracy on the images that a model is left with, by their share."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from modelzoo.evaluation.risk_coverage import BY_WORDS, SAID, By, RiskCoverage
from modelzoo.text import confidence_interval, fraction, percent
from pages.figures.frame import (
    GRID,
    axis_title,
    blank_figure,
    place_legend,
    source_height,
    wrap_text,
)
from pages.shell.palette import Style

AXES_PX = 300
LEGEND_LETTERS = 40
DASHES: dict[By, str] = {"confidence": "solid", "ood": "dash"}


def risk_coverage_curves(
    curves: Sequence[RiskCoverage], style: Style, *, name: str = "", source: str = ""
) -> go.Figure:
    """The curves of one run, each with its pointwise interval as a band; a mark at 90 %.

    Args:
        curves: From `risk_coverage`, at least one, each in an order of its own.
        style: Of the run; the orders differ in their dashes.
        name: Of the run, for the title.
        source: Data set, split and number of images, for the axis title.
    """
    title = f"Accuracy by coverage, {name}" if name else ""
    below = source_height(source)
    alone = len(curves) == 1
    figure = blank_figure(height=AXES_PX + (below if alone else 0), title=title)
    for curve in curves:
        _add_curve(figure, curve, style)
    figure.update_xaxes(
        title_text=axis_title("coverage: images left to the model, in %", source),
        range=[4, 101],
        gridcolor=GRID,
        zeroline=False,
    )
    figure.update_yaxes(title_text="accuracy in %", gridcolor=GRID, zeroline=False)
    if not alone:
        place_legend(figure, [_label(curve) for curve in curves], below)
    figure.update_layout(showlegend=not alone)
    return figure


def _label(curve: RiskCoverage) -> str:
    return wrap_text(f"{BY_WORDS[curve.by]}, AURC {fraction(curve.aurc.value)}", LEGEND_LETTERS)


def _add_curve(figure: go.Figure, curve: RiskCoverage, style: Style) -> None:
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
                opacity=0.25 if curve.by == "confidence" else 0.12,
                hoverinfo="skip",
                showlegend=False,
            )
        )
    figure.add_trace(
        go.Scatter(
            x=x,
            y=value,
            mode="lines",
            name=_label(curve),
            line={"color": style.colour, "width": 3, "dash": DASHES[curve.by]},
            hovertemplate="accuracy %{y:.1f} % at coverage %{x:.0f} %<extra></extra>",
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


def risk_coverage_alt(curve: RiskCoverage, name: str) -> str:
    """What `risk_coverage_curves` shows of one order, in words."""
    listed = []
    for coverage in (0.5, SAID, 1.0):
        each = curve.at(coverage)
        words = f"{percent(each.value)} at {percent(coverage, 0)}"
        if not np.isnan(each.ci_low):
            words += f", {confidence_interval(each.ci_low, each.ci_high)}"
        listed.append(words)
    order = BY_WORDS[curve.by]
    return (
        f"Accuracy of {name} by the share of the images left to it, {order}: {'; '.join(listed)}."
    )
