"""Runs, devices and weights of this machine, and three ways on."""

import importlib.metadata
import time

import streamlit as st

from modelzoo import paths
from modelzoo.backbones.weights import list_weights
from modelzoo.evaluation.rows import Leaderboard
from modelzoo.launching.queue import list_at_work
from modelzoo.text import count
from modelzoo.training.devices import list_devices
from pages.shell.demo import draw_demo_progress
from pages.shell.run_status import describe_at_work, draw_progress, list_runs_here, read_states
from pages.shell.text import plain


def draw_doors() -> None:
    """Links to the three other pages."""
    for column, page, label, icon, question in zip(
        st.columns(3),
        ("compare", "explain", "train"),
        ("Compare models", "Explain an image", "Train a model"),
        ("leaderboard", "biotech", "model_training"),
        (
            "Which model is best, is the difference significant, and which classes are confused?",
            "What does each model predict for an image, and which regions does it depend on?",
            "On your images or those of the demo: start, queue, follow, stop and resume.",
        ),
        strict=True,
    ):
        with column.container(border=True, height="stretch"):
            st.page_link(f"pages/{page}.py", label=f"**{label}**", icon=f":material/{icon}:")
            st.caption(question)


@st.fragment(run_every="3s")
def draw_running(before: frozenset[tuple[str, str]]) -> None:
    """The runs that train or wait; draws the page again when the state of a run has changed.

    Args:
        before: `at_work.read_states()` when the page was drawn.
    """
    found = list_runs_here()
    if read_states(found) != before:
        st.rerun()
    busy = list_at_work(found, now=time.time())
    if not busy:
        return
    with st.container(border=True):
        st.markdown(f"**{plain(describe_at_work(busy))}**")
        draw_demo_progress(found)
        for each in busy:
            if each.status.state == "training":
                draw_progress(each.run, each.status)
        st.page_link("pages/train.py", label="Training", icon=":material/monitoring:")


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
