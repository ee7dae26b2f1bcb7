"""What pages say when something is missing, gone or wrong. No traceback ever."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

import streamlit as st

from modelzoo.errors import UserError
from modelzoo.evaluation.leaderboard import LeaderboardRow
from modelzoo.evaluation.sentences import split_effect, verdict_sentences
from xai.errors import UserError as ExplainError  # noqa: TID253  # errors alone: no torch behind it


@contextmanager
def said_in_place() -> Iterator[None]:
    """Show what a person can mend as a sentence where it happened; the rest of the page goes on."""
    try:
        yield
    except (UserError, ExplainError) as error:
        st.error(str(error), icon=":material/error:")


def say_if_gone(
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


def say_verdict(rows: Sequence[LeaderboardRow], all_rows: Sequence[LeaderboardRow]) -> None:
    """The answer in large letters, what it rests on below, and what the split does to it.

    Args:
        rows: Tested on one split.
        all_rows: Tested on any.
    """
    answer, *rest = verdict_sentences(rows)
    st.markdown(f"#### {answer}")
    if rest:
        st.markdown(" ".join(rest))
    if effect := split_effect(all_rows):
        st.info(f"{effect} A figure means nothing without its split.", icon=":material/call_split:")
