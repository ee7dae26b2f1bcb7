"""ROC curves."""

from collections.abc import Mapping

import plotly.graph_objects as go

from modelzoo.evaluation.roc import RocCurve
from pages.figures.frame import GRID, blank_figure
from pages.shell.palette import Style


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
                name=f"{name}, AUC {curve.area:.3f}",
                line={"color": styles[name].colour, "dash": styles[name].dash, "width": 2},
                hovertemplate=f"<b>{name}</b><br>%{{y:.1f}} % found at %{{x:.1f}} % false alarms"
                "<extra></extra>",
                legendgroup=name,
            )
        )
        let_in, found = curve.operating_point
        figure.add_trace(
            go.Scatter(
                x=[100 * let_in],
                y=[100 * found],
                mode="markers",
                name=f"{name}, as it answers",
                marker={"color": styles[name].colour, "symbol": styles[name].symbol, "size": 11},
                hovertemplate=f"<b>{name}</b>, as it answers<br>%{{y:.1f}} % found at %{{x:.1f}} % "
                "false alarms<extra></extra>",
                legendgroup=name,
                showlegend=False,
            )
        )
    # In the lower right corner, which only a curve worse than guessing would reach.
    legend = {"orientation": "v", "x": 1, "xanchor": "right", "y": 0.01, "yanchor": "bottom"}
    figure.update_layout(
        legend=legend | {"font": {"size": 10}, "bgcolor": "rgba(0, 0, 0, 0)", "tracegroupgap": 0}
    )
    figure.update_xaxes(
        title_text="false alarms in %", range=[-1, 101], gridcolor=GRID, zeroline=False
    )
    figure.update_yaxes(title_text="found in %", range=[-1, 102], gridcolor=GRID, zeroline=False)
    return figure


def roc_curves_alt(curves: Mapping[str, RocCurve], target: str) -> str:
    """What `roc_curves` shows, in words."""
    areas = sorted(((curve.area, name) for name, curve in curves.items()), reverse=True)
    listed = ", ".join(f"{name} {area:.3f}" for area, name in areas)
    points = ", ".join(
        f"{curves[name].operating_point[1]:.0%} at {curves[name].operating_point[0]:.0%}"
        for _, name in areas
    )
    return (
        f"ROC curves, {target}; areas: {listed}. Found at which share of false alarms, as the "
        f"models answer, in the same order: {points}."
    )
