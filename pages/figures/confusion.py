"""Confusion matrices."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from modelzoo.text import one_line, percent, shorten_all
from pages.figures.frame import (
    axis_title,
    blank_figure,
    longest_line,
    plain_text,
    source_height,
    wrap_text,
)

EMPTY_ENTRY, FULL_ENTRY = "#e8f0f7", "#0b4f8a"  # opaque, so that both themes can hold them
ON_EMPTY, ON_FULL = "#0d0b10", "#ffffff"  # text; at FULL both have a contrast of 4 to the entry
FULL = 0.69
FRAME = "#D55E00"  # of the entry chosen; stands out on every shade and both themes
PHONE_PX = 320  # of a matrix, on a phone
NARROWEST_PX = 240  # of a matrix beside others: five of four classes are in a row of 1,265 px
ENTRY_PX = 48  # height of an entry
BESIDE_PX = 24  # left of the names of true classes: the title of the axis
SOURCE_LETTERS = 34  # of a line of 240 px, in small letters
TITLE_LETTERS = 20  # beside two buttons in 240 px
LABEL_LETTERS, LINE_LETTERS = 26, 13  # of the name of a class at an axis, and of a line of it
HOVER_LETTERS = 40  # of a line: a phone has no room for more
TURNED_LETTERS = 18  # of a name that has one line, along a column
LETTER_PX, LINE_PX = 8, 16  # of labels, in a wide font
LETTER_BELOW_PX = 7  # in the usual one: beside a column there is room
SHARE_PX = 38  # that `100 %` takes in an entry


@dataclass(frozen=True, slots=True)
class _Layout:
    """What the names of the classes leave for the entries."""

    labels: list[str]  # of the true classes, as HTML in lines
    labels_below: list[str]  # of the predicted classes
    left: int  # pixels, of the names of true classes and the title
    below: int  # pixels, of the names of predicted classes and the title
    turned: bool  # whether the names of predicted classes are, as an entry is narrower
    has_shares: bool  # whether an entry has room for a share


def _lay_out(classes: Sequence[str]) -> _Layout:
    short = shorten_all(classes, LABEL_LETTERS)
    labels = [wrap_text(short[name], LINE_LETTERS) for name in classes]
    left = BESIDE_PX + LETTER_PX * longest_line(labels)
    width = _width(left, len(classes), longest_line(labels))
    entry = (min(PHONE_PX, width) - left) / len(classes)
    turned = LETTER_BELOW_PX * longest_line(labels) > entry
    lines = max(1 + label.count("<br>") for label in labels)
    labels_below = labels
    if turned and LINE_PX * lines > entry:  # only one line is as narrow
        short = shorten_all(classes, TURNED_LETTERS)
        labels_below = [plain_text(short[name]) for name in classes]
    below = 38 + (LETTER_PX * longest_line(labels_below) if turned else LINE_PX * lines)
    has_shares = entry >= SHARE_PX
    return _Layout(labels, labels_below, left, below, turned=turned, has_shares=has_shares)


def matrix_width(classes: Sequence[str]) -> int:
    """Pixels that a matrix of these classes should have where there is room."""
    layout = _lay_out(classes)
    return _width(layout.left, len(classes), longest_line(layout.labels))


def _width(left: int, classes: int, letters: int) -> int:
    """Pixels: names of up to so many letters lie flat where a phone has room, shares are shown."""
    flat = left + max(SHARE_PX, LETTER_BELOW_PX * letters) * classes
    return max(NARROWEST_PX, min(flat, PHONE_PX), left + SHARE_PX * classes)


def confusion_matrix(
    counts: npt.NDArray[np.int64],
    classes: Sequence[str],
    chosen: tuple[str, str] | None = None,
    *,
    name: str = "",
    source: str = "",
) -> go.Figure:
    """A confusion matrix: counts, and percent of the true class, which is also the shade.

    Args:
        counts: (K, K), true class by predicted class.
        classes: (K,).
        chosen: True and predicted class of the entry that gets a frame.
        name: Of the model, the title.
        source: Data set, split and number of images, for the axis title.
    """
    total = counts.sum(1, keepdims=True)
    share = np.divide(counts, total, out=np.zeros(counts.shape), where=total > 0)
    layout = _lay_out(classes)
    below = layout.below + source_height(source, SOURCE_LETTERS)
    figure = blank_figure(
        height=36 + ENTRY_PX * len(classes) + below, title=name, letters=TITLE_LETTERS
    )
    figure.add_trace(_shades(share, classes))
    figure.add_trace(_marks_to_click(counts, share, classes))
    entries = _entries(classes)
    chosen_entry = next((each for each in entries if _names(each, classes) == chosen), None)
    last = len(classes) - 0.5
    below_axis = axis_title("predicted class", source, SOURCE_LETTERS)
    # All at once: each update of a figure takes milliseconds, and there may be a figure a run.
    figure.update_layout(
        # Known from the names: Plotly would draw each of many matrices several times to find it.
        margin={"l": layout.left, "r": 4, "b": below},
        hovermode="closest",
        hoverdistance=60,  # pixels: anywhere in an entry
        # Not a trace's text, which would fade when another entry is selected.
        annotations=[
            _number(counts, share, *each, has_share=layout.has_shares) for each in entries
        ],
        shapes=[_frame(*chosen_entry)] if chosen_entry else [],
        xaxis={
            "title": {"text": below_axis},
            "range": [-0.5, last],
            "ticktext": layout.labels_below,
            "tickangle": -90 if layout.turned else 0,
            **_axis(classes),
        },
        yaxis={
            "title": {"text": "true class"},
            "range": [last, -0.5],
            "ticktext": layout.labels,
            **_axis(classes),
        },
    )
    return figure


def _axis(classes: Sequence[str]) -> dict[str, object]:
    """Categories, whatever the classes are called: "1" and "2" are no numbers here."""
    return {
        "type": "category",
        "showgrid": False,
        "automargin": False,
        "fixedrange": True,
        "tickvals": list(classes),
    }


def _entries(classes: Sequence[str]) -> list[tuple[int, int]]:
    """(row, column) of every entry, in reading order."""
    return [(i, j) for i in range(len(classes)) for j in range(len(classes))]


def _names(entry: tuple[int, int], classes: Sequence[str]) -> tuple[str, str]:
    """True and predicted class of an entry."""
    return classes[entry[0]], classes[entry[1]]


def _shades(share: npt.NDArray[np.float64], classes: Sequence[str]) -> go.Heatmap:
    return go.Heatmap(
        z=100 * share,
        x=list(classes),
        y=list(classes),
        zmin=0,
        zmax=100,
        colorscale=[[0, EMPTY_ENTRY], [1, FULL_ENTRY]],
        showscale=False,
        xgap=2,
        ygap=2,
        hoverinfo="skip",
    )


def _marks_to_click(
    counts: npt.NDArray[np.int64], share: npt.NDArray[np.float64], classes: Sequence[str]
) -> go.Scatter:
    """A mark that cannot be seen on each entry, since Plotly tells no clicks on a heatmap."""
    entries = _entries(classes)
    whole = [wrap_text(name, HOVER_LETTERS) for name in classes]
    unseen = {"marker": {"opacity": 0}}
    return go.Scatter(
        x=[classes[j] for _, j in entries],
        y=[classes[i] for i, _ in entries],
        customdata=[
            [int(counts[entry]), percent(share[entry]), whole[entry[0]], whole[entry[1]]]
            for entry in entries
        ],
        mode="markers",
        marker={"size": 44, "symbol": "square", "opacity": 0},
        selected=unseen,
        unselected=unseen,
        hovertemplate="true %{customdata[2]}<br>predicted %{customdata[3]}<br>"
        "%{customdata[0]} images, %{customdata[1]} of the true class<extra></extra>",
        showlegend=False,
    )


def _number(
    counts: npt.NDArray[np.int64],
    share: npt.NDArray[np.float64],
    i: int,
    j: int,
    *,
    has_share: bool,
) -> dict[str, object]:
    """The text of one entry: its count, and its share of the true class where there is any."""
    below = f"<br>{percent(share[i, j], 0)}" if has_share else ""
    text = f"<b>{counts[i, j]}</b>{below}" if counts[i, j] else "0"
    colour = ON_FULL if share[i, j] > FULL else ON_EMPTY
    return {"x": j, "y": i, "text": text, "showarrow": False, "font": {"color": colour}}


def _frame(i: int, j: int) -> dict[str, object]:
    """A frame around one entry."""
    corners = {"x0": j - 0.48, "x1": j + 0.48, "y0": i - 0.48, "y1": i + 0.48}
    return {"type": "rect", **corners, "line": {"color": FRAME, "width": 4}}


def confusion_alt(counts: npt.NDArray[np.int64], classes: Sequence[str], name: str) -> str:
    """What `confusion_matrix` shows, in words: how many are correct, the most frequent error."""
    wrong = counts - np.diag(np.diag(counts))
    right = f"{name}: {int(np.trace(counts))} of {int(counts.sum())} test images correct"
    if not wrong.any():
        return f"{right}, no error."
    i, j = divmod(int(wrong.argmax()), len(classes))
    error = one_line(f"{classes[i]} predicted as {classes[j]}, {wrong[i, j]} times")
    return f"{right}; the most frequent error is {error}."
