"""What Explain says before a model was trained here. No torch."""

import streamlit as st

from pages.sections.explain.models import describe_unready
from pages.sections.home.overview import draw_running
from pages.shell.demo import offer_demo
from pages.shell.run_status import list_runs_here, read_states
from pages.shell.text import plain


def describe_beginning() -> None:
    """Offer the demo, or show how far it is; the page is drawn again when a run has ended."""
    states = read_states(list_runs_here())  # before the runs are described
    busy = {run_id for run_id, state in states if state in ("queued", "training")}
    with st.expander("No model has been trained here yet", icon=":material/model_training:"):
        st.write(
            "The models shown come with BlastLens: they were trained on 3,023 fields of one "
            "hospital. The demo trains your own on synthetic smears, the first in about a minute:"
        )
        if not busy:
            offer_demo()
        draw_running(states)
        if busy:
            st.page_link("pages/train.py", label="Training", icon=":material/monitoring:")
        for run_id, sentence in describe_unready().items():
            if run_id not in busy:
                st.warning(plain(f"Run {run_id}: {sentence}"), icon=":material/warning:")
