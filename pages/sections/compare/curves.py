"""Curves of one class against the rest, or of the macro-average, for every run."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from modelzoo.evaluation.intervals import Score
from modelzoo.evaluation.rows import LeaderboardRow
from modelzoo.text import join_few, shorten, shorten_all
from pages.figures.frame import config
from pages.sections.compare.figures import (
    NAME_LETTERS,
    describe_source,
    name_file,
    styles_by_name,
)
from pages.shell.links import warn_if_gone
from pages.shell.scores import MACRO, read_class_scores
from pages.shell.tables import offer_csv
from pages.shell.text import plain

Curve = TypeVar("Curve")


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveKind(Generic[Curve]):
    """What differs between ROC and precision-recall curves."""

    title: str
    key: str  # of the choice of the class in the link
    name: str  # of the figure, and of its file
    areas_name: str  # of the table's file
    help: str  # of what the curves are
    metric: str  # its area: "auc" or "average_precision"
    read: Callable[..., Mapping[str, Mapping[str, Curve]]]  # of run ids, `calibrated`, `per`
    figure: Callable[..., go.Figure]
    alt: Callable[[Mapping[str, Curve], str], str]
    draw_areas: Callable[[Mapping[str, Curve], Mapping[str, Score], str], pd.DataFrame]


def draw_curves(
    kind: CurveKind[Curve],
    rows: Sequence[LeaderboardRow],
    names: Mapping[str, str],
    file_format: str,
    *,
    calibrated: bool,
) -> str:
    """The curves of the chosen class on one pair of axes, and a table of their areas beside them.

    Args:
        kind: Of the curves.
        rows: At least one, all of one split.
        names: By run id.
        file_format: Of a figure that is saved.
        calibrated: Whether they are of scaled probabilities, as the scores of `rows` are.

    Returns:
        The class chosen, or `MACRO`.
    """
    st.subheader(kind.title)
    target = choose_target(rows, key=kind.key, help_text=kind.help)
    found = kind.read((row.run_id for row in rows), calibrated=calibrated, per=rows[0].per)
    curves = {
        names[run_id]: by_class[target] for run_id, by_class in found.items() if target in by_class
    }
    missing = rows[0].evaluation.missing_classes
    if not curves:
        st.caption(plain(describe_no_curve(missing, target)))
        return target
    beside = st.columns([3, 2])
    with beside[0]:
        st.plotly_chart(
            kind.figure(
                curves,
                styles_by_name(rows, names),
                target=describe_target(target),
                source=describe_source(rows[0], calibrated=calibrated),
            ),
            key=f"{kind.name}-curves",
            config=config(
                name_file(f"{kind.name}-{target}", rows[0], calibrated=calibrated), file_format
            ),
            alt=kind.alt(curves, target),
        )
    with beside[1]:
        scores = read_scores(rows, names, target, kind.metric, calibrated=calibrated)
        table = kind.draw_areas(curves, scores, target)
        offer_csv(table, name_file(f"{kind.areas_name}-{target}", rows[0], calibrated=calibrated))
    if missing:
        st.caption(plain(describe_missing(missing)))
    return target


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
    rows: Sequence[LeaderboardRow],
    names: Mapping[str, str],
    target: str,
    metric: str,
    *,
    calibrated: bool,
) -> dict[str, Score]:
    """A score with its interval for one class, or the macro-average, by the name of the run.

    Args:
        rows: The runs.
        names: By run id.
        target: A class or `MACRO`.
        metric: "auc" or "average_precision".
        calibrated: As of `draw_curves`.
    """
    if target == MACRO:
        return {names[row.run_id]: row.evaluation.scores[metric] for row in rows}
    unread = {names[row.run_id]: Score(math.nan, math.nan, math.nan) for row in rows}
    found = read_class_scores((row.run_id for row in rows), calibrated=calibrated, per=rows[0].per)
    return unread | {
        names[run_id]: getattr(by_class[target], metric)
        for run_id, by_class in found.items()
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
