"""Curves of runs on one pair of axes, in percent: what ROC and precision-recall curves share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from modelzoo.text import fraction
from pages.figures.frame import (
    GRID,
    LEGEND_LETTERS,
    axis_title,
    blank_figure,
    place_legend,
    plain_text,
    source_height,
    wrap_text,
)
from pages.shell.palette import Style

STRONG = 3  # curves that stand out: of more no one can be followed
FAINT = 0.3  # opacity of the others
AXES_PX = 440  # height without the legend


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single answer to ==
class Curve:
    """The curve of one run."""

    x: npt.NDArray[np.floating]  # (T,), in [0, 1], as the next
    y: npt.NDArray[np.floating]
    area: float  # below it, as the legend has it
    operating_point: tuple[float, float]  # NaN: none


@dataclass(frozen=True, slots=True)
class Axes:
    """What the curves of a kind are drawn on."""

    x: str  # title
    y: str
    area: str  # what the area is called
    rates: str  # what is under the mouse
    shape: Literal["linear", "vh"]  # between two points of a curve; vh: steps


def draw_curves(
    curves: Mapping[str, Curve],
    styles: Mapping[str, Style],
    axes: Axes,
    chance: go.Scatter,
    *,
    title: str = "",
    source: str = "",
) -> go.Figure:
    """The curves of all runs, the largest area first, with operating points.

    Those of the three largest areas are strong, the others faint; what has the same area as the
    third, as it is written, is strong, too.

    Args:
        curves: By the name of the run.
        styles: The same.
        axes: What they are drawn on.
        chance: The curve of guessing.
        title: Of the figure.
        source: Data set, split and number of images, for the axis title.
    """
    figure = blank_figure(height=AXES_PX, title=title)
    figure.add_trace(chance)
    by_area = sorted(curves.items(), key=lambda item: -item[1].area)
    labels = [
        wrap_text(f"{axes.area} {fraction(curve.area)}, {name}", LEGEND_LETTERS)
        for name, curve in by_area
    ]
    strong = {fraction(curve.area) for _, curve in by_area[:STRONG]}
    for (name, curve), label in zip(by_area, labels, strict=True):
        opacity = 1 if fraction(curve.area) in strong else FAINT
        figure.add_trace(_line(name, label, curve, styles[name], axes, opacity))
        figure.add_trace(_operating_point(name, curve, styles[name], axes, opacity))
    place_legend(figure, labels, source_height(source))
    figure.update_xaxes(
        title_text=axis_title(f"{axes.x} in %", source),
        range=[-1, 101],
        gridcolor=GRID,
        zeroline=False,
    )
    figure.update_yaxes(
        title_text=f"{axes.y} in %", range=[-1, 102], gridcolor=GRID, zeroline=False
    )
    return figure


def draw_chance(y: tuple[float, float], hover: str = "") -> go.Scatter:
    """The line of guessing.

    Args:
        y: At its two ends, in percent.
        hover: What is under the mouse; empty: nothing.
    """
    return go.Scatter(
        x=[0, 100],
        y=y,
        mode="lines",
        line={"color": GRID, "dash": "dot"},
        hoverinfo=None if hover else "skip",
        hovertemplate=f"{hover}<extra></extra>" if hover else None,
        showlegend=False,
    )


def _line(
    name: str, label: str, curve: Curve, style: Style, axes: Axes, opacity: float
) -> go.Scatter:
    return go.Scatter(
        x=100 * curve.x,
        y=100 * curve.y,
        mode="lines",
        name=label,
        line={
            "color": style.colour,
            "dash": style.dash,
            "width": 3 if opacity == 1 else 2,
            "shape": axes.shape,
        },
        opacity=opacity,
        zorder=int(opacity == 1),
        hovertemplate=f"<b>{plain_text(name)}</b><br>{axes.rates}<extra></extra>",
        legendgroup=name,
    )


def _operating_point(
    name: str, curve: Curve, style: Style, axes: Axes, opacity: float
) -> go.Scatter:
    x, y = curve.operating_point
    title = plain_text(name)
    return go.Scatter(
        x=[100 * x],
        y=[100 * y],
        mode="markers",
        name=f"{title}, operating point",
        opacity=opacity,
        zorder=int(opacity == 1),
        marker={"color": style.colour, "symbol": style.symbol, "size": 11},
        hovertemplate=f"<b>{title}</b>, operating point (argmax)<br>{axes.rates}<extra></extra>",
        legendgroup=name,
        showlegend=False,
    )
