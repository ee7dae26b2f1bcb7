"""A picture of a smear whose blood cells can be clicked."""

import base64
from collections.abc import Sequence

import plotly.graph_objects as go

from pages.figures.frame import blank_figure


def clickable_cells(
    png: bytes, places: Sequence[tuple[float, float]], px: int, radius: float
) -> go.Figure:
    """A picture whose cells can be clicked; a click selects the number of the cell, from 1 on.

    Args:
        png: The picture, `px` a side.
        places: (x, y) of each cell's middle, in pixels.
        px: Side of the picture.
        radius: Of what can be hit around a middle, in pixels.
    """
    figure = blank_figure(height=420)
    figure.add_layout_image(
        source=f"data:image/png;base64,{base64.b64encode(png).decode()}",
        x=0,
        y=0,
        sizex=px,
        sizey=px,
        xref="x",
        yref="y",
        layer="below",
    )
    unseen = {"marker": {"opacity": 0}}
    figure.add_trace(
        go.Scatter(
            x=[x for x, _ in places],
            y=[y for _, y in places],
            customdata=[[number] for number in range(1, len(places) + 1)],
            mode="markers",
            marker={"size": radius, "opacity": 0},
            selected=unseen,
            unselected=unseen,
            hovertemplate="cell %{customdata[0]}<extra></extra>",
            showlegend=False,
        )
    )
    axis = {"visible": False, "fixedrange": True, "constrain": "domain"}
    figure.update_layout(
        margin={"l": 0, "r": 0, "t": 0, "b": 0}, hovermode="closest", hoverdistance=30
    )
    figure.update_xaxes(range=[0, px], **axis)
    figure.update_yaxes(range=[px, 0], scaleanchor="x", **axis)
    return figure
