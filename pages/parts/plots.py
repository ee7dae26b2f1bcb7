"""Figures: records in, `go.Figure` out, and one sentence beside each for those who do not see it.

No Streamlit: text has the colour of the theme that draws it, so a change of theme needs no rerun.
"""

import base64
import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go

from modelzoo.evaluation.leaderboard import LeaderboardRow, best_first
from modelzoo.evaluation.scores import METRICS, RocCurve
from pages.parts.colours import Style, backbone_style

FORMATS = ("PNG", "SVG")
UNUSED_BUTTONS = ["select2d", "lasso2d", "autoScale2d", "pan2d", "zoomIn2d", "zoomOut2d"]
GRID = "rgba(128, 128, 128, 0.25)"
EMPTY_CELL, FULL_CELL = "#e8f0f7", "#0b4f8a"  # opaque, so that both themes can hold them
ON_EMPTY, ON_FULL = "#0d0b10", "#ffffff"  # text; at FULL both have a contrast of 4 to the cell
FULL = 0.69
LIVE = "#8060C8"  # reads on light and dark
FRAME = "#D55E00"  # of the cell chosen; stands out on both cells and both themes


def config(name: str, file_format: str) -> dict[str, object]:
    """Plotly's own settings: a figure's camera button saves it as `blastlens-<name>`.

    Args:
        name: Of the file, without its ending.
        file_format: One of `FORMATS`.
    """
    return {
        "displaylogo": False,
        "displayModeBar": True,  # not under the mouse alone: fingers and keyboards have none
        "modeBarButtonsToRemove": UNUSED_BUTTONS,
        "toImageButtonOptions": {
            "format": file_format.lower(),
            "filename": f"blastlens-{name}",
            "scale": 2 if file_format == "PNG" else 1,  # sharp in print; an SVG is so anyway
        },
    }


def score_intervals(
    rows: Sequence[LeaderboardRow], names: Mapping[str, str], metric: str
) -> go.Figure:
    """Each run's score as a point with its interval as a bar, the best on top."""
    figure = _figure(height=90 + 34 * len(rows))
    for row in reversed(best_first(rows)):
        score, style = row.evaluation.scores[metric], backbone_style(row.backbone)
        if math.isnan(score.value):
            continue
        has_interval = not math.isnan(score.low)
        words = f" ({100 * score.low:.1f} to {100 * score.high:.1f})" if has_interval else ""
        figure.add_trace(
            go.Scatter(
                x=[100 * score.value],
                y=[names[row.run_id]],
                error_x={
                    "array": [100 * (score.high - score.value)],
                    "arrayminus": [100 * (score.value - score.low)],
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
    figure.update_xaxes(
        title_text=f"{METRICS[metric].title} in %, with 95 % interval", gridcolor=GRID
    )
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


def confusion(
    counts: npt.NDArray[np.int64],
    classes: Sequence[str],
    chosen: tuple[str, str] | None = None,
) -> go.Figure:
    """A confusion matrix: counts, and percent of the true class, which is also the shade.

    Args:
        counts: (K, K), true class by answer.
        classes: (K,).
        chosen: True class and answer of the cell that gets a frame.
    """
    total = counts.sum(1, keepdims=True)
    share = np.divide(counts, total, out=np.zeros(counts.shape), where=total > 0)
    figure = _figure(height=110 + 58 * len(classes))
    figure.add_trace(
        go.Heatmap(
            z=100 * share,
            x=list(classes),
            y=list(classes),
            zmin=0,
            zmax=100,
            colorscale=[[0, EMPTY_CELL], [1, FULL_CELL]],
            showscale=False,
            xgap=2,
            ygap=2,
            hoverinfo="skip",
        )
    )
    cells = [(i, j) for i in range(len(classes)) for j in range(len(classes))]
    # Plotly tells no clicks on a heatmap, so each cell has a mark that cannot be seen.
    unseen = {"marker": {"opacity": 0}}
    figure.add_trace(
        go.Scatter(
            x=[classes[j] for _, j in cells],
            y=[classes[i] for i, _ in cells],
            customdata=[[int(counts[cell]), 100 * share[cell]] for cell in cells],
            mode="markers",
            marker={"size": 44, "symbol": "square", "opacity": 0},
            selected=unseen,
            unselected=unseen,
            hovertemplate="true %{y}, said to be %{x}<br>%{customdata[0]} images, "
            "%{customdata[1]:.1f} % of %{y}<extra></extra>",
            showlegend=False,
        )
    )
    figure.update_layout(
        # Known from the names: Plotly would draw each of many matrices several times to find it.
        margin={"l": 30 + 8 * max(map(len, classes)), "r": 4, "t": 28, "b": 54},
        hovermode="closest",
        hoverdistance=60,  # pixels: anywhere in a cell
        # Not a trace's text, which would fade when another cell is selected.
        annotations=[
            {
                "x": j,
                "y": i,
                "text": f"<b>{counts[i, j]}</b><br>{100 * share[i, j]:.0f} %"
                if counts[i, j]
                else "0",
                "showarrow": False,
                "font": {"color": ON_FULL if share[i, j] > FULL else ON_EMPTY},
            }
            for i, j in cells
        ],
        shapes=[
            {
                "type": "rect",
                "x0": j - 0.48,
                "x1": j + 0.48,
                "y0": i - 0.48,
                "y1": i + 0.48,
                "line": {"color": FRAME, "width": 4},
            }
            for i, j in cells
            if (classes[i], classes[j]) == chosen
        ],
    )
    # Categories, whatever the classes are called: "1" and "2" are no numbers here.
    axis = {"type": "category", "showgrid": False, "automargin": False, "fixedrange": True}
    last = len(classes) - 0.5
    figure.update_xaxes(title_text="said to be", range=[-0.5, last], **axis)
    figure.update_yaxes(title_text="true class", range=[last, -0.5], **axis)
    return figure


def cells_to_click(
    png: bytes, places: Sequence[tuple[float, float]], px: int, radius: float
) -> go.Figure:
    """A picture whose cells can be clicked; a click tells the cell's number, from 1 on.

    Args:
        png: The picture, `px` a side.
        places: (x, y) of each cell's middle, in pixels.
        px: Side of the picture.
        radius: Of what can be hit around a middle, in pixels.
    """
    figure = _figure(height=420)
    figure.add_layout_image(
        source=f"data:image/png;base64,{base64.b64encode(png).decode()}",
        x=0,
        y=0,
        sizex=px,
        sizey=px,
        xref="x",
        yref="y",
        layer="below",
    )
    unseen = {"marker": {"opacity": 0}}
    figure.add_trace(
        go.Scatter(
            x=[x for x, _ in places],
            y=[y for _, y in places],
            customdata=[[number] for number in range(1, len(places) + 1)],
            mode="markers",
            marker={"size": radius, "opacity": 0},
            selected=unseen,
            unselected=unseen,
            hovertemplate="cell %{customdata[0]}<extra></extra>",
            showlegend=False,
        )
    )
    axis = {"visible": False, "fixedrange": True, "constrain": "domain"}
    figure.update_layout(
        margin={"l": 0, "r": 0, "t": 0, "b": 0}, hovermode="closest", hoverdistance=30
    )
    figure.update_xaxes(range=[0, px], **axis)
    figure.update_yaxes(range=[px, 0], scaleanchor="x", **axis)
    return figure


def confusion_alt(counts: npt.NDArray[np.int64], classes: Sequence[str], name: str) -> str:
    """What `confusion` shows, in words: how many are right, and the commonest mistake."""
    wrong = counts - np.diag(np.diag(counts))
    right = f"{name}: {int(np.trace(counts))} of {int(counts.sum())} test images right"
    if not wrong.any():
        return f"{right}, no mistake."
    i, j = divmod(int(wrong.argmax()), len(classes))
    mistake = f"{classes[i]} taken for {classes[j]}, {wrong[i, j]} times"
    return f"{right}; the commonest mistake is {mistake}."


def roc_curves(curves: Mapping[str, RocCurve], styles: Mapping[str, Style]) -> go.Figure:
    """ROC curves of all runs on one pair of axes, the largest area first, with operating points.

    Args:
        curves: By the run's name.
        styles: By the run's name.
    """
    figure = _figure(height=440)
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


def training_curves(
    histories: Mapping[str, pd.DataFrame], styles: Mapping[str, Style], measure: str
) -> go.Figure:
    """One column of each run's history by epoch; the epoch that was kept is marked."""
    figure = _figure(height=340 + 18 * len(histories))
    is_share = measure.endswith("accuracy")
    for name, history in histories.items():
        if measure not in history or history.empty:
            continue
        values = history[measure] * (100 if is_share else 1)
        kept = best_epoch(history)
        sizes = [13 if epoch == kept else 0 for epoch in history["epoch"]]
        figure.add_trace(
            go.Scatter(
                x=history["epoch"],
                y=values,
                mode="lines+markers",
                name=name,
                line={"color": styles[name].colour, "dash": styles[name].dash, "width": 2},
                marker={"size": sizes, "symbol": styles[name].symbol, "opacity": 1},
                hovertemplate=f"<b>{name}</b><br>epoch %{{x}}: %{{y:.3g}}<extra></extra>",
            )
        )
    unit = " in %" if is_share else ""
    figure.update_xaxes(title_text="epoch (marked: the one that was kept)", gridcolor=GRID)
    figure.update_yaxes(title_text=f"{measure.replace('_', ' ')}{unit}", gridcolor=GRID)
    return figure


def training_curves_alt(histories: Mapping[str, pd.DataFrame], measure: str) -> str:
    """What `training_curves` shows, in words."""
    kept = ", ".join(
        f"{name} {best_epoch(history)} of {len(history)}"
        for name, history in histories.items()
        if best_epoch(history) is not None
    )
    return f"{measure.replace('_', ' ').capitalize()} by epoch; epochs kept: {kept}."


def live_curves(history: pd.DataFrame, measure: str) -> go.Figure:
    """One run's `measure`, "loss" or "accuracy", by epoch: training dotted, validation solid."""
    figure = _figure(height=260)
    scale = 100 if measure == "accuracy" else 1
    for part, dash in (("train", "dot"), ("validation", "solid")):
        if f"{part}_{measure}" not in history:
            continue
        figure.add_trace(
            go.Scatter(
                x=history["epoch"],
                y=scale * history[f"{part}_{measure}"],
                mode="lines" if len(history) > 1 else "markers",
                name=part,
                line={"color": LIVE, "dash": dash, "width": 2},
                hovertemplate=f"epoch %{{x}}, {part}: %{{y:.3g}}<extra></extra>",
            )
        )
    unit = " in %" if measure == "accuracy" else ""
    figure.update_layout(legend={"y": 1, "yanchor": "bottom"})
    figure.update_xaxes(title_text="epoch", gridcolor=GRID)
    figure.update_yaxes(title_text=f"{measure}{unit}", gridcolor=GRID)
    return figure


def live_curves_alt(history: pd.DataFrame, measure: str) -> str:
    """What `live_curves` shows, in words."""
    if history.empty or f"validation_{measure}" not in history:
        return f"No {measure} yet: no epoch is finished."
    last = history.iloc[-1]
    scale, unit = (100, " %") if measure == "accuracy" else (1, "")
    return (
        f"{measure.capitalize()} after epoch {last['epoch']:.0f}: "
        f"training {scale * last[f'train_{measure}']:.3g}{unit}, "
        f"validation {scale * last[f'validation_{measure}']:.3g}{unit}."
    )


def best_epoch(history: pd.DataFrame) -> int | None:
    """The epoch that a training keeps: the first of the lowest validation loss."""
    if "validation_loss" not in history or not history["validation_loss"].notna().any():
        return None
    return int(history["epoch"].iloc[int(np.nanargmin(history["validation_loss"].to_numpy()))])


def _figure(*, height: int) -> go.Figure:
    """An empty figure as all of ours begin: tight margins, legend below, nothing to drag."""
    return go.Figure(
        layout={
            "height": height,
            "margin": {"l": 8, "r": 12, "t": 32, "b": 8},  # above: the buttons
            "legend": {
                "orientation": "h",
                "yanchor": "top",
                "y": -0.2,
                "x": 0,
            },
            "dragmode": False,
            "hoverlabel": {"align": "left"},
        }
    )
