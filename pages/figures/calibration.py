"""Reliability diagrams."""

import math
from collections.abc import Iterable

import plotly.graph_objects as go

from modelzoo.evaluation.calibration import Reliability, ReliabilityBin
from modelzoo.evaluation.intervals import Score
from modelzoo.text import confidence_interval, count, fraction, percent
from pages.figures.frame import GRID, axis_title, blank_figure, plain_text, source_height
from pages.shell.palette import Style

AXES_PX = 380
WIDTH_PX = 380  # at least: of the axis titles
LEAST_SPAN = 20  # percentage points of the axes: less would look like a large error


def reliability_diagram(
    reliability: Reliability,
    style: Style,
    *,
    name: str,
    low: int = 0,
    target: str | None = None,
    source: str = "",
) -> go.Figure:
    """The share of images for which a probability came true, by probability, one point per bin.

    Args:
        reliability: At least one bin.
        style: Of the run.
        low: Where both axes begin, in percent.
        name: The same, for the title.
        target: Class whose probability is drawn; None: the predicted class.
        source: Data set, split and number of images, for the axis title.
    """
    figure = blank_figure(height=AXES_PX + source_height(source), title=name)
    ends = [low, 100]
    figure.add_trace(
        go.Scatter(
            x=ends,
            y=ends,
            mode="lines",
            line={"color": GRID, "dash": "dot"},
            hovertemplate="ideal calibration<extra></extra>",
            showlegend=False,
        )
    )
    figure.add_trace(_points(reliability, style))
    whose = "the predicted class" if target is None else plain_text(target)
    share = "share correct" if target is None else f"share of {plain_text(target)}"
    margin = (100 - low) / 50
    for update, title in (
        (figure.update_xaxes, axis_title(f"probability of {whose} in %", source)),
        (figure.update_yaxes, f"{share} in %"),
    ):
        update(title_text=title, range=[low - margin, 100 + margin], gridcolor=GRID, zeroline=False)
    return figure


def axes_begin(diagrams: Iterable[Reliability]) -> int:
    """Where the axes of these diagrams begin, in percent: the tens below all points and bars."""
    lowest = min(
        min(each.confidence, _interval(each.share)[0])
        for reliability in diagrams
        for each in reliability.bins
    )
    return min(10 * math.floor(10 * lowest), 100 - LEAST_SPAN)


def reliability_diagram_alt(reliability: Reliability, name: str, target: str | None = None) -> str:
    """What `reliability_diagram` shows, in words."""
    whose = "the predicted class" if target is None else target
    share = "share correct" if target is None else f"share of {target}"
    points = "; ".join(
        f"{percent(each.confidence)}: {_describe(each.share)}, {count(each.images, 'image')}"
        for each in reliability.bins
    )
    return (
        f"Reliability diagram, {name}: {share} by mean probability of {whose}, one point per bin. "
        f"{points}. ECE {fraction(reliability.ece.value)}."
    )


def _points(reliability: Reliability, style: Style) -> go.Scatter:
    bins = reliability.bins
    shares = [each.share.value for each in bins]
    lows, highs = zip(*(_interval(each.share) for each in bins), strict=True)
    return go.Scatter(
        x=[100 * each.confidence for each in bins],
        y=[100 * share for share in shares],
        error_y={
            "array": [100 * (high - share) for high, share in zip(highs, shares, strict=True)],
            "arrayminus": [100 * (share - low) for low, share in zip(lows, shares, strict=True)],
            "thickness": 2,
            "width": 3,
            "color": style.colour,
        },
        mode="lines+markers",
        line={"color": style.colour, "width": 1},
        marker={"color": style.colour, "symbol": style.symbol, "size": 9},
        customdata=[[_describe_bin(each)] for each in bins],
        hovertemplate="%{customdata[0]}<extra></extra>",
        showlegend=False,
    )


def _interval(share: Score) -> tuple[float, float]:
    """The ends of the interval; the share itself where there is none."""
    if math.isnan(share.ci_low):
        return share.value, share.value
    return share.ci_low, share.ci_high


def _describe(share: Score) -> str:
    """`75.0 % (95 % CI 60.1–88.0 %)`."""
    if math.isnan(share.ci_low):
        return f"{percent(share.value)} (no interval)"
    return f"{percent(share.value)} ({confidence_interval(share.ci_low, share.ci_high)})"


def _describe_bin(each: ReliabilityBin) -> str:
    return (
        f"{_describe(each.share)}<br>at a mean probability of {percent(each.confidence)}<br>"
        f"{count(each.images, 'image')} in {count(each.groups, 'group')}"
    )
