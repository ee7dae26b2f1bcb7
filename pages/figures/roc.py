"""ROC curves."""

from collections.abc import Mapping

import plotly.graph_objects as go

from modelzoo.evaluation.roc import RocCurve
from modelzoo.text import fraction, percent
from pages.figures.curves import Axes, Curve, draw_chance, draw_curves
from pages.shell.palette import Style

AXES = Axes(
    x="false positive rate",
    y="true positive rate (sensitivity)",
    area="AUC",
    rates="true positive rate %{y:.1f} % at false positive rate %{x:.1f} %",
    shape="linear",
)


def roc_curves(
    curves: Mapping[str, RocCurve],
    styles: Mapping[str, Style],
    *,
    target: str = "",
    source: str = "",
) -> go.Figure:
    """ROC curves of all runs, as `draw_curves` has them.

    Args:
        curves: By the name of the run.
        styles: The same.
        target: Whose they are, for the title.
        source: Data set, split and number of images, for the axis title.
    """
    drawn = {
        name: Curve(curve.false_positive_rate, curve.sensitivity, curve.area, curve.operating_point)
        for name, curve in curves.items()
    }
    title = f"ROC curves, {target}" if target else ""
    return draw_curves(drawn, styles, AXES, draw_chance((0, 100)), title=title, source=source)


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
