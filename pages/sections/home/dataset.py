"""Inspect a data set: what it holds, what is doubtful about it, and what was left out."""

import shlex

import streamlit as st

from pages.shell.data_picker import choose_data
from pages.shell.dataset_report import draw_report, open_with_bar
from pages.shell.errors import error_in_place


def draw_dataset() -> None:
    """What a folder of images holds."""
    st.subheader("Inspect a data set")
    folder = choose_data("Data set", "data", placeholder="Choose one, or type a path")
    if not folder:
        return
    with error_in_place():
        if prepared := open_with_bar(folder, key="home"):
            draw_report(prepared, key="home")
            st.caption("The same in a terminal, or as a data card for a paper's supplement:")
            quoted = shlex.quote(folder)
            st.code(
                f"python -m modelzoo data {quoted}\n"
                f"python -m modelzoo data {quoted} --card data-card.md",
                language=None,
                wrap_lines=True,
            )
