"""Every page is entered through streamlit_app.py, whichever link was opened first."""

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager


def through_the_door() -> None:
    """Begin again at streamlit_app.py where Streamlit has opened this page by itself.

    Until `st.navigation` has run once in a server, Streamlit takes the folder `pages/` for its old
    kind of app: a link to a page would show it without brand, width and the other pages' titles.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()
