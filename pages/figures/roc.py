"""ROC curves."""

from collections.abc import Mapping

import plotly.graph_objects as go

from modelzoo.evaluation.roc import RocCurve
from modelzoo.text import fraction, percent
from pages.figures.frame import (
    GRID,
    LEGEND_LETTERS,
    axis_title,
    blank_figure,
    plain_text,
    source_height,
    wrap_text,
)
from pages.shell.palette import Style

RATES = "true positive rate %{y:.1f} % at false positive rate %{x:.1f} %"
STRONG = 3  # curves that stand out: of more no one can be followed
FAINT = 0.3  # opacity of the others
AXES_PX = 440  # height without the legend
LEGEND_LINE_PX = 20
# A horizontal legend whose entries have a line each: the width of a vertical one is measured in the
# font of the page, so a saved picture with a wider font cut it.
LEGEND = {
    "orientation": "h",
    "entrywidth": 1,
    "entrywidthmode": "fraction",
    "x": 0,
    "yanchor": "top",
    "tracegroupgap": 0,
}
TO_LEGEND_PX = 62  # from the axis: its labels and its title


def roc_curves(
    curves: Mapping[str, RocCurve],
    styles: Mapping[str, Style],
    *,
    target: str = "",
    source: str = "",
) -> go.Figure:
    """ROC curves of all runs on one pair of axes, the largest area first, with operating points.

    Those of the three largest areas are strong, the others faint; what has the same area as the
    third, as it is written, is strong, too.

    Args:
        curves: By the name of the run.
        styles: The same.
        target: Whose they are, for the title.
        source: Data set, split and number of images, for the axis title.
    """
    title = f"ROC curves, {target}" if target else ""
    figure = blank_figure(height=AXES_PX, title=title)
    axes = figure.layout.height - figure.layout.margin.t
    figure.add_trace(_diagonal())
    by_area = sorted(curves.items(), key=lambda item: -item[1].area)
    labels = [
        wrap_text(f"AUC {fraction(curve.area)}, {name}", LEGEND_LETTERS) for name, curve in by_area
    ]
    lines = sum(1 + label.count("<br>") for label in labels)
    strong = {fraction(curve.area) for _, curve in by_area[:STRONG]}
    for (name, curve), label in zip(by_area, labels, strict=True):
        opacity = 1 if fraction(curve.area) in strong else FAINT
        figure.add_trace(_line(name, label, curve, styles[name], opacity))
        figure.add_trace(_operating_point(name, curve, styles[name], opacity))
    # Below the axes, one line per run: on them it would hide curves, and beside them a phone has
    # no room.
    to_legend = TO_LEGEND_PX + source_height(source)
    below = to_legend + LEGEND_LINE_PX * lines
    figure.update_layout(
        height=figure.layout.height + below,
        margin={"b": below},
        legend=LEGEND | {"y": -to_legend / axes},
    )
    figure.update_xaxes(
        title_text=axis_title("false positive rate in %", source),
        range=[-1, 101],
        gridcolor=GRID,
        zeroline=False,
    )
    figure.update_yaxes(
        title_text="true positive rate (sensitivity) in %",
        range=[-1, 102],
        gridcolor=GRID,
        zeroline=False,
    )
    return figure


def _diagonal() -> go.Scatter:
    """The curve of guessing."""
    return go.Scatter(
        x=[0, 100],
        y=[0, 100],
        mode="lines",
        line={"color": GRID, "dash": "dot"},
        hoverinfo="skip",
        showlegend=False,
    )


def _line(name: str, label: str, curve: RocCurve, style: Style, opacity: float) -> go.Scatter:
    return go.Scatter(
        x=100 * curve.false_positive_rate,
        y=100 * curve.sensitivity,
        mode="lines",
        name=label,
        line={"color": style.colour, "dash": style.dash, "width": 3 if opacity == 1 else 2},
        opacity=opacity,
        zorder=int(opacity == 1),
        hovertemplate=f"<b>{plain_text(name)}</b><br>{RATES}<extra></extra>",
        legendgroup=name,
    )


def _operating_point(name: str, curve: RocCurve, style: Style, opacity: float) -> go.Scatter:
    false_positives, true_positives = curve.operating_point
    title = plain_text(name)
    return go.Scatter(
        x=[100 * false_positives],
        y=[100 * true_positives],
        mode="markers",
        name=f"{title}, operating point",
        opacity=opacity,
        zorder=int(opacity == 1),
        marker={"color": style.colour, "symbol": style.symbol, "size": 11},
        hovertemplate=f"<b>{title}</b>, operating point (argmax)<br>{RATES}<extra></extra>",
        legendgroup=name,
        showlegend=False,
    )


def roc_curves_alt(curves: Mapping[str, RocCurve], target: str) -> str:
    """What `roc_curves` shows, in words."""
    areas = sorted(((curve.area, name) for name, curve in curves.items()), reverse=True)
    listed = ", ".join(f"{name} {fraction(area)}" for area, name in areas)
    points = ", ".join(
        f"{percent(curves[name].operating_point[1], 0)} at "
        f"{percent(curves[name].operating_point[0], 0)}"
        for _, name in areas
    )
    return (
        f"ROC curves, {target}; AUC: {listed}. True positive rate at which false positive rate, at "
        f"the operating points, in the same order: {points}."
    )
