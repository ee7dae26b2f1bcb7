"""Shapley values per cell: rows of the page Explain. torch is imported when drawn."""

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from modelzoo.text import percent, shorten
from pages.sections.explain.image import Subject
from pages.sections.explain.maps import find_target
from pages.shell import inference, pictures
from pages.shell.errors import error_in_place
from pages.shell.prediction import Prediction
from pages.shell.reads import Model
from pages.shell.text import plain
from xai.draw.outlines import render_cells  # noqa: TID253  # no torch behind it
from xai.draw.overlay import encode_png  # noqa: TID253  # no torch behind it
from xai.smear.shapley_cost import count_passes  # noqa: TID253  # no torch behind it

if TYPE_CHECKING:
    from xai.smear.cell_shapley import CellAttribution
    from xai.smear.segment import Cells

HEADER_LETTERS = 20  # of the name of a class above a column
QUICK_SECONDS = 10  # what takes longer waits for a click
HELP = (
    "Shapley values: the model predicts the image with some of its cells masked, in all "
    "combinations (or, with ten cells or more, in random orders), and each cell gets its fair "
    "share of the change. The background is a feature too; its baseline is one even colour."
)


def draw_shapley(model: Model, prediction: Prediction, subject: Subject, target_name: str) -> None:
    """The row of one model: its cells, coloured by Shapley value, a sentence and a table."""
    with st.container(border=True), error_in_place():
        target = find_target(prediction, target_name)
        if target is None:
            return
        name = prediction.classes[target]
        st.markdown(
            f"#### {plain(model.title)}: Shapley values per cell for {plain(name)}", help=HELP
        )
        cells = pictures.find_cells(subject.picture)
        if not _may_begin(model, subject, cells.count, target):
            return
        found = _work_out(model, subject, target)
        left, right = st.columns([1, 1], gap="medium")
        with left:
            _draw_picture(found, cells, subject, name)
        with right:
            from xai.say.cells import describe_cells

            st.markdown(plain(describe_cells(found, cells.labels, name)))
            _draw_table(found, cells, name)
            st.caption(f"({found.forward_passes:,} forward passes, {found.seconds:.1f} s)")


def _may_begin(model: Model, subject: Subject, count: int, target: int) -> bool:
    """Whether the values are quick to compute, cached, or were asked for by a click."""
    passes = count_passes(count)
    seconds = passes * inference.seconds_a_pass(model)
    if seconds <= QUICK_SECONDS or inference.is_kept_by_cell(model, subject.picture, target):
        return True
    # The time is no part of the button: as soon as it is known better, a click would be lost.
    st.caption(f"About {seconds:.0f} s.")
    return st.button(
        f"Compute ({count} cells, {passes:,} passes)",
        key=f"cells-{model.run.id}",
        icon=":material/play_arrow:",
    )


def _work_out(model: Model, subject: Subject, target: int) -> "CellAttribution":
    place = st.empty()
    bar = place.progress(0.0, "Masking cells …")

    def show(done: int, total: int) -> None:
        bar.progress(done / total, f"Masking cells: {done:,} of {total:,} forward passes …")

    found = inference.attribution_by_cell(
        model,
        subject.picture,
        target=target,
        on_progress=show,
    )
    place.empty()
    return found


def _draw_picture(
    found: "CellAttribution", cells: "Cells", subject: Subject, target_name: str
) -> None:
    pixels = pictures.square(subject.picture, pictures.DISPLAY_PX)
    drawn = render_cells(pixels, cells.labels, found.values)
    by_value = ", ".join(f"cell {i}: {value:+.2f}" for i, value in enumerate(found.values, 1))
    st.image(
        encode_png(drawn),
        width="stretch",
        alt=f"The cells, orange for a positive and blue for a negative Shapley value for "
        f"{target_name}. In logits, {by_value}; background {found.background:+.2f}.",
    )


def _draw_table(found: "CellAttribution", cells: "Cells", target_name: str) -> None:
    from xai.smear.place import place_of

    without = f"P({shorten(target_name, HEADER_LETTERS)}) without it"
    rows = [
        {
            "Feature": f"Cell {cell}",
            "Where": place_of(cells.labels, cell),
            "Shapley value (logits)": float(value),
            without: percent(float(left), 0),
        }
        for cell, (value, left) in enumerate(
            zip(found.values, found.probability_without, strict=True), 1
        )
    ]
    rows.append(
        {
            "Feature": "Background",
            "Where": "all else",
            "Shapley value (logits)": found.background,
            without: "",
        }
    )
    table = pd.DataFrame(rows).sort_values("Shapley value (logits)", ascending=False)
    st.dataframe(
        table,
        hide_index=True,
        column_config={"Shapley value (logits)": st.column_config.NumberColumn(format="%+.2f")},
        alt="Cells and background, by Shapley value in logits.",
    )
