"""Choices that pages share. Each is held by the link, as the words it shows."""

from collections.abc import Sequence

import streamlit as st

from modelzoo.evaluation.leaderboard import SPLIT_HELP, SplitChoice
from pages.parts.states import say_if_gone


def choose_split(splits: Sequence[SplitChoice]) -> str:
    """The id of the split chosen; without a choice the first, and no widget where it is alone."""
    ids = {choice.title: choice.split_id for choice in splits}
    say_if_gone("split", ids, "Split")
    title = splits[0].title
    if len(splits) > 1:
        chosen = st.selectbox(
            "Tested on",
            ids,
            index=None,  # not the first: a link without a choice must not move when runs are added
            placeholder=f"{title} (most runs)",
            key="split",
            bind="query-params",
            help="Scores can be compared only on the same test images, so one split is shown at a "
            "time.  \n" + "  \n".join(SPLIT_HELP.values()),
        )
        title = chosen or title
    return ids[title]
