"""Precision-recall curves."""

import math
from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from modelzoo.evaluation.precision_recall import PrecisionRecallCurve
from modelzoo.text import fraction, percent
from pages.figures.curves import Axes, Curve, draw_chance, draw_curves
from pages.shell.palette import Style

AXES = Axes(
    x="recall (sensitivity)",
    y="precision",
    area="AP",
    rates="precision %{y:.1f} % at recall %{x:.1f} %",
    shape="vh",
)


def precision_recall_curves(
    curves: Mapping[str, PrecisionRecallCurve],
    styles: Mapping[str, Style],
    *,
    target: str = "",
    source: str = "",
) -> go.Figure:
    """Precision-recall curves of all runs, as `draw_curves` has them, over the line of chance.

    Args:
        curves: By the name of the run, at least one, all of the same images.
        styles: The same.
        target: Whose they are, for the title.
        source: Data set, split and number of images, for the axis title.
    """
    drawn = {
        name: Curve(
            np.concatenate([[0.0], curve.recall]),
            np.concatenate([curve.precision[:1], curve.precision]),
            curve.average_precision,
            curve.operating_point,
        )
        for name, curve in curves.items()
    }
    chance = 100 * next(iter(curves.values())).chance
    line = draw_chance((chance, chance), hover=f"chance: precision {chance:.1f} %")
    title = f"Precision-recall curves, {target}" if target else ""
    return draw_curves(drawn, styles, AXES, line, title=title, source=source)


def precision_recall_curves_alt(curves: Mapping[str, PrecisionRecallCurve], target: str) -> str:
    """What `precision_recall_curves` shows, in words."""
    by_area = sorted(curves.items(), key=lambda item: (-item[1].average_precision, item[0]))
    listed = ", ".join(f"{name} {fraction(curve.average_precision)}" for name, curve in by_area)
    points = ", ".join(_describe_point(curve) for _, curve in by_area)
    return (
        f"Precision-recall curves, {target}; average precision: {listed}. Precision of guessing: "
        f"{percent(by_area[0][1].chance)}. Precision at which recall, at the operating points, in "
        f"the same order: {points}."
    )


def _describe_point(curve: PrecisionRecallCurve) -> str:
    recall, precision = curve.operating_point
    if math.isnan(precision):
        return "never predicted"
    return f"{percent(precision, 0)} at {percent(recall, 0)}"
