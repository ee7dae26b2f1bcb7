"""Home: what can be done here in the next minute; what this machine holds is below."""

import streamlit as st

from pages.sections.home.dataset import draw_dataset
from pages.sections.home.overview import (
    draw_comparison,
    draw_machine,
    draw_running,
    draw_training,
)
from pages.sections.home.smear import draw_smear, wait_for_look
from pages.sections.home.weights import draw_fetching, draw_weights
from pages.shell.entry import enter_page
from pages.shell.errors import error_in_place
from pages.shell.reads import read_board
from pages.shell.run_status import list_runs_here, read_states

enter_page("home")
st.html(
    "<style>[data-testid='stMainBlockContainer'] {padding: 4rem 2rem 2rem}</style>"
    "<h1 style='font-size:1.25rem;padding:0'>Home</h1>"
    "<p style='margin:.2rem 0 0'>BlastLens compares ten pretrained backbones on blood smears of "
    "acute lymphoblastic leukemia: which is better, whether the difference is significant, and "
    "what a prediction depends on.</p>"
)
states = read_states(list_runs_here())  # before the board: what ends between is redrawn
board = read_board()
smear, so_far = st.columns(2, gap="medium")
with smear, st.container(border=True):
    looking = draw_smear()
with so_far:
    draw_comparison(board, has_runs=bool(states))
    now = draw_training(states)

st.subheader("Overview")
with error_in_place():
    draw_machine(board)
draw_weights()
draw_dataset()
if looking:
    wait_for_look(looking)
# Last, since a timer's rerun while a script runs may undo a click on a link to another page
# (Streamlit 1.67 gives the two requests, made one, the page of the later).
with now:
    draw_running(states)
    draw_fetching()
