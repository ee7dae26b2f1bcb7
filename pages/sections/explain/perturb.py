"""Perturbations of the image, and the predictions of the models after them. No torch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.figures.clickable import clickable_cells
from pages.sections.explain.image import Subject
from pages.sections.explain.maps import probability_bars
from pages.shell import inference, pictures
from pages.shell.calibrated import scale
from pages.shell.errors import error_in_place
from pages.shell.prediction import Prediction
from pages.shell.reads import Model
from pages.shell.session import count_clicks, toggle_clicked_number
from pages.shell.text import plain
from xai.draw.outlines import render_cells  # noqa: TID253  # no torch behind it
from xai.draw.overlay import encode_png  # noqa: TID253  # no torch behind it
from xai.perturb.image import PERTURBATIONS, Perturbation, keep_only  # noqa: TID253  # no torch behind it
from xai.say.change import describe_change  # noqa: TID253  # no torch behind it
from xai.types import Rgb  # noqa: TID253  # no torch behind it

if TYPE_CHECKING:
    from xai.smear.segment import Cells

ERASE, KEEP = "Mask all cells (inpaint)", "Keep only the cells"
ASKS = {
    ERASE: "Does the prediction depend on the cells, or is the background enough?",
    KEEP: "Are the cells enough, or does the prediction depend on what is around them?",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One perturbation of the image."""

    title: str
    question: str
    make: Callable[[Rgb, "Cells"], Rgb]  # of the square that is shown or predicted
    before: str = ""  # a key of PERTURBATIONS, made of the whole image before it is resized


def draw_perturbations(predicted: Sequence[tuple[Model, Prediction]], subject: Subject) -> None:
    """The choice of changes, the changed image, and the prediction of each model for it."""
    cells = pictures.find_cells(subject.picture)
    changes = _changes()
    title = st.pills(
        "Perturbation",
        [title for title in changes if cells.count or title not in ASKS],
        key="perturbation",
        bind="query-params",
        help="One perturbation at a time; choose it again to undo it.  \n"
        + "  \n".join(f"**{each.title}**: {each.question}" for each in changes.values()),
    )
    if not cells.count:
        st.info("No nucleated cell was found in this image, so none can be masked.")
    left, right = st.columns([1, 1], gap="medium")
    with left:
        change: Change | None = changes[title] if title else None
        if change:
            pixels = pictures.square(
                subject.picture, pictures.DISPLAY_PX, perturbation=change.before
            )
            drawn = change.make(pixels, cells)
            st.image(
                drawn, width="stretch", alt=f"The image after the perturbation: {change.title}."
            )
        elif cells.count:
            erased = _choose_cells(cells, subject)
            change = _erase(erased) if erased else None
    with right:
        if change is None:
            st.info("Choose a perturbation above, or click a cell to mask it.")
            return
        st.markdown(f"**{change.title}.** {change.question}")
        for model, prediction in predicted:
            with st.container(border=True), error_in_place():
                _draw_prediction(model, prediction, subject, change)


def _changes() -> dict[str, Change]:
    """By title."""
    found = [
        Change(ERASE, ASKS[ERASE], lambda pixels, cells: _without(pixels, cells, None)),
        Change(KEEP, ASKS[KEEP], lambda pixels, cells: keep_only(pixels, cells.mask)),
    ]
    found += [_perturb(each) for each in PERTURBATIONS.values()]
    return {each.title: each for each in found}


def _perturb(perturbation: Perturbation) -> Change:
    """A change that needs no cells."""
    if perturbation.before_resizing:
        return Change(
            perturbation.title, perturbation.question, lambda pixels, _: pixels, perturbation.name
        )
    return Change(
        perturbation.title, perturbation.question, lambda pixels, _: perturbation.change(pixels)
    )


def _erase(erased: Sequence[int]) -> Change:
    named = f"{'cell' if len(erased) == 1 else 'cells'} {', '.join(map(str, erased))}"
    return Change(
        f"Without {named}",
        "How does the prediction change without them?",
        lambda pixels, cells: _without(pixels, cells, erased),
    )


def _without(pixels: Rgb, cells: "Cells", erased: Sequence[int] | None) -> Rgb:
    """The image without some of its cells; None: without any."""
    from xai.smear.inpaint import paint_out, with_rims

    regions = with_rims(cells.labels)
    return paint_out(pixels, regions > 0 if erased is None else np.isin(regions, erased))


def _choose_cells(cells: "Cells", subject: Subject) -> list[int]:
    """The cells to erase: by a click on the picture, or by their numbers."""
    place = st.container()
    erased = st.pills(
        "Masked cells",
        range(1, cells.count + 1),
        selection_mode="multi",
        key="erased",
        bind="query-params",
        help="The same as a click on them.",
    )
    pixels = pictures.square(subject.picture, pictures.DISPLAY_PX)
    drawn = render_cells(_without(pixels, cells, erased), cells.labels)
    clicks = count_clicks("erased")
    chart = f"cells-after-{clicks}-clicks"
    with place:
        st.plotly_chart(
            clickable_cells(encode_png(drawn), _middles(cells), pictures.DISPLAY_PX, 30),
            # A new chart each time: a second click on a point would only take its mark away.
            key=chart,
            on_select=partial(toggle_clicked_number, chart, clicks=clicks, into="erased"),
            selection_mode="points",
            config={"displayModeBar": False},
            alt=f"The image with its {cells.count} cells numbered; a click masks one.",
        )
    return sorted(erased)


def _middles(cells: "Cells") -> list[tuple[float, float]]:
    """(x, y) of each cell."""
    found = []
    for cell in range(1, cells.count + 1):
        y, x = np.nonzero(cells.labels == cell)
        found.append((float(x.mean()), float(y.mean())))
    return found


def _draw_prediction(
    model: Model, prediction: Prediction, subject: Subject, change: Change
) -> None:
    found = inference.what_if(model, subject.picture, change.make, perturbation=change.before)
    after = scale(model, found)
    st.markdown(
        f"**{plain(model.title)}**: "
        f"{plain(describe_change(prediction.probabilities, after, prediction.classes))}"
    )
    with st.expander("All classes after the perturbation"):
        st.html(probability_bars(prediction.with_probabilities(after), subject.label))
