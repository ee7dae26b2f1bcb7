"""The comparison and the training so far, and what this machine holds."""

import importlib.metadata
import time

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from modelzoo import paths
from modelzoo.backbones.weights import list_weights
from modelzoo.evaluation.rows import Leaderboard
from modelzoo.launching.queue import list_at_work
from modelzoo.text import count
from modelzoo.training.devices import list_devices
from pages.sections.compare.verdict import draw_verdict
from pages.shell.demo import draw_demo_progress, offer_demo
from pages.shell.errors import error_in_place
from pages.shell.run_status import describe_at_work, draw_progress, list_runs_here, read_states
from pages.shell.text import plain


def draw_comparison(board: Leaderboard, *, has_runs: bool) -> None:
    """What the evaluated runs show, and the way to Compare.

    Args:
        board: The runs here.
        has_runs: Whether there is any, evaluated or not.
    """
    with st.container(border=True):
        st.subheader("The comparison so far")
        with error_in_place():
            if board.rows:
                draw_verdict(board.rows, board.rows)
            else:
                how = (
                    "The first one that ends appears here."
                    if has_runs
                    else "Train the demo or on your own images; the models are compared here."
                )
                st.write(f"No run has been evaluated yet. {how}")
        st.page_link("pages/compare.py", label="Compare models", icon=":material/leaderboard:")


def draw_training(states: frozenset[tuple[str, str]]) -> DeltaGenerator:
    """What has been trained, and the way to Train.

    Args:
        states: `run_status.read_states()` when the page was drawn.

    Returns:
        The place for what trains, waits and is fetched.
    """
    with st.container(border=True):
        st.subheader("The training so far")
        with error_in_place():
            if not states:
                st.markdown("#### Nothing has been trained here yet.")
                st.write("The demo trains the first model, on synthetic smears, in about a minute:")
                offer_demo()
            elif not any(state in ("queued", "training") for _, state in states):
                done = sum(state == "done" for _, state in states)
                st.write(f"Nothing is training. {done} of {count(len(states), 'run')} finished.")
        now = st.container()
        st.page_link("pages/train.py", label="Train a model", icon=":material/model_training:")
    return now


@st.fragment(run_every="3s")
def draw_running(before: frozenset[tuple[str, str]]) -> None:
    """The runs that train or wait; draws the page again when the state of a run has changed.

    Args:
        before: `run_status.read_states()` when the page was drawn.
    """
    found = list_runs_here()
    if read_states(found) != before:
        st.rerun()
    busy = list_at_work(found, now=time.time())
    if not busy:
        return
    st.markdown(f"**{plain(describe_at_work(busy))}**")
    draw_demo_progress(found)
    for each in busy:
        if each.status.state == "training":
            draw_progress(each.run, each.status)


def draw_machine(board: Leaderboard) -> None:
    """Runs, devices with their free memory, weights and the torch build."""
    devices = list_devices()
    states = list_weights(paths.weights_folder())
    missing = [state.backbone for state in states if state.path is None]
    with st.grid(min_column_width=170, gap="small"):
        st.metric("Evaluated runs", len(board.rows), help="Runs whose test images were scored.")
        st.metric(
            "Unfinished runs",
            len(board.unfinished) + len(board.problems),
            help="Queued, training, stopped, failed or damaged; the page Compare lists them.",
        )
        for device in devices:
            st.metric(
                f"{device.name}: free memory",
                f"{device.free_bytes / 1e9:.0f} of {device.total_bytes / 1e9:.0f} GB",
                help=f"{device.title}. One device trains one run at a time; the others wait. "
                "Training on a CPU takes 1 to 4 GB.",
            )
        st.metric(
            "ImageNet weights",
            f"{len(states) - len(missing)} of {len(states)}",
            help="Backbones whose weights are on this machine; without them a model is "
            "trained from scratch and learns far less.",
        )
        st.metric(
            "torch",
            importlib.metadata.version("torch").split("+")[0],
            help=f"Build {importlib.metadata.version('torch')}, in Python's own packages.",
        )
    if len(devices) == 1:
        st.caption("No GPU was found: **quick** trainings take minutes, **finetune** hours.")
    if missing:
        have = "has" if len(missing) == 1 else "have"
        st.caption(
            f"{count(len(missing), 'backbone')} {have} no ImageNet weights here; fetch them below, "
            "or put them into the folder that the variable BLASTLENS_WEIGHTS names."
        )
