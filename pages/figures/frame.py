"""What all figures share: size, buttons, export. Records in, figures out; no Streamlit."""

import plotly.graph_objects as go

FORMATS = ("PNG", "SVG")
UNUSED_BUTTONS = ["select2d", "lasso2d", "autoScale2d", "pan2d", "zoomIn2d", "zoomOut2d"]
GRID = "rgba(128, 128, 128, 0.25)"


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


def blank_figure(*, height: int) -> go.Figure:
    """An empty figure as all of ours begin: tight margins, legend below, nothing to drag."""
    return go.Figure(
        layout={
            "height": height,
            "margin": {"l": 8, "r": 12, "t": 32, "b": 8},  # above: the buttons
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
