"""Confusion matrices."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from pages.figures.clickable import FRAME
from pages.figures.frame import blank_figure

EMPTY_ENTRY, FULL_ENTRY = "#e8f0f7", "#0b4f8a"  # opaque, so that both themes can hold them
ON_EMPTY, ON_FULL = "#0d0b10", "#ffffff"  # text; at FULL both have a contrast of 4 to the entry
FULL = 0.69


def confusion_matrix(
    counts: npt.NDArray[np.int64],
    classes: Sequence[str],
    chosen: tuple[str, str] | None = None,
) -> go.Figure:
    """A confusion matrix: counts, and percent of the true class, which is also the shade.

    Args:
        counts: (K, K), true class by answer.
        classes: (K,).
        chosen: True class and answer of the cell that gets a frame.
    """
    total = counts.sum(1, keepdims=True)
    share = np.divide(counts, total, out=np.zeros(counts.shape), where=total > 0)
    figure = blank_figure(height=110 + 58 * len(classes))
    figure.add_trace(
        go.Heatmap(
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
    )
    cells = [(i, j) for i in range(len(classes)) for j in range(len(classes))]
    # Plotly tells no clicks on a heatmap, so each cell has a mark that cannot be seen.
    unseen = {"marker": {"opacity": 0}}
    figure.add_trace(
        go.Scatter(
            x=[classes[j] for _, j in cells],
            y=[classes[i] for i, _ in cells],
            customdata=[[int(counts[cell]), 100 * share[cell]] for cell in cells],
            mode="markers",
            marker={"size": 44, "symbol": "square", "opacity": 0},
            selected=unseen,
            unselected=unseen,
            hovertemplate="true %{y}, said to be %{x}<br>%{customdata[0]} images, "
            "%{customdata[1]:.1f} % of %{y}<extra></extra>",
            showlegend=False,
        )
    )
    figure.update_layout(
        # Known from the names: Plotly would draw each of many matrices several times to find it.
        margin={"l": 30 + 8 * max(map(len, classes)), "r": 4, "t": 28, "b": 54},
        hovermode="closest",
        hoverdistance=60,  # pixels: anywhere in a cell
        # Not a trace's text, which would fade when another cell is selected.
        annotations=[
            {
                "x": j,
                "y": i,
                "text": f"<b>{counts[i, j]}</b><br>{100 * share[i, j]:.0f} %"
                if counts[i, j]
                else "0",
                "showarrow": False,
                "font": {"color": ON_FULL if share[i, j] > FULL else ON_EMPTY},
            }
            for i, j in cells
        ],
        shapes=[
            {
                "type": "rect",
                "x0": j - 0.48,
                "x1": j + 0.48,
                "y0": i - 0.48,
                "y1": i + 0.48,
                "line": {"color": FRAME, "width": 4},
            }
            for i, j in cells
            if (classes[i], classes[j]) == chosen
        ],
    )
    # Categories, whatever the classes are called: "1" and "2" are no numbers here.
    axis = {"type": "category", "showgrid": False, "automargin": False, "fixedrange": True}
    last = len(classes) - 0.5
    figure.update_xaxes(title_text="said to be", range=[-0.5, last], **axis)
    figure.update_yaxes(title_text="true class", range=[last, -0.5], **axis)
    return figure


def confusion_alt(counts: npt.NDArray[np.int64], classes: Sequence[str], name: str) -> str:
    """What `confusion_matrix` shows, in words: how many are right, and the commonest mistake."""
    wrong = counts - np.diag(np.diag(counts))
    right = f"{name}: {int(np.trace(counts))} of {int(counts.sum())} test images right"
    if not wrong.any():
        return f"{right}, no mistake."
    i, j = divmod(int(wrong.argmax()), len(classes))
    mistake = f"{classes[i]} taken for {classes[j]}, {wrong[i, j]} times"
    return f"{right}; the commonest mistake is {mistake}."
