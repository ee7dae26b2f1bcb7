"""Confusion matrices."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from modelzoo.text import percent
from pages.figures.frame import axis_title, blank_figure, plain_text, source_height

EMPTY_ENTRY, FULL_ENTRY = "#e8f0f7", "#0b4f8a"  # opaque, so that both themes can hold them
ON_EMPTY, ON_FULL = "#0d0b10", "#ffffff"  # text; at FULL both have a contrast of 4 to the entry
FULL = 0.69
FRAME = "#D55E00"  # of the entry chosen; stands out on every shade and both themes


def confusion_matrix(
    counts: npt.NDArray[np.int64],
    classes: Sequence[str],
    chosen: tuple[str, str] | None = None,
    *,
    source: str = "",
) -> go.Figure:
    """A confusion matrix: counts, and percent of the true class, which is also the shade.

    Args:
        counts: (K, K), true class by predicted class.
        classes: (K,).
        chosen: True and predicted class of the entry that gets a frame.
        source: Model, data set, split and number of images, for the axis title.
    """
    total = counts.sum(1, keepdims=True)
    share = np.divide(counts, total, out=np.zeros(counts.shape), where=total > 0)
    below = source_height(source)
    figure = blank_figure(height=110 + 58 * len(classes) + below)
    figure.add_trace(_shades(share, classes))
    figure.add_trace(_marks_to_click(counts, share, classes))
    entries = _entries(classes)
    chosen_entry = next((each for each in entries if _names(each, classes) == chosen), None)
    figure.update_layout(
        # Known from the names: Plotly would draw each of many matrices several times to find it.
        margin={"l": 30 + 8 * max(map(len, classes)), "r": 4, "t": 28, "b": 54 + below},
        hovermode="closest",
        hoverdistance=60,  # pixels: anywhere in an entry
        # Not a trace's text, which would fade when another entry is selected.
        annotations=[_number(counts, share, *each) for each in entries],
        shapes=[_frame(*chosen_entry)] if chosen_entry else [],
    )
    # Categories, whatever the classes are called: "1" and "2" are no numbers here.
    axis = {
        "type": "category",
        "showgrid": False,
        "automargin": False,
        "fixedrange": True,
        "tickvals": list(classes),
        "ticktext": [plain_text(name) for name in classes],
    }
    last = len(classes) - 0.5
    figure.update_xaxes(
        title_text=axis_title("predicted class", source), range=[-0.5, last], **axis
    )
    figure.update_yaxes(title_text="true class", range=[last, -0.5], **axis)
    return figure


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
    unseen = {"marker": {"opacity": 0}}
    return go.Scatter(
        x=[classes[j] for _, j in entries],
        y=[classes[i] for i, _ in entries],
        customdata=[[int(counts[entry]), percent(share[entry])] for entry in entries],
        mode="markers",
        marker={"size": 44, "symbol": "square", "opacity": 0},
        selected=unseen,
        unselected=unseen,
        hovertemplate="true %{y}, predicted %{x}<br>%{customdata[0]} images, "
        "%{customdata[1]} of %{y}<extra></extra>",
        showlegend=False,
    )


def _number(
    counts: npt.NDArray[np.int64], share: npt.NDArray[np.float64], i: int, j: int
) -> dict[str, object]:
    """The text of one entry: its count, and its share of the true class where there is any."""
    text = f"<b>{counts[i, j]}</b><br>{percent(share[i, j], 0)}" if counts[i, j] else "0"
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
    error = f"{classes[i]} predicted as {classes[j]}, {wrong[i, j]} times"
    return f"{right}; the most frequent error is {error}."
