"""Of 1,000 people: who is found, missed, falsely alarmed and cleared, one mark each."""

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from modelzoo.evaluation.operating_words import describe_expected
from modelzoo.evaluation.predictive_values import PEOPLE, Expected, Frequencies, whole_numbers
from modelzoo.text import percent
from pages.figures.frame import (
    axis_title,
    blank_figure,
    place_legend,
    source_height,
    wrap_text,
)

ACROSS = 40  # marks in a row: 1,000 are 25 rows, and a mark has 8 px on a phone
ROW_PX = 13
LEGEND_LETTERS = 44
NO_TICKS_PX = 28  # that an axis with labels would have between marks and legend
# Colour and shape; faint are those with whom nothing happens.
STYLES = (
    ("found", "#0072B2", "circle", 1.0),
    ("missed", "#D55E00", "x", 1.0),
    ("false alarm", "#E69F00", "triangle-up", 1.0),
    ("cleared", "#8A8A8A", "circle-open", 0.55),
)


def people_grid(expected: Frequencies, *, prevalence: float, source: str = "") -> go.Figure | None:
    """1,000 marks in rows: first those with the condition, then the others; None: not known.

    Args:
        expected: From `frequencies`.
        prevalence: That they were made for, for the title.
        source: Data set, split and number of images, below the marks.
    """
    four = _four(expected)
    if any(math.isnan(each.value) for each in four):
        return None
    rows = PEOPLE // ACROSS
    title = f"Of {PEOPLE:,} patients at a prevalence of {percent(prevalence)}"
    figure = blank_figure(height=32 + ROW_PX * rows, title=title)
    labels, start = [], 0
    for style, people, each in zip(STYLES, whole_numbers(expected), four, strict=True):
        label = wrap_text(f"{style[0]}: {describe_expected(each)}", LEGEND_LETTERS)
        figure.add_trace(_marks(range(start, start + people), label, style))
        labels.append(label)
        start += people
    place_legend(figure, labels, source_height(source) - NO_TICKS_PX)
    hidden = {"showgrid": False, "zeroline": False, "showticklabels": False}
    figure.update_xaxes(
        range=[-0.7, ACROSS - 0.3], title_text=axis_title("", source).removeprefix("<br>"), **hidden
    )
    figure.update_yaxes(range=[rows - 0.3, -0.7], **hidden)
    return figure


def _marks(places: Sequence[int], label: str, style: tuple[str, str, str, float]) -> go.Scatter:
    """People of one kind; of none one mark that is not seen, so that the legend names them."""
    _, colour, symbol, opacity = style
    shown = places or [-ACROSS * 9]
    return go.Scatter(
        x=[place % ACROSS for place in shown],
        y=[place // ACROSS for place in shown],
        mode="markers",
        name=label,
        marker={"color": colour, "symbol": symbol, "size": 7, "opacity": opacity},
        hovertemplate=f"{label}<extra></extra>",
    )


def people_alt(expected: Frequencies) -> str:
    """What `people_grid` shows, in words."""
    listed = ", ".join(
        f"{style[0]} {describe_expected(each)}"
        for style, each in zip(STYLES, _four(expected), strict=True)
    )
    return f"Of {PEOPLE:,} patients, with 95 % intervals: {listed}."


def _four(expected: Frequencies) -> tuple[Expected, Expected, Expected, Expected]:
    return expected.found, expected.missed, expected.alarms, expected.cleared
