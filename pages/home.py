"""What is here, and what next?"""

import streamlit as st

from pages.parts import here
from pages.parts.demo import offer_demo
from pages.parts.door import through_the_door
from pages.parts.scoreboard import read_board
from pages.parts.states import say_verdict

through_the_door()
st.title("What is here, and what next?")
st.write(
    "BlastLens compares ten pretrained backbones on blood smears of acute lymphoblastic leukemia: "
    "which is better, can we tell, where did it look, and can that be trusted?"
)
finished = here.finished_runs()  # before the board: what ends in between is drawn again
board = read_board()
if board.rows:
    say_verdict(board.rows, board.rows)
else:
    st.markdown("#### Nothing has been trained here yet.")
    st.write("The demo trains the first models, on synthetic smears, in about five minutes:")
    offer_demo()

here.doors()
here.running(finished)
st.subheader("What is here")
here.machine(board)
here.weights()
here.dataset_report()
