"""Inspect a data set: its classes, and the files that were skipped with the reason."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from modelzoo import paths
from modelzoo.errors import UserError
from pages.shell.data_picker import choose_data, is_known_data
from pages.shell.errors import error_in_place
from pages.shell.text import plain

if TYPE_CHECKING:
    from modelzoo.datasets.dataset import Dataset


def draw_dataset() -> None:
    """What a folder of images holds, and what was skipped and why."""
    st.subheader("Inspect a data set")
    folder = choose_data("Data set", "data", placeholder="Choose one, or type a path")
    if not folder:
        return
    with error_in_place():
        _draw_dataset(_open(folder))
        st.caption("Groups of overlapping fields and background clusters are found by:")
        st.code(f"python -m modelzoo data {shlex.quote(folder)}", language=None)


def _open(folder: str) -> "Dataset":
    """The data set in `folder`; a bar shows how far its check is.

    Raises:
        UserError: It is none. For a path that comes from a link only, no reason is given, since
            that would reveal what lies on the disks of this machine.
    """
    from modelzoo.datasets.opening import open_dataset

    place = st.empty()
    bar = place.progress(0.0, "Searching for images …")

    def on_progress(done: int, total: int) -> None:
        # Streamlit ends the work here when the tab is closed or something else is chosen.
        words = f"Checking images: {done:,} of {total:,} …" if done else f"{total:,} files found …"
        bar.progress(done / total if total else 0.0, words)

    try:
        return open_dataset(Path(folder), store=paths.store_folder(), progress=on_progress)
    except UserError:
        if is_known_data(folder):
            raise
        raise UserError(
            f"{folder} could not be opened as a data set; give a folder that has one folder of "
            "images for each class, or a table with the columns path and label. The command "
            "python -m modelzoo data, with this path, reports what is wrong."
        ) from None
    finally:
        place.empty()


def _draw_dataset(dataset: "Dataset") -> None:
    labels = pd.Series([image.label for image in dataset.images], dtype=str)
    groups = {image.group for image in dataset.images if image.group}
    st.markdown(
        f"**{len(dataset.images)} images of {len(dataset.classes)} classes**"
        + (f" in {len(groups)} groups" if groups else "")
        + f", {len(dataset.skipped)} skipped. Data set `{dataset.id}`."
    )
    if dataset.notes:
        st.warning("  \n".join(map(plain, dataset.notes)), icon=":material/info:")
    counts = labels.value_counts().sort_index()
    st.dataframe(
        pd.DataFrame({"Class": counts.index, "Images": counts.to_numpy()}),
        hide_index=True,
        alt="Images by class.",
    )
    if dataset.skipped:
        st.markdown("**Skipped files**")
        st.dataframe(
            pd.DataFrame(
                {
                    "Image": [each.id for each in dataset.skipped],
                    "Reason": [each.reason for each in dataset.skipped],
                }
            ),
            hide_index=True,
            alt="Files that were skipped, each with its reason.",
        )
