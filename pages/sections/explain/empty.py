"""The page Explain before the first model is there: a sample, and what is being done. No torch."""

import numpy as np
import numpy.typing as npt
import streamlit as st

from modelzoo.datasets.synthetic.smears import draw_smear
from pages.sections.explain.models import describe_unready
from pages.sections.home.overview import draw_running
from pages.shell.demo import offer_demo
from pages.shell.run_status import list_runs_here, read_states
from pages.shell.text import plain

SAMPLE = "Pre"  # its cells are many and large


def wait_for_a_model() -> None:
    """Show a sample image, offer the demo, and draw the page again when a run has ended."""
    states = read_states(list_runs_here())  # before the runs are described
    busy = {run_id for run_id, state in states if state in ("queued", "training")}
    picture, words = st.columns([1, 3], gap="medium")
    with picture:
        st.image(_sample(), width="stretch", alt=f"A synthetic smear of class {SAMPLE}.")
        st.caption("A synthetic smear, drawn by BlastLens: no person's blood.")
    with words:
        st.markdown("#### No model has been trained yet.")
        st.write(
            "Once there is one, this page shows what each model predicts for an image like this "
            "one, and which regions its prediction depends on."
        )
        if not busy:
            st.write("The demo trains the first one, on synthetic smears, in about a minute:")
            offer_demo()
        draw_running(states)
        for run_id, sentence in describe_unready().items():
            if run_id not in busy:
                st.warning(plain(f"Run {run_id}: {sentence}"), icon=":material/warning:")


@st.cache_data(max_entries=1, show_spinner=False)
def _sample() -> npt.NDArray[np.uint8]:
    return draw_smear(SAMPLE, seed=3).pixels
