"""A folder or table of images: one that is known, or a path typed in."""

import streamlit as st

from modelzoo import paths
from modelzoo.runs.folder import list_runs


def choose_data(label: str, key: str, *, placeholder: str, start: bool = False) -> str | None:
    """A folder or table of images: one that runs were trained on, the demo's, or a path typed in.

    Args:
        label: Of the widget.
        key: Its name in the link.
        placeholder: Shown while nothing is chosen.
        start: Without a choice give the demo's images, or else the first known.
    """
    known = _list_known_data()
    demo = str(paths.demo_folder().resolve())
    first = (demo if demo in known else next(iter(known), None)) if start else None
    chosen: str | None = st.selectbox(
        label,
        known,
        index=None,
        accept_new_options=True,
        placeholder=first or placeholder,
        key=key,
        bind="query-params",
        help="One folder a class; train, val and test folders; C-NMC's folds; or a CSV or Parquet "
        "file with the columns path and label.",
    )
    return chosen or first


def _list_known_data() -> list[str]:
    """Where the runs here found their images, and the demo's smears."""
    found, _ = list_runs(paths.runs_folder())
    known = {run.config.data for run in found if run.config.data}
    if paths.demo_folder().is_dir():
        known.add(str(paths.demo_folder().resolve()))
    return sorted(known)
