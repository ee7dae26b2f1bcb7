"""The sections of the page Compare, one at a time; those that are closed compute nothing."""

from collections.abc import Callable, Mapping

import streamlit as st

from pages.shell.links import warn_if_gone


def draw_sections(draw_by_title: Mapping[str, Callable[[], None]]) -> None:
    """The sections as tabs, of which the one that is open is drawn.

    Args:
        draw_by_title: In the order of the tabs; the first is open without a choice. Titles stand
            in links: whoever changes one adds a line to `pages/shell/links.py`.
    """
    warn_if_gone("section", draw_by_title, "Section")
    tabs = st.tabs(list(draw_by_title), key="section", bind="query-params", on_change="rerun")
    for tab, draw in zip(tabs, draw_by_title.values(), strict=True):
        if tab.open:
            with tab:
                draw()
