"""Which class the curves are of: one against the rest, or the macro-average."""

import math
from collections.abc import Mapping, Sequence

import streamlit as st

from modelzoo.evaluation.intervals import Score
from modelzoo.evaluation.rows import LeaderboardRow
from modelzoo.text import join_few, shorten, shorten_all
from pages.sections.compare.figures import NAME_LETTERS
from pages.shell.links import warn_if_gone
from pages.shell.reads import MACRO, read_class_scores
from pages.shell.text import plain


def choose_target(rows: Sequence[LeaderboardRow], *, key: str, help_text: str) -> str:
    """The class chosen, or `MACRO`.

    Args:
        rows: At least one, all of one split.
        key: Of the choice in the link.
        help_text: Of what the curves are.
    """
    targets = [MACRO, *sorted({name for row in rows for name in row.evaluation.classes})]
    titles = {name: plain(short) for name, short in shorten_all(targets, NAME_LETTERS).items()}
    warn_if_gone(key, titles.values(), "Class")
    chosen = st.segmented_control(
        "Class",
        targets,
        default=MACRO,
        required=True,
        format_func=titles.__getitem__,  # a title of this control is Markdown
        key=key,
        bind="query-params",
        help=f"One class against the rest, or the macro-average over the classes. {help_text}",
    )
    return chosen or MACRO


def read_scores(
    rows: Sequence[LeaderboardRow], names: Mapping[str, str], target: str, metric: str
) -> dict[str, Score]:
    """A score with its interval for one class, or the macro-average, by the name of the run.

    Args:
        rows: The runs.
        names: By run id.
        target: A class or `MACRO`.
        metric: "auc" or "average_precision".
    """
    if target == MACRO:
        return {names[row.run_id]: row.evaluation.scores[metric] for row in rows}
    unread = {names[row.run_id]: Score(math.nan, math.nan, math.nan) for row in rows}
    return unread | {
        names[run_id]: getattr(by_class[target], metric)
        for run_id, by_class in read_class_scores(row.run_id for row in rows).items()
        if target in by_class
    }


def describe_no_curve(missing: Sequence[str], target: str) -> str:
    """Why there is no curve; `missing` are the classes without test images."""
    if target in missing:
        return f"{target} has no test images, so it has no curve."
    if target != MACRO or not missing:
        return "All test images are of one class, so there is no curve."
    have = "has" if len(missing) == 1 else "have"
    return (
        f"The macro-average is not defined, since {join_few(missing)} {have} no test images; "
        "choose another class for its curve."
    )


def describe_missing(missing: Sequence[str]) -> str:
    """Which classes have no curve; `missing` are those without test images, at least one."""
    have = "has" if len(missing) == 1 else "have"
    return (
        f"{join_few(missing)} {have} no test images, and so no curve; nor is there a macro-average."
    )


def describe_target(target: str) -> str:
    """Whose the curves are, as a figure names it."""
    return target if target == MACRO else f"class {shorten(target, NAME_LETTERS)}"
