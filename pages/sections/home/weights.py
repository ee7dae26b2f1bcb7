"""ImageNet weights by backbone, and a button that fetches those that are missing."""

import pandas as pd
import streamlit as st

from modelzoo import paths
from modelzoo.backbones.table import BACKBONES
from modelzoo.backbones.weights import fetch_weights, list_weights
from modelzoo.text import count
from pages.shell.errors import error_in_place


def draw_weights() -> None:
    """ImageNet weights by backbone, and a button that fetches those that are missing."""
    section = st.expander("ImageNet weights", key="weights", on_change="rerun", bind="query-params")
    if not section.open:
        return
    with section, error_in_place():
        with st.spinner("Searching for weights …"):
            states = list_weights(paths.weights_folder())
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
            st.caption("The weights of all backbones are on this machine.")
            return
        st.caption(
            f"Weights of {count(len(missing), 'backbone')} are missing; without them a model is "
            "trained from scratch."
        )
        st.code("python -m modelzoo weights --fetch", language=None)
        if st.button("Fetch missing weights", icon=":material/download:"):
            _fetch(missing)


def _fetch(names: list[str]) -> None:
    """Fetch weights one by one with a bar; a failure is shown, and the others follow."""
    for name in names:
        title = BACKBONES[name].title
        bar = st.progress(0.0, title)

        def show(done: int, total: int, bar: object = bar, title: str = title) -> None:
            share = min(done / total, 1.0) if total else 0.0
            bar.progress(share, f"{title}: {done / 1e6:.0f} of {total / 1e6:.0f} MB")  # type: ignore[attr-defined]  # a DeltaGenerator

        with error_in_place():
            fetch_weights(name, report=show)
            bar.progress(1.0, f"{title}: here")
