"""Every page is entered through streamlit_app.py, whichever link was opened first."""

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from pages.shell.links import rewrite_link


def enter_page(name: str) -> None:
    """Make the app and the link as the page expects them; the first call of every page's script.

    Until `st.navigation` has run once in a server, Streamlit takes the folder `pages/` for its old
    kind of app: a link to a page would show it without brand, width and the other pages' titles.
    The page then begins again at streamlit_app.py.

    Args:
        name: Of the page's script, without its ending.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()
    rewrite_link(name)
