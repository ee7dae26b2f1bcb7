"""Inspect a data set: what it holds, what is doubtful about it, and what was left out."""

import shlex

import streamlit as st

from pages.sections.data.report import draw_report, open_with_bar
from pages.shell.data_picker import choose_columns, choose_data
from pages.shell.errors import error_in_place


def draw_dataset() -> None:
    """What a folder of images holds."""
    st.subheader("Inspect a data set")
    folder = choose_data("Data set", "data", placeholder="Choose one, or type a path")
    if not folder:
        return
    columns = choose_columns(folder, "columns")
    with error_in_place():
        if prepared := open_with_bar(folder, key="home", columns=columns):
            draw_report(prepared, key="home")
            st.caption("The same in a terminal, or as a data card for a paper's supplement:")
            named = ["--columns", columns] if columns else []
            command = shlex.join(["python", "-m", "modelzoo", "data", folder, *named])
            st.code(
                f"{command}\n{command} --card data-card.md",
                language=None,
                wrap_lines=True,
            )
