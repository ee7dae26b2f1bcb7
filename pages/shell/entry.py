"""Every page is entered through streamlit_app.py, whichever link was opened first."""

import os

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from modelzoo import paths
from pages.shell.links import rewrite_link
from pages.shell.session import address_left, begin_page
from pages.shell.text import plain


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
    begin_page()
    if left := address_left(name):
        st.switch_page(f"pages/{name}.py", query_params=left)
    rewrite_link(name)
    _warn_if_runs_cannot_be_read()


def _warn_if_runs_cannot_be_read() -> None:
    """A folder of runs that is none looks like an empty one on every page."""
    folder = paths.runs_folder()
    try:
        os.scandir(folder).close()
    except FileNotFoundError:
        return  # nothing has been trained yet
    except OSError as error:
        st.error(
            plain(
                f"The runs could not be read, because {folder} could not be opened "
                f"({error.strerror}); mend that folder, or name another home by BLASTLENS_HOME."
            ),
            icon=":material/error:",
        )
