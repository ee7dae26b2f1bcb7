"""Confusion matrices; an entry opens its images."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from modelzoo.evaluation.hardest import ImageResult, images_of_entry, rank_hardest, results_table
from modelzoo.evaluation.rows import LeaderboardRow
from modelzoo.evaluation.units import Unit
from modelzoo.files import portable_name
from modelzoo.text import count, shorten_all
from pages.figures.confusion import confusion_alt, confusion_matrix, matrix_width
from pages.figures.frame import config
from pages.sections.compare.cards import card_of_one
from pages.sections.compare.figures import NAME_LETTERS, describe_source, name_file
from pages.shell.gallery import draw_gallery
from pages.shell.links import warn_if_gone
from pages.shell.reads import read_test_predictions
from pages.shell.session import choose, clicked_point
from pages.shell.tables import offer_csv
from pages.shell.text import plain


@dataclass(frozen=True, slots=True)
class ConfusionEntry:
    """One entry of the confusion matrix of a run."""

    run_id: str
    label: str  # the true class
    predicted: str  # the class with the highest probability


def name_entry(entry: ConfusionEntry, short: Mapping[str, str]) -> str:
    """An entry in the words that stand in links; `short` are the names of classes there."""
    return f"{entry.run_id}: {short[entry.label]} predicted as {short[entry.predicted]}"


def choose_entry(
    entries: Sequence[ConfusionEntry], short: Mapping[str, str], *, elsewhere: Collection[str]
) -> ConfusionEntry | None:
    """The entry of a confusion matrix whose images to show; None: none yet.

    What a click on a matrix chooses; by keyboard the same.

    Args:
        entries: Those of the matrices shown.
        short: Names of their classes, as links have them.
        elsewhere: Ids of runs that other choices leave out.
    """
    by_name = {name_entry(entry, short): entry for entry in entries}
    hidden = [
        name for name in st.query_params.get_all("entry") if name.partition(": ")[0] in elsewhere
    ]
    warn_if_gone("entry", by_name, "Entry", elsewhere=hidden)
    chosen = st.selectbox(
        "Images of an entry",
        by_name,
        index=None,
        placeholder="Click an entry of a matrix, or choose one here",
        key="entry",
        bind="query-params",
        help="Which test images to show: the model, the true class and the predicted class. "
        "Type a part of a name to find it.",
    )
    return by_name.get(chosen or "")


ANCHOR = "images-of-this-entry"  # what Streamlit makes of the heading "Images of this entry"


def draw_confusion(
    rows: Sequence[LeaderboardRow],
    names: Mapping[str, str],
    file_format: str,
    all_ids: Sequence[str],
    *,
    calibrated: bool,
) -> None:
    """The matrices of `rows`; a click on an entry, or the choice below them, shows its images.

    Args:
        rows: In the order of the matrices.
        names: By run id.
        file_format: Of figures that are saved.
        all_ids: Of every run that was evaluated, shown or not.
        calibrated: Whether the probabilities of images are scaled; the matrices never change.
    """
    st.subheader("Confusion matrices")
    st.caption(
        "Which classes are confused? Rows are the true classes, columns the predicted classes; in "
        "each entry the number of test images, and percent of the true class (with many classes in "
        "the shade and under the mouse). A click on an entry, "
        "or the choice below the matrices, shows its images."
    )
    matrices = st.container()  # above the choice that frames an entry
    row_by_id = {row.run_id: row for row in rows}
    short = shorten_all({name for row in rows for name in row.evaluation.classes}, NAME_LETTERS)
    entry = choose_entry(
        [
            ConfusionEntry(row.run_id, label, predicted)
            for row in rows
            for label in row.evaluation.classes
            for predicted in row.evaluation.classes
        ],
        short,
        elsewhere=[run_id for run_id in all_ids if run_id not in row_by_id],
    )
    results = _find_results(entry, calibrated, rows[0].per)
    width = max(matrix_width(row.evaluation.classes) for row in rows)
    with matrices, st.grid(min_column_width=width, gap="small"):
        for row in rows:
            with st.container():
                if entry and entry.run_id == row.run_id:
                    chosen = (entry.label, entry.predicted)
                    _draw_matrix(row, names, short, chosen, file_format)
                    words = plain(f"True class {entry.label}, predicted class {entry.predicted}")
                    st.markdown(f"{words}: [{count(len(results), 'image')}, below](#{ANCHOR})")
                else:
                    _draw_matrix(row, names, short, None, file_format)
    if entry:
        _draw_entry(entry, results, row_by_id[entry.run_id], names, calibrated)


def _draw_entry(
    entry: ConfusionEntry,
    results: Sequence[ImageResult],
    row: LeaderboardRow,
    names: Mapping[str, str],
    calibrated: bool,
) -> None:
    st.markdown("##### Images of this entry")
    st.markdown(
        f"**{plain(names[entry.run_id])}**, true class {plain(entry.label)}, predicted "
        f"class {plain(entry.predicted)}: "
        f"{count(len(results), 'test image')}"
        f"{', highest confidence first' if len(results) > 1 else ''}."
    )
    if results:
        draw_gallery(results, card_of_one, Path(row.config.data), key="entry_page")
        parts = (entry.run_id, entry.label, "predicted", entry.predicted)
        name = "-".join(portable_name(part, 60) for part in parts) + "-calibrated" * calibrated
        if row.per != "image":
            name += f"-per-{row.per}"
        offer_csv(results_table(results, names), name, "List as CSV")


def _find_results(entry: ConfusionEntry | None, calibrated: bool, per: Unit) -> list[ImageResult]:
    """The images of an entry, highest confidence first."""
    if entry is None:
        return []
    results = images_of_entry(
        rank_hardest(read_test_predictions([entry.run_id], calibrated=calibrated, per=per)),
        label=entry.label,
        predicted=entry.predicted,
    )
    return sorted(results, key=lambda each: -each.by_model[0].probability)


def _draw_matrix(
    row: LeaderboardRow,
    names: Mapping[str, str],
    short: Mapping[str, str],
    chosen: tuple[str, str] | None,
    file_format: str,
) -> None:
    evaluation = row.evaluation
    key = f"confusion-{row.run_id}"
    st.plotly_chart(
        confusion_matrix(
            evaluation.confusion,
            evaluation.classes,
            chosen,
            name=names[row.run_id],
            source=describe_source(row),
        ),
        key=key,
        on_select=lambda: _choose_clicked(row.run_id, key, short),
        selection_mode="points",
        config=config(name_file(key, row), file_format),
        alt=confusion_alt(evaluation.confusion, evaluation.classes, names[row.run_id]),
    )


def _choose_clicked(run_id: str, chart: str, short: Mapping[str, str]) -> None:
    if point := clicked_point(chart):
        predicted, label = point
        choose(entry=name_entry(ConfusionEntry(run_id, label, predicted), short), entry_page=1)
