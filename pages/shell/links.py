"""Links: what they ask for that is not there any more."""

from collections.abc import Collection

import streamlit as st


def warn_if_gone(
    key: str, there: Collection[str], what: str, *, elsewhere: Collection[str] = ()
) -> None:
    """Say that the link's choice `key` is not there any more; call it before the widget.

    Streamlit drops such a value without a word, and the page would show something else.

    Args:
        key: Of the widget.
        there: What can be chosen.
        what: What a choice is called.
        elsewhere: What could be chosen if the page's other choices were others.
    """
    for value in st.query_params.get_all(key):
        if value and value not in there and value in elsewhere:
            st.warning(
                f"{what} {value} of this link is left out by what is chosen above.",
                icon=":material/filter_alt:",
            )
        elif value and value not in there:
            st.warning(f"{what} {value} of this link is gone.", icon=":material/link_off:")
