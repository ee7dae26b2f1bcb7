"""What all figures share: size, buttons, source, export. Records in, figures out; no Streamlit."""

import html
import textwrap
from collections.abc import Iterable

import plotly.graph_objects as go

from modelzoo.text import one_line

FORMATS = ("PNG", "SVG")
UNUSED_BUTTONS = ["select2d", "lasso2d", "autoScale2d", "pan2d", "zoomIn2d", "zoomOut2d"]
GRID = "rgba(128, 128, 128, 0.25)"
LEGEND_LETTERS = 36  # of a line: a phone has 270 px beside the mark
LEGEND_LINE_PX = 20
TO_LEGEND_PX = 62  # from the axis: its labels and its title
SOURCE_LETTERS = 40  # of a line below an axis of 320 px or less, beside names of classes or runs
TITLE_LETTERS = 28  # of a line beside the buttons, on a phone
TITLE_LINE_PX = 18
TITLE_PX = 6  # above the title
TITLE_ASCENT_PX = 10  # 0.7 of its 14 px
SOURCE_LINE_PX = 19  # 1.3 times the 14 px of the title, however small its letters are


def config(name: str, file_format: str) -> dict[str, object]:
    """Plotly's own settings: a figure's camera button saves it as `blastlens-<name>`.

    Args:
        name: Of the file, without its ending.
        file_format: One of `FORMATS`.
    """
    return {
        "displaylogo": False,
        "displayModeBar": True,  # not under the mouse alone: fingers and keyboards have none
        "modeBarButtonsToRemove": UNUSED_BUTTONS,
        "toImageButtonOptions": {
            "format": file_format.lower(),
            "filename": f"blastlens-{name}",
            "scale": 2 if file_format == "PNG" else 1,  # sharp in print; an SVG is so anyway
        },
    }


def blank_figure(*, height: int, title: str = "", letters: int = TITLE_LETTERS) -> go.Figure:
    """An empty figure as all of ours begin: tight margins, legend below, nothing to drag.

    Args:
        height: In pixels, with a title of one line.
        title: Beside the buttons, so that a picture that is saved says what it shows.
        letters: Of a line of the title.
    """
    lines = wrap_text(title, letters).split("<br>")
    more = TITLE_LINE_PX * (len(lines) - 1)
    # Plotly places a title of one line by its top, and one of several by its first baseline.
    first_px = TITLE_PX if len(lines) == 1 else TITLE_PX + TITLE_ASCENT_PX
    return go.Figure(
        layout={
            "height": height + more,
            "title": {
                "text": "<br>".join(f"<b>{line}</b>" for line in lines if line),
                "font": {"size": 14},
                "x": 0,
                "xref": "container",
                "xanchor": "left",
                "y": 1,
                "yref": "container",
                "yanchor": "top",
                "pad": {"l": 4, "t": first_px},
            },
            "margin": {"l": 8, "r": 12, "t": 32 + more, "b": 8},  # above: the buttons
            "legend": {
                "orientation": "h",
                "yanchor": "top",
                "y": -0.2,
                "x": 0,
            },
            "dragmode": False,
            "hoverlabel": {"align": "left"},
        }
    )


def plain_text(text: str) -> str:
    """`text` as Plotly shows it as it stands: it reads some HTML, and `%{` as a value's place."""
    return html.escape(one_line(text), quote=False).replace("%{", "%&#123;")


def wrap_text(text: str, letters: int) -> str:
    """`text` as it stands, as `plain_text`, in lines of at most `letters`."""
    return "<br>".join(plain_text(line) for line in _lines(text, letters))


def _lines(text: str, letters: int) -> list[str]:
    return textwrap.wrap(one_line(text), letters)


def source_height(source: str, letters: int = SOURCE_LETTERS) -> int:
    """Pixels below the title of an axis that `source` takes in lines of at most `letters`."""
    return SOURCE_LINE_PX * len(_lines(source, letters))


def axis_title(text: str, source: str, letters: int = SOURCE_LETTERS) -> str:
    """The title of the x axis, and below it in small letters what the figure was made from.

    Below the axis, since above the figure are its buttons; in the figure, so that a picture that is
    saved names its data.

    Args:
        text: Of the axis.
        source: Data set, split and the like; empty: none.
        letters: Of a line of the source.
    """
    if not source:
        return text
    # A span for each line: Plotly ends one where a line ends.
    lines = wrap_text(source, letters).split("<br>")
    return "<br>".join([text, *(f"<span style='font-size:11px'>{line}</span>" for line in lines)])


def place_legend(figure: go.Figure, labels: Iterable[str], below_axis: int) -> None:
    """Put the legend below the x axis, one line per entry, and make the figure as much higher.

    On the axes it would hide curves, and beside them a phone has no room. The width of a vertical
    one is measured in the font of the page, so a saved picture with a wider font cut it.

    Args:
        figure: As `blank_figure` made it.
        labels: Of the entries, as `wrap_text` gives them.
        below_axis: Pixels of the small lines below the title of the axis.
    """
    axes_px = figure.layout.height - figure.layout.margin.t
    to_legend = TO_LEGEND_PX + below_axis
    below = to_legend + LEGEND_LINE_PX * sum(1 + label.count("<br>") for label in labels)
    figure.update_layout(
        height=figure.layout.height + below,
        margin={"b": below},
        legend={
            "orientation": "h",
            "entrywidth": 1,
            "entrywidthmode": "fraction",
            "x": 0,
            "yanchor": "top",
            "y": -to_legend / axes_px,
            "tracegroupgap": 0,
        },
    )


def longest_line(labels: Iterable[str]) -> int:
    """Letters of the longest line of labels that `wrap_text` made."""
    lines = (line for label in labels for line in label.split("<br>"))
    return max((len(html.unescape(line)) for line in lines), default=0)
