"""Which paper and which score the page Papers shows."""

import streamlit as st

from modelzoo.evaluation.metrics import METRICS
from modelzoo.papers.claims import read_claims
from modelzoo.papers.systems import PAPERS
from pages.shell.links import warn_if_gone

ALL = "all four"


def choose_paper() -> str | None:
    """The name of one paper; None: all of them."""
    names = {ALL: None} | {paper.title: name for name, paper in PAPERS.items()}
    warn_if_gone("paper", names, "Paper")
    chosen = st.segmented_control(
        "Paper", list(names), default=ALL, required=True, key="paper", bind="query-params"
    )
    return names[chosen or ALL]


def choose_metric() -> str:
    """A key of METRICS, of those that a paper has claims of."""
    claimed = {claim.metric for claim in read_claims()}
    titles = {metric.title: name for name, metric in METRICS.items() if name in claimed}
    warn_if_gone("claim", titles, "Score")
    chosen = st.segmented_control(
        "Score",
        list(titles),
        default=METRICS["accuracy"].title,
        required=True,
        key="claim",
        bind="query-params",
        help="Other scores are in the tables that are saved.",
    )
    return titles[chosen or METRICS["accuracy"].title]
