"""The runs without scores."""

import streamlit as st

from modelzoo import paths
from modelzoo.evaluation.rows import Leaderboard
from modelzoo.runs.folder import count_trials
from modelzoo.text import count
from pages.shell.run_status import STATE_COLOURS
from pages.shell.text import code, plain


def draw_unfinished(board: Leaderboard) -> None:
    """The runs without scores, with their state and why, and how many trials are not listed."""
    if n_trials := count_trials(paths.runs_folder()):
        st.caption(
            f"{count(n_trials, 'trial')} of sweeps {'is' if n_trials == 1 else 'are'} not "
            "listed, since trials are scored on validation images only. The page Train shows them."
        )
    if not board.unfinished and not board.problems:
        return
    st.subheader("Unfinished runs")
    for run in board.unfinished:
        colour = STATE_COLOURS.get(run.state, "gray")
        title, name = plain(run.title), code(run.run_id)
        st.markdown(f":{colour}-badge[{run.state}] **{title}** {name}: {plain(run.sentence)}")
    for run_id, sentence in board.problems.items():
        st.markdown(f":red-badge[damaged] {code(run_id)}: {plain(sentence)}")
