"""The runs without scores."""

import streamlit as st

from modelzoo.evaluation.rows import Leaderboard
from pages.shell.run_status import STATE_COLOURS
from pages.shell.text import code, plain


def draw_unfinished(board: Leaderboard) -> None:
    """The runs without scores, with their state and why; nothing when there are none."""
    if not board.unfinished and not board.problems:
        return
    st.subheader("Unfinished runs")
    for run in board.unfinished:
        colour = STATE_COLOURS.get(run.state, "gray")
        title, name = plain(run.title), code(run.run_id)
        st.markdown(f":{colour}-badge[{run.state}] **{title}** {name}: {plain(run.sentence)}")
    for run_id, sentence in board.problems.items():
        st.markdown(f":red-badge[damaged] {code(run_id)}: {plain(sentence)}")
