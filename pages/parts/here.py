"""What this machine holds: runs at work, devices, weights, data. No torch until it is needed."""

import importlib.metadata
import time
from pathlib import Path

import pandas as pd
import streamlit as st

from modelzoo import places
from modelzoo.backbones.table import BACKBONES
from modelzoo.backbones.weights import fetch_weights, list_weights
from modelzoo.evaluation.leaderboard import Leaderboard
from modelzoo.training.devices import list_devices
from modelzoo.training.queue import list_at_work
from pages.parts import at_work
from pages.parts.choices import choose_data
from pages.parts.demo import say_progress
from pages.parts.states import said_in_place


def doors() -> None:
    """Three ways on: compare, explain, train."""
    for column, page, label, icon, question in zip(
        st.columns(3),
        ("compare", "explain", "train"),
        ("Compare models", "Explain an image", "Train a model"),
        ("leaderboard", "biotech", "model_training"),
        (
            "Which is best, can we tell, and what is mistaken for what?",
            "What does each model say of one image, and where did it look?",
            "On your images or the demo's: start, queue, watch, stop, resume.",
        ),
        strict=True,
    ):
        with column.container(border=True, height="stretch"):
            st.page_link(f"pages/{page}.py", label=f"**{label}**", icon=f":material/{icon}:")
            st.caption(question)


@st.fragment(run_every="3s")
def running(before: frozenset[tuple[str, str]]) -> None:
    """What trains right now; draws the page again when a run's state has changed.

    Args:
        before: `at_work.read_states()` when the page was drawn.
    """
    found = at_work.list_runs()
    if at_work.read_states(found) != before:
        st.rerun()
    busy = list_at_work(found, now=time.time())
    if not busy:
        return
    with st.container(border=True):
        st.markdown(f"**{at_work.say_at_work(busy)}**")
        say_progress(found)
        for each in busy:
            if each.status.state == "training":
                at_work.draw_progress(each.run, each.status)
        st.page_link("pages/train.py", label="Watch, queue or stop", icon=":material/monitoring:")


def machine(board: Leaderboard) -> None:
    """Runs, devices with their free memory, weights and the torch build, each with its help."""
    devices = list_devices()
    states = list_weights(places.weights_folder())
    missing = [state.backbone for state in states if state.path is None]
    with st.grid(min_column_width=170, gap="small"):
        st.metric("Tested runs", len(board.rows), help="Runs whose test images were scored.")
        st.metric(
            "Other runs",
            len(board.unfinished) + len(board.problems),
            help="Queued, training, stopped, failed or damaged; Compare says which and why.",
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
            help="Backbones whose weights are on this machine; without them a training starts at "
            "random and learns far less.",
        )
        st.metric(
            "torch",
            importlib.metadata.version("torch").split("+")[0],
            help=f"Build {importlib.metadata.version('torch')}, in Python's own packages.",
        )
    if len(devices) == 1:
        st.caption("No GPU was seen: **quick** trainings take minutes, **finetune** hours.")
    if missing:
        st.caption(
            f"{len(missing)} backbones have no ImageNet weights here; fetch them below, or put "
            "them into the folder that BLASTLENS_WEIGHTS names."
        )


def weights() -> None:
    """ImageNet weights by backbone, and a button that fetches those that are missing."""
    section = st.expander("ImageNet weights", key="weights", on_change="rerun", bind="query-params")
    if not section.open:
        return
    with section, said_in_place():
        with st.spinner("Looking for weights …"):
            states = list_weights(places.weights_folder())
        missing = [state.backbone for state in states if state.path is None]
        st.dataframe(
            pd.DataFrame(
                {
                    "Backbone": [BACKBONES[state.backbone].title for state in states],
                    "State": [state.state for state in states],
                    "Size": [
                        f"{state.size_bytes / 1e6:.0f} MB" if state.size_bytes else ""
                        for state in states
                    ],
                    "Licence": [BACKBONES[state.backbone].licence for state in states],
                }
            ),
            hide_index=True,
            height="content",
            alt="ImageNet weights by backbone: where they are, or that they are missing.",
        )
        if not missing:
            st.caption("All are here.")
            return
        st.caption(f"{len(missing)} are missing: models trained without them start at random.")
        st.code("python -m modelzoo weights --fetch", language=None)
        if st.button("Fetch what is missing", icon=":material/download:"):
            _fetch(missing)


def dataset_report() -> None:
    """What a folder of images holds, and what was skipped and why."""
    st.subheader("Look into a folder of images")
    folder = choose_data("Folder or table", "data", placeholder="Choose one, or type a path")
    if not folder:
        return
    with said_in_place():
        from modelzoo.datasets.layouts import open_dataset

        with st.spinner("Checking images …"):
            dataset = open_dataset(Path(folder), store=places.store_folder())
        labels = pd.Series([image.label for image in dataset.images], dtype=str)
        groups = {image.group for image in dataset.images if image.group}
        st.markdown(
            f"**{len(dataset.images)} images of {len(dataset.classes)} classes**"
            + (f" in {len(groups)} groups" if groups else "")
            + f", {len(dataset.skipped)} skipped. Data set `{dataset.id}`."
        )
        counts = labels.value_counts().sort_index()
        st.dataframe(
            pd.DataFrame({"Class": counts.index, "Images": counts.to_numpy()}),
            hide_index=True,
            alt="Images by class.",
        )
        if dataset.skipped:
            st.markdown("**Skipped, and why**")
            st.dataframe(
                pd.DataFrame(
                    {
                        "Image": [each.id for each in dataset.skipped],
                        "Why": [each.reason for each in dataset.skipped],
                    }
                ),
                hide_index=True,
                alt="Files that were skipped, each with its reason.",
            )
        st.caption("Groups of overlapping fields and looks are found by:")
        st.code(f"python -m modelzoo data {folder}", language=None)


def _fetch(names: list[str]) -> None:
    """Fetch weights one by one with a bar; what fails is said and the others go on."""
    for name in names:
        title = BACKBONES[name].title
        bar = st.progress(0.0, title)

        def show(done: int, total: int, bar: object = bar, title: str = title) -> None:
            share = min(done / total, 1.0) if total else 0.0
            bar.progress(share, f"{title}: {done / 1e6:.0f} of {total / 1e6:.0f} MB")  # type: ignore[attr-defined]  # a DeltaGenerator

        with said_in_place():
            fetch_weights(name, report=show)
            bar.progress(1.0, f"{title}: here")
