"""The computed sentences that compare the runs."""

from collections.abc import Sequence

import streamlit as st

from modelzoo.evaluation.rows import LeaderboardRow
from modelzoo.evaluation.verdict import describe_split_effect, verdict_sentences
from pages.shell.text import plain


def draw_verdict(rows: Sequence[LeaderboardRow], all_rows: Sequence[LeaderboardRow]) -> None:
    """The first sentence in large letters, the others below, and the accuracies by split.

    Args:
        rows: Evaluated on one split.
        all_rows: Evaluated on any.
    """
    answer, *rest = verdict_sentences(rows)
    st.markdown(f"#### {plain(answer)}")
    if rest:
        st.markdown(plain(" ".join(rest)))
    if effect := describe_split_effect(all_rows):
        st.info(
            f"{plain(effect)} Compare accuracies within one split only.",
            icon=":material/call_split:",
        )
    if len(rows) < len(all_rows):
        st.caption(
            f"{len(rows)} of {len(all_rows)} evaluated runs {'is' if len(rows) == 1 else 'are'} "
            "shown. Runs that were evaluated on "
            "other test images are never in one table with these: their scores are not comparable."
        )
