"""ROC curves."""

from collections.abc import Mapping

import plotly.graph_objects as go

from modelzoo.evaluation.roc import RocCurve
from modelzoo.text import percent
from pages.figures.frame import GRID, blank_figure
from pages.shell.palette import Style

RATES = "true positive rate %{y:.1f} % at false positive rate %{x:.1f} %"
LEGEND_LINE = 20  # pixels


def roc_curves(curves: Mapping[str, RocCurve], styles: Mapping[str, Style]) -> go.Figure:
    """ROC curves of all runs on one pair of axes, the largest area first, with operating points.

    Args:
        curves: By the run's name.
        styles: By the run's name.
    """
    figure = blank_figure(height=440)
    figure.add_trace(
        go.Scatter(
            x=[0, 100],
            y=[0, 100],
            mode="lines",
            line={"color": GRID, "dash": "dot"},
            hoverinfo="skip",
            showlegend=False,
        )
    )
    for name, curve in sorted(curves.items(), key=lambda item: -item[1].area):
        figure.add_trace(
            go.Scatter(
                x=100 * curve.false_positive_rate,
                y=100 * curve.sensitivity,
                mode="lines",
                name=f"{name}, AUC {percent(curve.area)}",
                line={"color": styles[name].colour, "dash": styles[name].dash, "width": 2},
                hovertemplate=f"<b>{name}</b><br>{RATES}<extra></extra>",
                legendgroup=name,
            )
        )
        false_positives, true_positives = curve.operating_point
        figure.add_trace(
            go.Scatter(
                x=[100 * false_positives],
                y=[100 * true_positives],
                mode="markers",
                name=f"{name}, operating point",
                marker={"color": styles[name].colour, "symbol": styles[name].symbol, "size": 11},
                hovertemplate=f"<b>{name}</b>, operating point (argmax)<br>{RATES}<extra></extra>",
                legendgroup=name,
                showlegend=False,
            )
        )
    # Below the axes, one line per run: on them it would hide curves, and beside them a phone has
    # no room. A saved picture has room for a wider font, so that no number is cut.
    figure.update_layout(
        height=440 + LEGEND_LINE * len(curves),
        margin={"b": 60 + LEGEND_LINE * len(curves)},
        legend={"orientation": "v", "x": 0, "y": -0.2, "yanchor": "top", "tracegroupgap": 0},
    )
    figure.update_xaxes(
        title_text="false positive rate in %", range=[-1, 101], gridcolor=GRID, zeroline=False
    )
    figure.update_yaxes(
        title_text="true positive rate (sensitivity) in %",
        range=[-1, 102],
        gridcolor=GRID,
        zeroline=False,
    )
    return figure


def roc_curves_alt(curves: Mapping[str, RocCurve], target: str) -> str:
    """What `roc_curves` shows, in words."""
    areas = sorted(((curve.area, name) for name, curve in curves.items()), reverse=True)
    listed = ", ".join(f"{name} {percent(area)}" for area, name in areas)
    points = ", ".join(
        f"{curves[name].operating_point[1]:.0%} at {curves[name].operating_point[0]:.0%}"
        for _, name in areas
    )
    return (
        f"ROC curves, {target}; AUC: {listed}. True positive rate at which false positive rate, at "
        f"the operating points, in the same order: {points}."
    )
