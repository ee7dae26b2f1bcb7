"""Learning curves."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pages.figures.frame import (
    GRID,
    LEGEND_LETTERS,
    axis_title,
    blank_figure,
    place_legend,
    source_height,
    wrap_text,
)
from pages.shell.palette import Style

LIVE = "#8060C8"  # reads on light and dark
# Columns of a history, or the error rate that follows from one, and what people call them.
CURVES = {
    "validation_accuracy": "Validation accuracy",
    "validation_error": "Validation error rate",
    "validation_loss": "Validation loss",
    "train_accuracy": "Training accuracy",
    "train_error": "Training error rate",
    "train_loss": "Training loss",
}
MARKS = "mark: lowest validation loss, the checkpoint; vertical bar: highest validation accuracy"
MARK_PX, BAR_PX = 13, 24
AXES_PX = 360  # height without the legend


def learning_curves(
    histories: Mapping[str, pd.DataFrame],
    styles: Mapping[str, Style],
    curve: str,
    *,
    source: str = "",
) -> go.Figure:
    """One measure of each run by epoch; the two best epochs are marked.

    Args:
        histories: By the name of the run.
        styles: The same.
        curve: A key of CURVES.
        source: Data set and split, for the axis title.
    """
    labels = {name: wrap_text(name, LEGEND_LETTERS) for name in histories}
    figure = blank_figure(height=AXES_PX, title=f"{CURVES[curve]} by epoch")
    for name, history in histories.items():
        values = _values(history, curve)
        if values is not None and not history.empty:
            figure.add_trace(_curve(labels[name], history, values, styles[name]))
            figure.add_traces(_bar(labels[name], history, values, styles[name].colour))
    figure.update_xaxes(title_text=_epoch_title(source), gridcolor=GRID)
    _whole_epochs(figure, histories.values())
    unit = "" if curve.endswith("loss") else " in %"
    figure.update_yaxes(title_text=f"{CURVES[curve].lower()}{unit}", gridcolor=GRID)
    place_legend(figure, labels.values(), source_height(MARKS) + source_height(source))
    return figure


def _epoch_title(source: str) -> str:
    """The title of the axis, what the marks mean, and what the figure was made from."""
    return axis_title(axis_title("epoch", MARKS), source)


def _values(history: pd.DataFrame, curve: str) -> "pd.Series[float] | None":
    """A measure by epoch, shares in percent; None where the history does not have it."""
    part, _, measure = curve.rpartition("_")
    column = f"{part}_accuracy" if measure == "error" else curve
    if column not in history:
        return None
    values: pd.Series[float] = history[column]
    if measure == "error":
        return 100 * (1 - values)
    return 100 * values if measure == "accuracy" else values


def _curve(
    name: str, history: pd.DataFrame, values: "pd.Series[float]", style: Style
) -> go.Scatter:
    """The line of one run, with a mark at the epoch of its checkpoint."""
    best = best_epoch(history)
    sizes = [MARK_PX if epoch == best else 0 for epoch in history["epoch"]]
    return go.Scatter(
        x=history["epoch"],
        y=values,
        mode="lines+markers",
        name=name,
        line={"color": style.colour, "dash": style.dash, "width": 2},
        marker={"size": sizes, "symbol": style.symbol, "opacity": 1},
        hovertemplate=f"<b>{name}</b><br>epoch %{{x}}: %{{y:.3g}}<extra></extra>",
        legendgroup=name,
    )


def _bar(
    name: str, history: pd.DataFrame, values: "pd.Series[float]", colour: str
) -> list[go.Scatter]:
    """The mark at the epoch of the highest validation accuracy; nothing where it is not known."""
    epoch = most_accurate_epoch(history)
    if epoch is None:
        return []
    title = f"<b>{name}</b><br>" if name else ""
    return [
        go.Scatter(
            x=[epoch],
            y=values[history["epoch"] == epoch],
            mode="markers",
            marker={
                "size": BAR_PX,
                "symbol": "line-ns-open",
                "color": colour,
                "line": {"width": 2, "color": colour},
            },
            hovertemplate=f"{title}epoch %{{x}}, highest validation accuracy: %{{y:.3g}}"
            "<extra></extra>",
            legendgroup=name,
            showlegend=False,
        )
    ]


def learning_curves_alt(histories: Mapping[str, pd.DataFrame], curve: str) -> str:
    """What `learning_curves` shows, in words."""
    best = ", ".join(
        f"{name} {best_epoch(history)} and {most_accurate_epoch(history)} of {len(history)}"
        for name, history in histories.items()
        if best_epoch(history) is not None
    )
    return (
        f"{CURVES[curve]} by epoch; epochs of the lowest validation loss, the checkpoint, and of "
        f"the highest validation accuracy: {best}."
    )


def live_curves(history: pd.DataFrame, measure: str, *, source: str = "") -> go.Figure:
    """`measure` of one run by epoch: training dotted, validation solid with its best epochs.

    Args:
        history: Of the run.
        measure: "loss" or "accuracy".
        source: Run, data set and split, for the axis title.
    """
    figure = blank_figure(height=284 + source_height(MARKS) + source_height(source))
    for part, title, dash in (
        ("train", "training", "dot"),
        ("validation", "validation", "solid"),
    ):
        values = _values(history, f"{part}_{measure}")
        if values is None:
            continue
        best = best_epoch(history) if part == "validation" else None
        figure.add_trace(
            go.Scatter(
                x=history["epoch"],
                y=values,
                mode="lines+markers",
                name=title,
                line={"color": LIVE, "dash": dash, "width": 2},
                marker={
                    "size": [
                        MARK_PX if epoch == best else 6 if len(history) == 1 else 0
                        for epoch in history["epoch"]
                    ],
                    "opacity": 1,
                },
                hovertemplate=f"epoch %{{x}}, {title}: %{{y:.3g}}<extra></extra>",
            )
        )
        if part == "validation" and not history.empty:
            figure.add_traces(_bar("", history, values, LIVE))
    # Between the buttons and the axes: on a phone they share a line.
    figure.update_layout(margin={"t": 56}, legend={"y": 1, "yanchor": "bottom"})
    figure.update_xaxes(title_text=_epoch_title(source), gridcolor=GRID)
    _whole_epochs(figure, [history])
    unit = "" if measure == "loss" else " in %"
    figure.update_yaxes(title_text=f"{measure}{unit}", gridcolor=GRID)
    return figure


def live_curves_alt(history: pd.DataFrame, measure: str) -> str:
    """What `live_curves` shows, in words."""
    training, validation = (_values(history, f"{p}_{measure}") for p in ("train", "validation"))
    if history.empty or training is None or validation is None:
        return f"No {measure} yet: no epoch is finished."
    unit = "" if measure == "loss" else " %"
    return (
        f"{measure.capitalize()} after epoch {history['epoch'].iloc[-1]:.0f}: "
        f"training {training.iloc[-1]:.3g}{unit}, validation {validation.iloc[-1]:.3g}{unit}. "
        f"Lowest validation loss, the checkpoint: epoch {best_epoch(history)}; highest validation "
        f"accuracy: epoch {most_accurate_epoch(history)}."
    )


def _whole_epochs(figure: go.Figure, histories: Iterable[pd.DataFrame]) -> None:
    """Ticks at whole epochs only, about eight of them: no epoch is numbered 1.2."""
    last = max((len(history) for history in histories), default=1)
    figure.update_xaxes(tick0=0, dtick=max(1, round(last / 8)), tickformat="d")


def best_epoch(history: pd.DataFrame) -> int | None:
    """The best epoch, whose checkpoint is kept: the first of the lowest validation loss."""
    if "validation_loss" not in history or not history["validation_loss"].notna().any():
        return None
    return int(history["epoch"].iloc[int(np.nanargmin(history["validation_loss"].to_numpy()))])


def most_accurate_epoch(history: pd.DataFrame) -> int | None:
    """The first epoch of the highest validation accuracy."""
    if "validation_accuracy" not in history or not history["validation_accuracy"].notna().any():
        return None
    return int(history["epoch"].iloc[int(np.nanargmax(history["validation_accuracy"].to_numpy()))])
