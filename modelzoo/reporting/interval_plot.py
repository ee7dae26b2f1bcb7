"""Scores with their intervals as SVG, for a page without a script. Rows in, an element out."""

import math
from collections.abc import Callable, Mapping, Sequence

from modelzoo.evaluation.metrics import METRICS
from modelzoo.evaluation.rows import LeaderboardRow
from modelzoo.evaluation.tables import describe_score, describe_score_briefly
from modelzoo.reporting.markup import Node, tag
from modelzoo.text import shorten_all

WIDTH = 360  # units: on a phone one is about a pixel, so that letters stay readable
_MARGIN = 8
_TOP = 6
_ROW = 36  # a line for the name, one for the interval
_BOTTOM = 38
_NAME_LETTERS = 34
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)  # between ticks
_MOST_TICKS = 6


def interval_plot(
    rows: Sequence[LeaderboardRow], names: Mapping[str, str], metric: str
) -> Node | None:
    """Each score as a point with its 95 % interval as a line, in the order of `rows`.

    Args:
        rows: Best first.
        names: By run id.
        metric: A key of METRICS.

    Returns:
        An `svg` element whose title says what it shows; None where no run has the score.
    """
    scored = [row for row in rows if not math.isnan(row.evaluation.scores[metric].value)]
    if not scored:
        return None
    low, high, step = _axis(scored, metric)
    height = _TOP + _ROW * len(scored) + _BOTTOM

    def across(value: float) -> float:
        return _MARGIN + (value - low) / (high - low) * (WIDTH - 2 * _MARGIN)

    words = "; ".join(
        f"{names[row.run_id]} {describe_score(metric, row.evaluation.scores[metric])}"
        for row in scored
    )
    title = f"{METRICS[metric].title} with 95 % intervals, one line per run: {words}."
    short = shorten_all([names[row.run_id] for row in scored], _NAME_LETTERS)
    bottom = _TOP + _ROW * len(scored)
    parts = [_tick(across(value), bottom, metric, value) for value in _ticks(low, high, step)]
    for at, row in enumerate(scored):
        middle = _TOP + _ROW * at + 27
        parts.append(_row(short[names[row.run_id]], middle, across, row, metric))
    axis = tag("text", _axis_title(metric, low, high), x=str(_MARGIN), y=str(height - 4))
    return tag(
        "svg",
        tag("title", title),
        *parts,
        axis,
        viewBox=f"0 0 {WIDTH} {height}",
        role="img",
        aria_label=title,
        class_="plot",
    )


def _axis(rows: Sequence[LeaderboardRow], metric: str) -> tuple[float, float, float]:
    """Both ends of the axis and the distance of its ticks: all intervals, on whole ticks."""
    scores = [row.evaluation.scores[metric] for row in rows]
    ends = [end for score in scores for end in (score.value, score.ci_low, score.ci_high)]
    least = min(end for end in ends if not math.isnan(end))
    most = max(end for end in ends if not math.isnan(end))
    span = max(most - least, 0.02)
    step = next(
        (each for each in _STEPS if span / each <= _MOST_TICKS - 1),
        10 ** math.ceil(math.log10(span / (_MOST_TICKS - 1))),
    )
    low = step * math.floor(least / step + 1e-9)
    high = step * math.ceil(most / step - 1e-9)
    return low, max(high, low + step), step


def _ticks(low: float, high: float, step: float) -> list[float]:
    return [low + step * at for at in range(round((high - low) / step) + 1)]


def _tick(x: float, bottom: int, metric: str, value: float) -> Node:
    """A line through all rows with its value below; the outer ones stay inside."""
    anchor = "middle"
    if x < 2 * _MARGIN:
        anchor = "start"
    elif x > WIDTH - 2 * _MARGIN:
        anchor = "end"
    text = f"{100 * value:.0f}" if METRICS[metric].unit == "%" else f"{value:.2f}"
    at = f"{x:.1f}"
    line = tag("line", x1=at, x2=at, y1=str(_TOP), y2=str(bottom), class_="grid")
    return tag("g", line, tag("text", text, x=at, y=str(bottom + 14), text_anchor=anchor))


def _row(
    name: str, middle: int, across: Callable[[float], float], row: LeaderboardRow, metric: str
) -> Node:
    score = row.evaluation.scores[metric]
    y = str(middle)
    label = f"{name}: {describe_score_briefly(metric, score)}"
    parts = [tag("text", label, x=str(_MARGIN), y=str(middle - 9))]
    if not math.isnan(score.ci_low):
        ends = {"x1": f"{across(score.ci_low):.1f}", "x2": f"{across(score.ci_high):.1f}"}
        parts.append(tag("line", y1=y, y2=y, class_="interval", **ends))
    parts.append(tag("circle", cx=f"{across(score.value):.1f}", cy=y, r="4.5"))
    return tag("g", *parts)


def _axis_title(metric: str, low: float, high: float) -> str:
    unit = " in %" if METRICS[metric].unit == "%" else ""
    whole = "" if low <= METRICS[metric].lowest else "; the axis does not begin at its lowest"
    return f"{METRICS[metric].title}{unit}{whole}"
