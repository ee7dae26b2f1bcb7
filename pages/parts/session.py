"""Session state: no other file reads or sets it. What can be linked is in the URL, not here."""

import streamlit as st


def clicked_point(chart: str) -> tuple[str, str] | None:
    """What the point clicked in the Plotly chart with this key stands for, across and down."""
    points = st.session_state[chart].selection.points
    return (str(points[0]["x"]), str(points[0]["y"])) if points else None


def choose(**choices: str | int) -> None:
    """Set widgets by their keys, as if a person had; only from a callback."""
    for key, value in choices.items():
        st.session_state[key] = value
