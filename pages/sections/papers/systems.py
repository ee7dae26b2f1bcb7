"""One table per paper: a line per system, its claim beside what was measured on each split."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from modelzoo.datasets.splits import SplitKind
from modelzoo.evaluation.metrics import METRICS
from modelzoo.evaluation.rows import SPLIT_HELP, SPLIT_WORDS
from modelzoo.papers.measured import Measured
from modelzoo.papers.systems import PAPERS, Paper, System
from modelzoo.papers.tables import (
    HONEST,
    MARKS,
    SystemRow,
    by_split,
    describe_cell,
    describe_claim,
    flat_records,
    systems_latex,
)
from modelzoo.text import capital, count
from pages.shell.tables import WHOLE_ROWS, offer_csv, offer_latex
from pages.shell.text import plain

UNTRAINED = "not trained yet"


def draw_paper(paper: Paper, rows: Sequence[SystemRow], metric: str) -> None:
    """The systems of one paper.

    Args:
        paper: Of all of them.
        rows: Systems with what was measured of them, at least one.
        metric: A key of METRICS.
    """
    st.subheader(paper.title)
    st.caption(plain(f"{paper.published}. Data: {paper.dataset}. Its split: {paper.split_note}"))
    untrained = sum(not measured for _, measured in rows)
    st.dataframe(
        pd.DataFrame([_record(system, measured, metric) for system, measured in rows]),
        hide_index=True,
        height="content" if len(rows) <= WHOLE_ROWS else "auto",
        key=f"systems-{paper.name}",
        alt=f"{paper.title}: one row per system, with the {METRICS[metric].title} that it claims "
        "and what was measured on each split.",
        column_config=_columns(paper, metric),
    )
    if any(measured for _, measured in rows):
        st.caption(plain(MARKS))
    if untrained:
        have = "has" if untrained == 1 else "have"
        st.caption(
            f"{count(untrained, 'system')} {have} not been trained yet; *One system* below has the "
            "command and a link that fills in the form."
        )


def _record(system: System, measured: Sequence[Measured], metric: str) -> dict[str, str]:
    kinds = by_split(system, measured)
    cells = {kind: describe_cell(each, metric) for kind, each in kinds.items()}
    shown = _kinds(PAPERS[system.paper])
    first = {} if kinds else {"paper": UNTRAINED}
    if kinds and not set(kinds) & set(shown):  # measured on a split that has no column
        kind, text = next(iter(cells.items()))
        first = {"paper": f"{text}, {SPLIT_WORDS[kind]}"}
    return {
        "system": system.title,
        "claimed": describe_claim(system, metric) or "no claim",
        **{kind: (cells | first).get(kind, "") for kind in shown},
        "recipe": system.recipe,
    }


def _kinds(paper: Paper) -> list[str]:
    """The paper's split, and the honest ones that are not the same."""
    return ["paper", *(kind for kind in HONEST if kind != paper.split)]


def _columns(paper: Paper, metric: str) -> dict[str, Any]:
    column = st.column_config
    titles: dict[str, SplitKind] = {"paper": paper.split} | {
        kind: kind for kind in HONEST if kind != paper.split
    }
    return {
        "system": column.TextColumn("System", pinned=True, width=230),
        "claimed": column.TextColumn(
            "Claimed",
            help=f"{METRICS[metric].title} as the paper prints it; it was not measured here.",
        ),
        **{
            key: column.TextColumn(
                "Paper's split" if key == "paper" else capital(SPLIT_WORDS[kind]),
                help=f"Measured here, with 95 % CI. {capital(SPLIT_HELP[kind])}",
            )
            for key, kind in titles.items()
        },
        "recipe": column.TextColumn("Recipe", help="Of the page Train and of the command `train`."),
    }


def offer_tables(rows: Sequence[SystemRow], metric: str, paper: str | None) -> None:
    """Buttons that save all that is shown, with every score, as CSV and as LaTeX."""
    name = f"papers-{paper or 'all'}"
    with st.container(horizontal=True):
        offer_csv(pd.DataFrame(flat_records(rows)), name)
        offer_latex(partial(systems_latex, rows, metric), f"{name}-{metric}")
