"""One system of a paper: every claim, every measurement, what differs and how to train it."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from modelzoo.backbones.table import BACKBONES
from modelzoo.datasets.splits import SplitKind
from modelzoo.evaluation.metrics import METRICS
from modelzoo.evaluation.rows import SPLIT_HELP, SPLIT_WORDS
from modelzoo.papers.measured import Measured
from modelzoo.papers.systems import PAPERS, System
from modelzoo.papers.tables import (
    MARKS,
    describe_measured,
    describe_test,
    mark,
    train_command,
)
from modelzoo.text import capital
from pages.shell.links import warn_if_gone
from pages.shell.text import plain


def choose_system(systems: Sequence[System]) -> System | None:
    """One of `systems`; None where none is chosen."""
    by_title = {f"{PAPERS[each.paper].title}: {each.title}": each for each in systems}
    warn_if_gone("system", by_title, "System")
    chosen = st.selectbox(
        "System",
        list(by_title),
        index=None,
        placeholder="Choose a system",
        key="system",
        bind="query-params",
        label_visibility="collapsed",
    )
    return by_title.get(chosen or "")


def draw_system(system: System, measured: Sequence[Measured]) -> None:
    """What is known of `system`, and what was measured of it."""
    paper = PAPERS[system.paper]
    st.markdown(
        plain(
            f"{system.title}: {system.parameters:,} parameters with the classes of {paper.dataset}."
        )
    )
    _draw_scores(system, measured)
    _say_measured(measured)
    st.markdown("**What differs from the paper, and why**")
    st.markdown("\n".join(f"- {plain(sentence)}" for sentence in system.all_differs))
    _offer_training(system)


def _draw_scores(system: System, measured: Sequence[Measured]) -> None:
    """One row per claim, with what was measured of the same score on each split."""
    titles = [f"{capital(SPLIT_WORDS[each.split])}{mark(each)}" for each in measured]
    columns = [f"measured{index}" for index in range(len(measured))]
    st.dataframe(
        pd.DataFrame(
            [
                {
                    "score": _title(claim.metric),
                    "claimed": claim.text,
                    "where": claim.where,
                    **{
                        column: _measured_of(claim.metric, each)
                        for column, each in zip(columns, measured, strict=True)
                    },
                }
                for claim in system.claims
            ]
        ),
        hide_index=True,
        height="content",
        key="claims",
        alt=f"{system.title}: one row per claim, with its table and what was measured here.",
        column_config={
            "score": st.column_config.TextColumn("Score", pinned=True),
            "claimed": st.column_config.TextColumn(
                "Claimed", help="As the paper prints it; it was not measured here."
            ),
            "where": st.column_config.TextColumn("Where", help="In the paper."),
            **{
                column: st.column_config.TextColumn(
                    title, help=f"Measured here, with 95 % CI. {capital(SPLIT_HELP[each.split])}"
                )
                for column, title, each in zip(columns, titles, measured, strict=True)
            },
        },
    )


def _measured_of(metric: str, measured: Measured) -> str:
    """The same score of the test part; empty where it is another's, as of validation images."""
    name = _OF_TEST.get(metric, metric)
    return describe_measured(measured, name) if name in measured.scores else ""


_OF_TEST = {"accuracy_test": "accuracy"}


def _title(metric: str) -> str:
    """`precision_benign` as `Precision, benign`."""
    name, _, rest = metric.partition("_")
    title = METRICS[name].title if name in METRICS else capital(name)
    return f"{title}, {rest.replace('_', ' ')}" if rest else title


def _say_measured(measured: Sequence[Measured]) -> None:
    """On which images each was measured, and what a reader must know of them."""
    if not measured:
        st.write("It has not been trained yet.")
    for each in measured:
        leaked = (
            f" {each.leaked:,} of them share their group with images that the model has seen, so "
            "the scores may be too high for new patients."
            if each.leaked
            else ""
        )
        owner = "Reference results, which come with the project" if each.is_reference else "Runs"
        words = f"{describe_test(each)}.{leaked} {owner}: {', '.join(each.runs)}."
        st.markdown(f"- {plain(words)}")
    if measured:
        st.caption(plain(MARKS))


def _offer_training(system: System) -> None:
    """The commands that train the system, and links that fill in the form of the page Train."""
    st.markdown("**Train it**")
    paper = PAPERS[system.paper]
    if system.members:
        st.write("Train its members on one split first; each is a system of its own here.")
        st.code(train_command(system), language=None, wrap_lines=True)
        return
    splits: list[SplitKind] = list(dict.fromkeys([system.config.split, paper.split, "grouped"]))
    st.code(
        "\n".join(train_command(system, split) for split in splits), language=None, wrap_lines=True
    )
    with st.container(horizontal=True):
        for split in splits:
            st.page_link(
                "pages/train.py",
                label=f"Train on the {SPLIT_WORDS[split]}",
                icon=":material/model_training:",
                query_params={
                    "train_recipe": system.recipe,
                    "train_backbone": BACKBONES[system.backbone].title,
                    "train_split": split,
                },
            )
