"""Training: starts, queues, stops, resumes and deletes runs. No torch."""

import streamlit as st

from pages.sections.train.forecast import draw_forecast
from pages.sections.train.form import choose_runs, draw_data
from pages.sections.train.queue import bring_into_view, show_at_work
from pages.sections.train.rate import draw_rate_search
from pages.sections.train.run import choose_run, list_all, show_run
from pages.sections.train.start import offer_start
from pages.sections.train.sweep_form import offer_sweep
from pages.sections.train.sweeps import show_sweeps
from pages.shell.entry import enter_page
from pages.shell.errors import error_in_place
from pages.shell.run_status import list_runs_here, read_states
from pages.shell.session import apply_next_choices, count_starts

enter_page("train")
st.title("Training")
chosen = apply_next_choices()
found = list_runs_here()
states = read_states(found)
show_at_work(states)
with st.container():  # what is below keeps its place, whether or not this is empty
    bring_into_view(count_starts())

st.subheader("New training")
with error_in_place():
    planned, target = choose_runs()
    if planned:
        draw_data(planned)
        draw_forecast(planned, target.device)
        draw_rate_search(planned, target.device)
        offer_sweep(planned, target.device)
        offer_start(planned, target)

st.subheader("Run")
run = choose_run(found, is_from_link="train_run" not in chosen)
if run is None:
    st.caption("There is no run yet; the first one appears here.")
else:
    list_all(found)
    show_run(run, states)

st.subheader("Sweeps")
show_sweeps()
