"""Class distribution of a data set."""

from collections.abc import Mapping

import plotly.graph_objects as go

from modelzoo.datasets.splits import PART_WORDS, Part
from modelzoo.text import capital, join, shorten_all
from pages.figures.frame import (
    GRID,
    axis_title,
    blank_figure,
    place_legend,
    source_height,
    wrap_text,
)
from pages.shell.palette import PART_STYLES

NAME_LETTERS = 40  # in two or three lines, whose letters follow: beside more, a phone has no room
LINE_LETTERS = 20
HOVER_LETTERS = 60  # of a line of a name, whole, under the mouse
BAR_PX, LINE_PX = 34, 17  # of a class, of a line of its name
TOP_PX = 44  # of the title


def class_distribution(
    counts: Mapping[Part | None, Mapping[str, int]], *, source: str = ""
) -> go.Figure:
    """Images of each class as a bar, divided into parts; the total stands at its end.

    Args:
        counts: By part and class, from `count_by_part`.
        source: Data set and split, for the axis title.
    """
    classes = list(next(iter(counts.values())))
    short = shorten_all(classes, NAME_LETTERS)
    labels = [wrap_text(short[name], LINE_LETTERS) for name in classes]
    bar_px = max(BAR_PX, LINE_PX * (1 + max(label.count("<br>") for label in labels)))
    figure = blank_figure(height=TOP_PX + bar_px * len(classes), title="Class distribution")
    places = list(range(len(classes)))
    for part, by_class in counts.items():
        figure.add_trace(_bars(part, places, by_class))
    totals = [sum(by_class[name] for by_class in counts.values()) for name in classes]
    figure.add_trace(
        go.Scatter(
            x=totals,
            y=places,
            mode="text",
            text=[f" {total:,}" for total in totals],
            textposition="middle right",
            cliponaxis=False,
            hoverinfo="skip",
            showlegend=False,
        )
    )
    figure.update_layout(
        barmode="stack",
        bargap=0.25,
        margin={"t": TOP_PX, "r": 48},  # beside the bars: the totals
    )
    parts = [describe_part(part) for part in counts] if set(counts) != {None} else []
    place_legend(figure, parts, source_height(source))
    figure.update_layout(showlegend=bool(parts), legend={"traceorder": "normal"})
    figure.update_xaxes(
        title_text=axis_title("images", source), gridcolor=GRID, rangemode="tozero", tickformat=",d"
    )
    # Names of classes as texts at places: two that wrap alike would be one category.
    figure.update_yaxes(
        tickvals=places,
        ticktext=labels,
        autorange="reversed",
        showgrid=False,
        automargin=True,
        ticksuffix=4 * " ",
    )
    return figure


def _bars(part: Part | None, places: list[int], by_class: Mapping[str, int]) -> go.Bar:
    title, style = describe_part(part), PART_STYLES[part]
    return go.Bar(
        x=list(by_class.values()),
        y=places,
        orientation="h",
        name=title,
        marker={
            "color": style.colour,
            "pattern": {
                "shape": style.pattern,
                "fillmode": "overlay",  # else the colour is that of the lines alone
                "fgcolor": "rgba(255, 255, 255, 0.45)",
                "size": 6,
            },
        },
        customdata=[wrap_text(name, HOVER_LETTERS) for name in by_class],
        hovertemplate=f"<b>%{{customdata}}</b><br>{title}: %{{x:,}} images<extra></extra>",
    )


def describe_part(part: Part | None) -> str:
    """A part as people call it."""
    return f"{PART_WORDS[part]} set" if part else "in no set"


def class_distribution_alt(counts: Mapping[Part | None, Mapping[str, int]]) -> str:
    """What `class_distribution` shows, in words."""
    sentences = []
    for part, by_class in counts.items():
        listed = join([f"{name} {images:,}" for name, images in by_class.items()])
        where = "" if set(counts) == {None} else f" {describe_part(part)}:"
        sentences.append(f"{capital(where.strip())} {listed}.".lstrip())
    return f"Images of each class. {' '.join(sentences)}"
