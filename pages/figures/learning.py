"""Learning curves."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pages.figures.frame import (
    GRID,
    LEGEND_LETTERS,
    LEGEND_MARK_PX,
    axis_title,
    blank_figure,
    legend_width,
    source_height,
    wrap_text,
)
from pages.shell.palette import Style

LIVE = "#8060C8"  # reads on light and dark
# Columns of a history, and what people call them.
CURVES = {
    "validation_accuracy": "Validation accuracy",
    "validation_loss": "Validation loss",
    "train_accuracy": "Training accuracy",
    "train_loss": "Training loss",
}


def learning_curves(
    histories: Mapping[str, pd.DataFrame],
    styles: Mapping[str, Style],
    curve: str,
    *,
    source: str = "",
) -> go.Figure:
    """One column of the history of each run by epoch; the best epoch is marked.

    Args:
        histories: By the name of the run.
        styles: The same.
        curve: A key of CURVES.
        source: Data set and split, for the axis title.
    """
    labels = {name: wrap_text(name, LEGEND_LETTERS) for name in histories}
    lines = sum(1 + label.count("<br>") for label in labels.values())
    figure = blank_figure(
        height=360 + 18 * lines + source_height(source), title=f"{CURVES[curve]} by epoch"
    )
    for name, history in histories.items():
        if curve in history and not history.empty:
            figure.add_trace(_curve(labels[name], history, styles[name], curve))
    title = axis_title("epoch (marked: best epoch, the checkpoint)", source)
    figure.update_xaxes(title_text=title, gridcolor=GRID)
    _whole_epochs(figure, histories.values())
    unit = " in %" if _is_share(curve) else ""
    figure.update_yaxes(title_text=f"{CURVES[curve].lower()}{unit}", gridcolor=GRID)
    width = legend_width(labels.values()) + LEGEND_MARK_PX
    figure.update_layout(legend={"y": -0.28, "entrywidth": width})
    return figure


def _is_share(curve: str) -> bool:
    return curve.endswith("accuracy")


def _curve(name: str, history: pd.DataFrame, style: Style, curve: str) -> go.Scatter:
    """The line of one run, with a mark at its best epoch."""
    best = best_epoch(history)
    sizes = [13 if epoch == best else 0 for epoch in history["epoch"]]
    return go.Scatter(
        x=history["epoch"],
        y=history[curve] * (100 if _is_share(curve) else 1),
        mode="lines+markers",
        name=name,
        line={"color": style.colour, "dash": style.dash, "width": 2},
        marker={"size": sizes, "symbol": style.symbol, "opacity": 1},
        hovertemplate=f"<b>{name}</b><br>epoch %{{x}}: %{{y:.3g}}<extra></extra>",
    )


def learning_curves_alt(histories: Mapping[str, pd.DataFrame], curve: str) -> str:
    """What `learning_curves` shows, in words."""
    best = ", ".join(
        f"{name} {best_epoch(history)} of {len(history)}"
        for name, history in histories.items()
        if best_epoch(history) is not None
    )
    return f"{CURVES[curve]} by epoch; best epochs: {best}."


def live_curves(history: pd.DataFrame, measure: str, *, source: str = "") -> go.Figure:
    """`measure` of one run, "loss" or "accuracy", by epoch: training dotted, validation solid.

    Args:
        history: Of the run.
        measure: "loss" or "accuracy".
        source: Run, data set and split, for the axis title.
    """
    figure = blank_figure(height=284 + source_height(source))
    scale = 100 if measure == "accuracy" else 1
    for part, title, dash in (
        ("train", "training", "dot"),
        ("validation", "validation", "solid"),
    ):
        if f"{part}_{measure}" not in history:
            continue
        figure.add_trace(
            go.Scatter(
                x=history["epoch"],
                y=scale * history[f"{part}_{measure}"],
                mode="lines" if len(history) > 1 else "markers",
                name=title,
                line={"color": LIVE, "dash": dash, "width": 2},
                hovertemplate=f"epoch %{{x}}, {title}: %{{y:.3g}}<extra></extra>",
            )
        )
    unit = " in %" if measure == "accuracy" else ""
    # Between the buttons and the axes: on a phone they share a line.
    figure.update_layout(margin={"t": 56}, legend={"y": 1, "yanchor": "bottom"})
    figure.update_xaxes(title_text=axis_title("epoch", source), gridcolor=GRID)
    _whole_epochs(figure, [history])
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


def _whole_epochs(figure: go.Figure, histories: Iterable[pd.DataFrame]) -> None:
    """Ticks at whole epochs only, about eight of them: no epoch is numbered 1.2."""
    last = max((len(history) for history in histories), default=1)
    figure.update_xaxes(tick0=0, dtick=max(1, round(last / 8)), tickformat="d")


def best_epoch(history: pd.DataFrame) -> int | None:
    """The best epoch, whose checkpoint is kept: the first of the lowest validation loss."""
    if "validation_loss" not in history or not history["validation_loss"].notna().any():
        return None
    return int(history["epoch"].iloc[int(np.nanargmin(history["validation_loss"].to_numpy()))])
