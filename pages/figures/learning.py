"""Learning curves."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pages.figures.frame import GRID, blank_figure
from pages.shell.palette import Style

LIVE = "#8060C8"  # reads on light and dark


def training_curves(
    histories: Mapping[str, pd.DataFrame], styles: Mapping[str, Style], measure: str
) -> go.Figure:
    """One column of each run's history by epoch; the best epoch is marked."""
    figure = blank_figure(height=340 + 18 * len(histories))
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
    figure.update_xaxes(title_text="epoch (marked: best epoch, the checkpoint)", gridcolor=GRID)
    _whole_epochs(figure, histories.values())
    figure.update_yaxes(title_text=f"{measure.replace('_', ' ')}{unit}", gridcolor=GRID)
    return figure


def training_curves_alt(histories: Mapping[str, pd.DataFrame], measure: str) -> str:
    """What `training_curves` shows, in words."""
    kept = ", ".join(
        f"{name} {best_epoch(history)} of {len(history)}"
        for name, history in histories.items()
        if best_epoch(history) is not None
    )
    return f"{measure.replace('_', ' ').capitalize()} by epoch; best epochs: {kept}."


def live_curves(history: pd.DataFrame, measure: str) -> go.Figure:
    """One run's `measure`, "loss" or "accuracy", by epoch: training dotted, validation solid."""
    figure = blank_figure(height=260)
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
