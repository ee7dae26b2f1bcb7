"""What is here, and what next?"""

import streamlit as st

from pages.parts import at_work, here
from pages.parts.demo import offer_demo
from pages.parts.door import through_the_door
from pages.parts.scoreboard import read_board
from pages.parts.states import said_in_place, say_verdict

through_the_door()
st.title("What is here, and what next?")
st.write(
    "BlastLens compares ten pretrained backbones on blood smears of acute lymphoblastic leukemia: "
    "which is better, can we tell, where did it look, and can that be trusted?"
)
states = at_work.read_states(at_work.list_runs())  # before the board: what ends between is redrawn
board = read_board()
with said_in_place():
    if board.rows:
        say_verdict(board.rows, board.rows)
    elif states:
        st.markdown("#### No run has been tested yet.")
    else:
        st.markdown("#### Nothing has been trained here yet.")
        st.write("The demo trains the first models, on synthetic smears, in about five minutes:")
        offer_demo()

here.running(states)
here.doors()
st.subheader("What is here")
with said_in_place():
    here.machine(board)
here.weights()
here.dataset_report()
