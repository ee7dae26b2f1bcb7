"""Which runs the page Compare is about: those there are, and what is chosen of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from modelzoo.evaluation.rows import (
    Leaderboard,
    LeaderboardRow,
    best_first,
    list_splits,
    name_rows,
)
from pages.sections.compare.filters import (
    choose_drawn,
    choose_format,
    choose_rows,
    choose_scaling,
    choose_split,
    choose_unit,
    draw_unit,
)
from pages.sections.compare.unfinished import draw_unfinished
from pages.sections.compare.verdict import draw_verdict
from pages.shell.demo import offer_demo
from pages.shell.reads import read_board, read_reference_board
from pages.shell.scores import score_rows


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chosen:
    """What the sections of Compare show."""

    of_data: list[LeaderboardRow]  # evaluated on the same images, of every split
    rows: list[LeaderboardRow]  # of one split, best first
    drawn: list[LeaderboardRow]  # those of `rows` that figures show
    names: dict[str, str]  # of `rows`, by run id
    split: str  # its title
    file_format: str  # of figures that are saved
    calibrated: bool


def find_board() -> Leaderboard:
    """The evaluated runs; without one those that come with the project, and how to begin.

    The script ends where those are not there either.
    """
    board = read_board()
    if board.rows:
        return board
    st.write("No run of yours has been evaluated yet, so there is nothing to compare.")
    offer_demo()
    draw_unfinished(board)
    board = read_reference_board()
    if not board.rows:
        st.stop()
    st.subheader("Reference results")
    st.info(
        "Until then: runs on the real smears of the ALL image data set (Aria et al. 2021) that "
        "come with the project, without the images. They are not yours, and leave this page once a "
        "run of yours is evaluated.",
        icon=":material/inventory_2:",
    )
    return board


def choose_all(board: Leaderboard) -> Chosen:
    """What is chosen for all sections, below the sentences that depend on it.

    The script ends where no run is left.
    """
    answer = st.container()  # above the choices that it depends on
    kept = choose_rows(board.rows)
    splits = list_splits(kept)
    if not splits:
        answer.info("No run has both this data set and this recipe; choose others.")
        st.stop()
    split = choose_split(splits, elsewhere=[each.title for each in list_splits(board.rows)])
    rows, of_data, every = _score(board, kept, split.split_id)
    names = name_rows(rows)
    with answer:
        draw_verdict(rows, every)
        draw_unit(rows[0])
    by_runs, by_format = st.columns([3, 1])
    with by_runs:
        drawn = choose_drawn(rows, elsewhere=[row.run_id for row in board.rows])
    with by_format:
        file_format = choose_format()
    calibrated, rows, drawn = choose_scaling(rows, drawn, names)
    return Chosen(
        of_data=of_data,
        rows=rows,
        drawn=drawn,
        names=names,
        split=split.title,
        file_format=file_format,
        calibrated=calibrated,
    )


def _score(
    board: Leaderboard, kept: Sequence[LeaderboardRow], split_id: str
) -> tuple[list[LeaderboardRow], list[LeaderboardRow], Sequence[LeaderboardRow]]:
    """The rows of the split, those of its data set, and all, by the unit that is chosen.

    Per group or patient, other data sets are left out: they may know none.
    """
    rows = best_first(row for row in kept if row.split_id == split_id)
    dataset_id = rows[0].dataset_id
    of_data = [row for row in kept if row.dataset_id == dataset_id]
    per = choose_unit(rows)
    if per == "image":
        return rows, of_data, board.rows
    of_data = score_rows(of_data, calibrated=False, per=per)
    rows = best_first(row for row in of_data if row.split_id == split_id)
    if not rows:
        st.stop()  # the sentences above say why
    return rows, of_data, of_data
