"""Choices of the section Operating point: positive classes, threshold, prevalence."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from modelzoo.evaluation.operating_points import CRITERIA, Criterion, suggest_positive
from modelzoo.evaluation.operating_words import CRITERION_WORDS
from modelzoo.evaluation.rows import LeaderboardRow
from modelzoo.text import shorten_all
from pages.sections.compare.figures import NAME_LETTERS
from pages.shell.links import warn_if_gone
from pages.shell.text import plain

CRITERION_HELP = (
    "**predicted class (argmax)**: positive where the class with the highest probability is one of "
    "the positive classes; no threshold.  \n"
    "**wanted sensitivity**: the highest threshold that reaches it on the validation images.  \n"
    "**wanted specificity**: the lowest threshold that reaches it there.  \n"
    "**Youden's J**: the largest sum of sensitivity and specificity there.  \n"
    "**typed threshold**: your own. Thresholds are of the summed probability of the positive "
    "classes; none is chosen on test images."
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is chosen on the page."""

    positive: tuple[str, ...]
    criterion: Criterion
    wanted: float | None
    prevalence: float | None  # None: the share among the test images


def choose_point(rows: Sequence[LeaderboardRow]) -> Asked:
    """The classes, the criterion and the prevalence chosen."""
    classes = sorted({name for row in rows for name in row.evaluation.classes})
    titles = {name: plain(short) for name, short in shorten_all(classes, NAME_LETTERS).items()}
    warn_if_gone("positive", titles.values(), "Class")
    positive = st.pills(
        "Positive classes",
        classes,
        selection_mode="multi",
        default=list(suggest_positive(classes)),
        format_func=titles.__getitem__,  # a title of pills is Markdown
        key="positive",
        bind="query-params",
        help="The other classes are negative. An image's score is the sum of the probabilities of "
        "the positive classes.",
    )
    criterion = st.segmented_control(
        "Threshold by",
        CRITERIA,
        default="argmax",
        required=True,
        format_func=CRITERION_WORDS.__getitem__,
        key="criterion",
        bind="query-params",
        wrap=True,
        help=CRITERION_HELP,
    )
    by_prevalence, by_wanted = st.columns(2)
    with by_prevalence:
        prevalence = st.number_input(
            "Prevalence in %",
            min_value=0.0,
            max_value=100.0,
            value=None,
            step=1.0,
            placeholder="the share among the test images",
            key="prevalence",
            bind="query-params",
            help="How many of 100 patients who are examined have it. Predictive values depend on "
            "it; the share among the test images is whatever was collected.",
        )
    with by_wanted:
        wanted = _choose_wanted(criterion)
    share = None if prevalence is None else prevalence / 100
    return Asked(tuple(positive), criterion, wanted, share)


def _choose_wanted(criterion: Criterion) -> float | None:
    """What the criterion needs, in [0, 1]; None where it needs nothing."""
    if criterion == "typed":
        return st.number_input(
            "Threshold",
            min_value=0.0,
            max_value=1.0,
            value=0.5,
            step=0.01,
            format="%.4f",
            key="threshold",
            bind="query-params",
        )
    if criterion not in ("sensitivity", "specificity"):
        return None
    wanted = st.number_input(
        f"Wanted {criterion} in %",
        min_value=0.0,
        max_value=100.0,
        value=95.0,
        step=1.0,
        key="wanted",
        bind="query-params",
        help="On the validation images; on the test images it may be another.",
    )
    return wanted / 100
