"""Home: what this machine holds, and three ways on."""

import streamlit as st

from pages.sections.compare.verdict import draw_verdict
from pages.sections.home.dataset import draw_dataset
from pages.sections.home.overview import draw_doors, draw_machine, draw_running
from pages.sections.home.weights import draw_fetching, draw_weights
from pages.shell.demo import offer_demo
from pages.shell.entry import enter_page
from pages.shell.errors import error_in_place
from pages.shell.reads import read_board
from pages.shell.run_status import list_runs_here, read_states

enter_page("home")
st.title("Home")
st.write(
    "BlastLens compares ten pretrained backbones on blood smears of acute lymphoblastic leukemia: "
    "which model is better, whether the difference is significant, which regions of an image its "
    "prediction depends on, and how faithful such a map is."
)
states = read_states(list_runs_here())  # before the board: what ends between is redrawn
board = read_board()
with error_in_place():
    if board.rows:
        draw_verdict(board.rows, board.rows)
    elif states:
        st.markdown("#### No run has been evaluated yet.")
    else:
        st.markdown("#### Nothing has been trained here yet.")
        st.write("The demo trains the first model, on synthetic smears, in about a minute:")
        offer_demo()

draw_running(states)
draw_fetching()
draw_doors()
st.subheader("Overview")
with error_in_place():
    draw_machine(board)
draw_weights()
draw_dataset()
