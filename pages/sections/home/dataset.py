"""What a folder of images holds, and what was skipped and why."""

from pathlib import Path

import pandas as pd
import streamlit as st

from modelzoo import paths
from pages.shell.data_picker import choose_data
from pages.shell.errors import error_in_place


def dataset_report() -> None:
    """What a folder of images holds, and what was skipped and why."""
    st.subheader("DisplayOptions into a folder of images")
    folder = choose_data("Folder or table", "data", placeholder="Choose one, or type a path")
    if not folder:
        return
    with error_in_place():
        from modelzoo.datasets.opening import open_dataset

        with st.spinner("Checking images …"):
            dataset = open_dataset(Path(folder), store=paths.store_folder())
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
        st.caption("Groups of overlapping fields and background clusters are found by:")
        st.code(f"python -m modelzoo data {folder}", language=None)
