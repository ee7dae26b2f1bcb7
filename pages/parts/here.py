"""What this machine holds: runs at work, devices, weights, data. No torch until it is needed."""

import importlib.metadata
import os
import time
from pathlib import Path

import pandas as pd
import psutil
import streamlit as st

from modelzoo import places, runs
from modelzoo.backbones.table import BACKBONES
from modelzoo.errors import UserError
from modelzoo.evaluation.leaderboard import Leaderboard, describe_status
from pages.parts.states import said_in_place

TRAIN = "python -m modelzoo train --data FOLDER --backbone resnet50 --split group"


def doors() -> None:
    """Three ways on: compare, explain, train."""
    compare, explain, train = st.columns(3)
    with compare.container(border=True, height="stretch"):
        st.page_link("pages/compare.py", label="**Compare models**", icon=":material/leaderboard:")
        st.caption("Which is best, can we tell, and what is mistaken for what?")
    with explain.container(border=True, height="stretch"):
        if (Path(__file__).parents[1] / "explain.py").is_file():
            st.page_link(
                "pages/explain.py", label="**Explain an image**", icon=":material/biotech:"
            )
        st.caption("What does each model say of one image, and where did it look?")
    with train.container(border=True, height="stretch"):
        st.markdown(":material/model_training: **Train a model**")
        st.code(TRAIN, language="bash", wrap_lines=True)


def finished_runs() -> frozenset[str]:
    """Ids of the runs whose process has come to an end, well or not."""
    found, _ = runs.list_runs(places.runs_folder())
    return frozenset(run.id for run in found if _state(run) not in ("queued", "training"))


@st.fragment(run_every="3s")
def running(finished: frozenset[str]) -> None:
    """What trains right now; draws the page again when another run has come to an end.

    Args:
        finished: `finished_runs()` when the page was drawn.
    """
    if finished_runs() != finished:
        st.rerun()
    found, _ = runs.list_runs(places.runs_folder())
    for run in found:
        if run.id not in finished:
            status = runs.read_status(run.path, now=time.time())
            row = BACKBONES.get(run.config.backbone)
            title = row.title if row else run.config.backbone
            st.progress(_share(status), f"**{title}** `{run.id}`: {describe_status(status)}")


def _state(run: runs.Run) -> str:
    try:
        return runs.read_status(run.path, now=time.time()).state
    except UserError:
        return "damaged"


def machine(board: Leaderboard) -> None:
    """Runs, cores, memory, GPU and the torch build, each with a sentence on hover."""
    memory = psutil.virtual_memory()
    with st.grid(min_column_width=150, gap="small"):
        st.metric("Tested runs", len(board.rows), help="Runs whose test images were scored.")
        st.metric(
            "Other runs",
            len(board.unfinished) + len(board.problems),
            help="Queued, training, stopped, failed or damaged; Compare says which and why.",
        )
        st.metric("Cores", os.cpu_count(), help="Processor cores that this machine shows.")
        st.metric(
            "Free memory",
            f"{memory.available / 1e9:.1f} GB",
            help=f"Of {memory.total / 1e9:.1f} GB. Training on a CPU takes 1 to 4 GB.",
        )
        st.metric("GPU", _gpu(), help="As the NVIDIA driver says. Training works without one.")
        st.metric(
            "torch",
            importlib.metadata.version("torch").split("+")[0],
            help=f"Build {importlib.metadata.version('torch')}, in Python's own packages.",
        )


def weights() -> None:
    """ImageNet weights by backbone, and a button that fetches those that are missing."""
    section = st.expander("ImageNet weights", key="weights", on_change="rerun", bind="query-params")
    if not section.open:
        return
    with section, said_in_place():
        from modelzoo.backbones.weights import list_weights

        with st.spinner("Looking for weights …"):
            states = list_weights(places.weights_folder(), list(BACKBONES))
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
        st.code("python -m modelzoo weights --fetch", language="bash")
        if st.button("Fetch what is missing", icon=":material/download:"):
            _fetch(missing)


def dataset_report() -> None:
    """What a folder of images holds, and what was skipped and why."""
    st.subheader("Look into a folder of images")
    folder = st.selectbox(
        "Folder or table",
        _known_data(),
        index=None,
        accept_new_options=True,
        placeholder="Choose one, or type a path",
        key="data",
        bind="query-params",
        help="One folder a class; train, val and test folders; C-NMC's folds; or a CSV or Parquet "
        "file with the columns path and label.",
    )
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
        st.code(f"python -m modelzoo data {folder}", language="bash")


def _known_data() -> list[str]:
    """Where the runs here found their images, and the demo's smears."""
    found, _ = runs.list_runs(places.runs_folder())
    known = {run.config.data for run in found if run.config.data}
    if places.demo_folder().is_dir():
        known.add(str(places.demo_folder().resolve()))
    return sorted(known)


def _fetch(names: list[str]) -> None:
    """Fetch weights one by one with a bar; what fails is said and the others go on."""
    from modelzoo.backbones.weights import fetch_weights

    for name in names:
        title = BACKBONES[name].title
        bar = st.progress(0.0, title)

        def show(done: int, total: int, bar: object = bar, title: str = title) -> None:
            share = min(done / total, 1.0) if total else 0.0
            bar.progress(share, f"{title}: {done / 1e6:.0f} of {total / 1e6:.0f} MB")  # type: ignore[attr-defined]  # a DeltaGenerator

        with said_in_place():
            fetch_weights(name, report=show)
            bar.progress(1.0, f"{title}: here")


def _share(status: runs.Status) -> float:
    """How much of the run is done, of its epochs where it counts them, in [0, 1]."""
    if status.phase == "training" and status.epochs:
        return min((status.epoch + status.progress) / status.epochs, 1.0)
    return min(max(status.progress, 0.0), 1.0)


def _gpu() -> str:
    """The NVIDIA devices, without asking torch."""
    found = list(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    names = {
        line.split(":", 1)[1].strip().removeprefix("NVIDIA ")
        for file in found
        for line in file.read_text(encoding="utf-8").splitlines()
        if line.startswith("Model:")
    }
    return ", ".join(sorted(names)) or "none seen"
