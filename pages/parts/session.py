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


def toggle_clicked_number(chart: str, *, into: str) -> None:
    """Put the clicked point's number into the choice `into`, or take it out; from a callback."""
    points = st.session_state[chart].selection.points
    if points:
        number = int(points[0]["customdata"][0])
        chosen = set(st.session_state[into]) ^ {number}
        st.session_state[into] = sorted(chosen)
