"""What is training, and what next? Starts, queues, stops, resumes and deletes runs. No torch."""

import time

import streamlit as st

from modelzoo.training.queue import list_at_work
from pages.parts import at_work
from pages.parts.door import through_the_door
from pages.parts.states import said_in_place
from pages.parts.train_form import choose_runs, offer_start

through_the_door()
st.title("What is training, and what next?")
found = at_work.list_runs()
states = at_work.read_states(found)
st.markdown(f"#### {at_work.say_at_work(list_at_work(found, now=time.time()))}")
at_work.show_at_work(states)

st.subheader("Train a model")
with said_in_place():
    planned, device = choose_runs()
    if planned:
        offer_start(planned, device)

st.subheader("Watch a run")
run = at_work.choose_run(found)
if run is None:
    st.caption("There is no run yet: the first one shows itself here.")
else:
    at_work.show_run(run)
