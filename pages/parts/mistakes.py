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
from modelzoo.evaluation.words import capital, count
from pages.parts import plots
from pages.parts.answers import say_percent
from pages.parts.choices import choose_cell
from pages.parts.images import Card, draw_gallery
from pages.parts.scoreboard import read_answers
from pages.parts.session import choose, clicked_point
from pages.parts.tables import offer_csv


def draw_mistakes(
    rows: Sequence[LeaderboardRow],
    names: Mapping[str, str],
    file_format: str,
    all_ids: Sequence[str],
) -> None:
    """The matrices of `rows`; a click on a cell, or three choices, show its images.

    Args:
        rows: In the order of the matrices.
        names: By run id.
        file_format: What figures are saved as.
        all_ids: Of every run that was tested, shown or not.
    """
    st.subheader("What is mistaken for what?")
    st.caption(
        "Rows are the true classes, columns what the model says: images, and percent of the true "
        "class. A click on a cell shows its images below the matrices."
    )
    matrices = st.container()  # above the choice that frames a cell
    row_by_id = {row.run_id: row for row in rows}
    classes = sorted({name for row in rows for name in row.evaluation.classes})
    st.markdown("##### Images of a cell")
    run_id, label, says = choose_cell(list(row_by_id), classes, elsewhere=all_ids)
    judged = _judge_cell(run_id, label, says)
    with matrices, st.grid(min_column_width=320, gap="medium"):
        for row in rows:
            is_chosen = row.run_id == run_id
            with st.container():
                st.markdown(f"**{names[row.run_id]}**")
                _draw_matrix(row, names, (label, says) if is_chosen else (None, None), file_format)
                if is_chosen:
                    st.markdown(
                        f"{capital(_describe(label, says))}: [{_images(judged)}, below](#{ANCHOR})"
                    )
    if run_id is None:
        st.caption("No cell is chosen yet.")
        return
    row = row_by_id[run_id]
    st.markdown(
        f"**{names[run_id]}**, {_describe(label, says)}: {_images(judged)} of the test part, the "
        "wrong and confident first."
    )
    if not judged:
        return
    draw_gallery([_card(each) for each in judged], Path(row.config.data), key="cell_page")
    cell = f"{run_id}-{label or 'any'}-said-{says or 'any'}"
    offer_csv(judged_table(judged, names), cell, "List as CSV")


ANCHOR = "images-of-a-cell"  # what Streamlit makes of the heading


def _judge_cell(run_id: str | None, label: str | None, says: str | None) -> list[Judged]:
    if run_id is None:
        return []
    return images_of_cell(judge_images(read_answers([run_id])), label=label, says=says)


def _draw_matrix(
    row: LeaderboardRow,
    names: Mapping[str, str],
    chosen: tuple[str | None, str | None],
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
        choose(cell_run=run_id, cell_true=label, cell_said=says)


def _describe(label: str | None, says: str | None) -> str:
    return f"true class {label or 'any'}, said to be {says or 'any'}"


def _images(judged: Sequence[Judged]) -> str:
    return count(len(judged), "image")


def _card(judged: Judged) -> Card:
    (saying,) = judged.sayings
    said = f"{saying.says} {say_percent(saying.probability)}"
    return Card(
        judged.image,
        f"said to be **{said}**  \ntrue class {judged.label}",
        f"{judged.image}, true class {judged.label}, said to be {said}.",
        (saying.run_id,),
    )
