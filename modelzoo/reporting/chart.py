"""Curves in percent as SVG, for a page without a script. Numbers in, an element out."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from modelzoo.reporting.markup import Node, tag

SIDE = 260  # units of both axes: on a phone one is about a pixel, so that letters stay readable
_LEFT = 40
_TOP = 8
_BOTTOM = 40
_RIGHT = 12
_STEPS = (1, 2, 5, 10, 20)  # between ticks, in percent
_MOST_TICKS = 6


@dataclass(frozen=True, slots=True)
class Line:
    """One curve, in percent; NaN where an end of an interval is not known."""

    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float]  # of the interval of each y
    high: Sequence[float]
    has_points: bool = False  # with a bar each in place of a band
    is_dashed: bool = False


def draw_chart(
    lines: Sequence[Line], *, words: str, x_title: str, y_title: str, has_diagonal: bool = False
) -> Node:
    """An `svg` element with the curves, whose title says what they show.

    Args:
        lines: At least one, with at least one point.
        words: What is drawn.
        x_title: Of the axis.
        y_title: The same.
        has_diagonal: Whether both axes are alike and the line on which they are equal is drawn.
    """
    xs = [x for line in lines for x in line.x]
    ys = [y for line in lines for ends in (line.y, line.low, line.high) for y in ends]
    ys = [y for y in ys if not math.isnan(y)]
    if has_diagonal:
        xs = ys = [*xs, *ys]
    x_low, x_step = _axis(xs)
    y_low, y_step = _axis(ys)

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            _LEFT + (x - x_low) / (100 - x_low) * SIDE,
            _TOP + (100 - y) / (100 - y_low) * SIDE,
        )

    parts = [_tick(place(x, y_low), str(x), is_x=True) for x in range(x_low, 101, x_step)]
    parts += [_tick(place(x_low, y), str(y), is_x=False) for y in range(y_low, 101, y_step)]
    if has_diagonal:
        parts.append(_path([place(x_low, x_low), place(100, 100)], "ideal"))
    for line in lines:
        parts += _draw_line(line, place)
    width, height = _LEFT + SIDE + _RIGHT, _TOP + SIDE + _BOTTOM
    middle = str(_TOP + SIDE / 2)
    titles = [
        tag("text", x_title, x=str(_LEFT + SIDE / 2), y=str(height - 6), text_anchor="middle"),
        tag("text", y_title, x="10", y=middle, text_anchor="middle", transform=_turned(middle)),
    ]
    return tag(
        "svg",
        tag("title", words),
        *parts,
        *titles,
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_label=words,
        class_="plot chart",
    )


def _turned(middle: str) -> str:
    return f"rotate(-90 10 {middle})"


def _axis(values: Sequence[float]) -> tuple[int, int]:
    """Where an axis that ends at 100 begins, and the distance of its ticks."""
    least = min(min(values), 99.0)
    step = next((each for each in _STEPS if (100 - least) / each <= _MOST_TICKS - 1), _STEPS[-1])
    return max(100 - step * math.ceil((100 - least) / step - 1e-9), 0), step


def _tick(at: tuple[float, float], text: str, *, is_x: bool) -> Node:
    """A line through the axes with its value."""
    x, y = f"{at[0]:.1f}", f"{at[1]:.1f}"
    if is_x:
        line = tag("line", x1=x, x2=x, y1=str(_TOP), y2=str(_TOP + SIDE), class_="grid")
        label = tag("text", text, x=x, y=str(_TOP + SIDE + 14), text_anchor="middle")
    else:
        line = tag("line", x1=str(_LEFT), x2=str(_LEFT + SIDE), y1=y, y2=y, class_="grid")
        label = tag("text", text, x=str(_LEFT - 4), y=f"{at[1] + 4:.1f}", text_anchor="end")
    return tag("g", line, label)


def _draw_line(line: Line, place: Callable[[float, float], tuple[float, float]]) -> list[Node]:
    parts = []
    ends = list(zip(line.x, line.low, line.high, strict=True))
    known = [each for each in ends if not math.isnan(each[1])]
    if line.has_points:
        parts += [_path([place(x, low), place(x, high)], "interval thin") for x, low, high in known]
    elif known:
        band = [place(x, low) for x, low, _ in known]
        band += [place(x, high) for x, _, high in reversed(known)]
        parts.append(_path(band, "band"))
    points = [place(x, y) for x, y in zip(line.x, line.y, strict=True)]
    parts.append(_path(points, "curve dashed" if line.is_dashed else "curve"))
    if line.has_points:
        parts += [tag("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="3.5") for x, y in points]
    return parts


def _path(points: Sequence[tuple[float, float]], class_: str) -> Node:
    d = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return tag("path", d=d, class_=class_)
