"""What is mistaken for what: confusion matrices side by side, and the images of a cell."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import streamlit as st

from modelzoo.evaluation.disagreement import (
    Judged,
    images_of_cell,
    judge_images,
    judged_table,
)
from modelzoo.evaluation.leaderboard import LeaderboardRow
from modelzoo.evaluation.words import count
from pages.parts import plots
from pages.parts.answers import say_percent
from pages.parts.choices import Cell, choose_cell, name_cell
from pages.parts.images import Card, draw_gallery
from pages.parts.scoreboard import read_answers
from pages.parts.session import choose, clicked_point
from pages.parts.tables import offer_csv

ANCHOR = "images-of-the-cell"  # what Streamlit makes of the heading "Images of the cell"


def draw_mistakes(
    rows: Sequence[LeaderboardRow],
    names: Mapping[str, str],
    file_format: str,
    all_ids: Sequence[str],
) -> None:
    """The matrices of `rows`; a click on a cell, or the choice below them, show its images.

    Args:
        rows: In the order of the matrices.
        names: By run id.
        file_format: What figures are saved as.
        all_ids: Of every run that was tested, shown or not.
    """
    st.subheader("What is mistaken for what?")
    st.caption(
        "Rows are the true classes, columns what the model says: images, and percent of the true "
        "class. A click on a cell, or the choice below the matrices, shows its images."
    )
    matrices = st.container()  # above the choice that frames a cell
    row_by_id = {row.run_id: row for row in rows}
    cell = choose_cell(
        [
            Cell(row.run_id, label, says)
            for row in rows
            for label in row.evaluation.classes
            for says in row.evaluation.classes
        ],
        elsewhere=[run_id for run_id in all_ids if run_id not in row_by_id],
    )
    judged = _judge(cell)
    with matrices, st.grid(min_column_width=320, gap="medium"):
        for row in rows:
            with st.container():
                st.markdown(f"**{names[row.run_id]}**")
                if cell and cell.run_id == row.run_id:
                    _draw_matrix(row, names, (cell.label, cell.says), file_format)
                    words = f"True class {cell.label}, said to be {cell.says}"
                    st.markdown(f"{words}: [{count(len(judged), 'image')}, below](#{ANCHOR})")
                else:
                    _draw_matrix(row, names, None, file_format)
    if cell:
        _draw_cell(cell, judged, row_by_id[cell.run_id], names)


def _draw_cell(
    cell: Cell, judged: Sequence[Judged], row: LeaderboardRow, names: Mapping[str, str]
) -> None:
    st.markdown("##### Images of the cell")
    st.markdown(
        f"**{names[cell.run_id]}**, true class {cell.label}, said to be {cell.says}: "
        f"{count(len(judged), 'test image')}{', the surest first' if len(judged) > 1 else ''}."
    )
    if judged:
        cards = [_card(each) for each in judged]
        draw_gallery(cards, Path(row.config.data), key="cell_page")
        name = f"{cell.run_id}-{cell.label}-said-{cell.says}"
        offer_csv(judged_table(judged, names), name, "List as CSV")


def _judge(cell: Cell | None) -> list[Judged]:
    """The images of a cell, the surest first."""
    if cell is None:
        return []
    judged = images_of_cell(
        judge_images(read_answers([cell.run_id])), label=cell.label, says=cell.says
    )
    return sorted(judged, key=lambda each: -each.sayings[0].probability)


def _draw_matrix(
    row: LeaderboardRow,
    names: Mapping[str, str],
    chosen: tuple[str, str] | None,
    file_format: str,
) -> None:
    evaluation = row.evaluation
    key = f"confusion-{row.run_id}"
    st.plotly_chart(
        plots.confusion(evaluation.confusion, evaluation.classes, chosen),
        key=key,
        on_select=lambda: _choose_clicked(row.run_id, key),
        selection_mode="points",
        config=plots.config(key, file_format),
        alt=plots.confusion_alt(evaluation.confusion, evaluation.classes, names[row.run_id]),
    )


def _choose_clicked(run_id: str, chart: str) -> None:
    if point := clicked_point(chart):
        says, label = point
        choose(cell=name_cell(Cell(run_id, label, says)), cell_page=1)


def _card(judged: Judged) -> Card:
    (saying,) = judged.sayings
    said = f"{saying.says} {say_percent(saying.probability)}"
    return Card(
        judged.image,
        f"said to be **{said}**  \ntrue class {judged.label}",
        f"{judged.image}, true class {judged.label}, said to be {said}.",
        (saying.run_id,),
    )
