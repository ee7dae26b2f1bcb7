"""An error of a person in one sentence, in its place; the rest of the page goes on."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from modelzoo.errors import UserError
from pages.shell.text import plain
from xai.errors import UserError as ExplainError  # noqa: TID253  # errors alone: no torch behind it


@contextmanager
def error_in_place() -> Iterator[None]:
    """Show what a person can mend as a sentence where it happened; the rest of the page goes on."""
    try:
        yield
    except (UserError, ExplainError) as error:
        st.error(plain(str(error)), icon=":material/error:")
