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


def has_value(key: str) -> bool:
    """Whether the widget with this key has been drawn in this session."""
    return key in st.session_state


def count_clicks(into: str) -> int:
    """How many clicks on a chart went into this choice: each is answered by a new chart."""
    return int(st.session_state.get(f"{into}-clicks", 0))


def toggle_clicked_number(chart: str, *, clicks: int, into: str) -> None:
    """Put the clicked point's number into the choice `into`, or take it out; from a callback.

    The browser may send the selection of a chart that is gone once more, beside the new one's:
    only the chart drawn after `clicks` clicks counts, and only once.
    """
    points = st.session_state[chart].selection.points
    if points and clicks == count_clicks(into):
        st.session_state[f"{into}-clicks"] = clicks + 1
        number = int(points[0]["customdata"][0])
        st.session_state[into] = sorted(set(st.session_state[into]) ^ {number})


def accept_path(path: str) -> None:
    """Let a path be opened in this session."""
    st.session_state["accepted-paths"] = {*st.session_state.get("accepted-paths", ()), path}


def accept_typed_path(key: str) -> None:
    """Let the path that a person chose in this widget be opened; from its callback."""
    if path := st.session_state[key]:
        accept_path(path)


def is_path_accepted(path: str) -> bool:
    """Whether a person chose this path, or said that it may be opened."""
    return path in st.session_state.get("accepted-paths", ())
