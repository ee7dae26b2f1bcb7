"""Training: starts, queues, stops, resumes and deletes runs. No torch."""

import time

import streamlit as st

from modelzoo.launching.queue import list_at_work
from pages.sections.train.form import choose_runs, draw_data, offer_start
from pages.sections.train.queue import show_at_work
from pages.sections.train.run import choose_run, show_run
from pages.shell.entry import enter_page
from pages.shell.errors import error_in_place
from pages.shell.run_status import describe_at_work, list_runs_here, read_states
from pages.shell.text import plain

enter_page("train")
st.title("Training")
found = list_runs_here()
states = read_states(found)
st.markdown(f"#### {plain(describe_at_work(list_at_work(found, now=time.time())))}")
show_at_work(states)

st.subheader("New training")
with error_in_place():
    planned, device = choose_runs()
    if planned:
        draw_data(planned)
        offer_start(planned, device)

st.subheader("Run")
run = choose_run(found)
if run is None:
    st.caption("There is no run yet; the first one appears here.")
else:
    show_run(run)
