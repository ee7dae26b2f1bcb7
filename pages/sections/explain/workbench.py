"""The result of the page Explain: headline, warnings, the lens, and what is known so far."""

from collections.abc import Hashable, Sequence
from dataclasses import replace

import streamlit as st

from modelzoo.text import count
from pages.lens.display import Display, read_display, write_display
from pages.lens.lens import Answer, lens
from pages.sections.explain.cell_methods import GridMethod
from pages.sections.explain.grid import Grid, Spot
from pages.sections.explain.image import Subject, show_step
from pages.sections.explain.prediction import (
    OUT_OF_DISTRIBUTION,
    describe_ood_models,
    describe_predictions,
)
from pages.sections.explain.tiles import make_scene
from pages.shell.links import read_lens_choices, write_lens_choices
from pages.shell.prediction import Prediction
from pages.shell.reads import Model
from pages.shell.session import choose, go_on, masked_cells, stop_work, toggle_masked_cell
from pages.shell.text import plain
from xai.methods.table import METHODS  # noqa: TID253  # a table: no torch behind it
from xai.say.findings import describe_all_masked  # noqa: TID253  # no torch behind it

KEY = "lens"
SIGNED = METHODS["hires-cam"]  # as quick as Grad-CAM, with values below 0


def draw_headline(grid: Grid, subject: Subject) -> None:
    """What the models predict; the out-of-distribution warning comes first and is loud."""
    predictions = [prediction for _, prediction in grid.predicted]
    if warning := describe_ood_models(predictions):
        st.error(plain(warning), icon=":material/warning:")
    for doubt in _doubts(grid.predicted, subject):
        st.warning(plain(doubt), icon=":material/warning:")
    if not predictions:
        said = "Predicting …" if grid.waiting else "No model gave a prediction."
        st.subheader(said, anchor=False)
        return
    st.subheader(plain(describe_predictions(predictions, subject.label)), anchor=False)
    masked = {
        spot.model.key: (spot.seen.prediction.probabilities, spot.masked)
        for spot in grid.spots
        if spot.seen and spot.seen.prediction and spot.masked is not None and len(spot.masked)
    }
    if len(masked) == len(predictions):
        st.markdown(describe_all_masked(list(masked.values())))


def _doubts(predicted: Sequence[tuple[Model, Prediction]], subject: Subject) -> list[str]:
    """What every model's part of the training says of the image, a sentence each."""
    doubts = []
    for part, words in (
        ("train", "was trained on it"),
        ("validation", "chose its best epoch by it"),
    ):
        models = [model for model, _ in predicted if subject.part_by_run.get(model.run.id) == part]
        if models and len(models) == len(predicted):
            whose = "This model" if len(models) == 1 else "Every model"
            doubts.append(f"{whose} {words}, so a correct prediction shows nothing.")
        elif models:
            named = ", ".join(model.title for model in models)
            doubts.append(f"{named} {words}: a correct prediction of it shows nothing.")
    return doubts


def offer_signed(grid: Grid, methods: Sequence[GridMethod]) -> None:
    """Say how many maps have no positive evidence, with a method that shows what speaks against."""
    empty = sum(
        spot.seen.attribution.is_empty for spot in grid.spots if spot.seen and spot.seen.attribution
    )
    if not empty or SIGNED in methods:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"{count(empty, 'map')} of {len(grid.spots)} without positive evidence for the class "
            f"explained. {SIGNED.title} also shows what speaks against a class."
        )
        st.button(
            f"Show {SIGNED.title}",
            key="show-signed",
            icon=":material/add:",
            on_click=choose,
            kwargs={"method": [*(method.title for method in methods), SIGNED.title]},
        )


def order_spots(grid: Grid) -> Grid:
    """Models for which the image is out of distribution come after those for which it is not."""

    def is_out(spot: Spot) -> bool:
        prediction = spot.seen.prediction if spot.seen else None
        return prediction is not None and prediction.ood_percentile > OUT_OF_DISTRIBUTION

    return replace(grid, spots=tuple(sorted(grid.spots, key=is_out)))


def leave_out_ood(grid: Grid) -> tuple[Grid, list[str]]:
    """The grid without the models for which the image is out of distribution, and their titles.

    Where that would leave none, or before all have predicted, it is as it was.
    """
    out = {
        prediction.run_id: prediction.title
        for _, prediction in grid.predicted
        if prediction.ood_percentile > OUT_OF_DISTRIBUTION
    }
    is_known = all(spot.seen for spot in grid.spots)
    kept = tuple(spot for spot in grid.spots if spot.model.key not in out)
    if not is_known or not kept or not out:
        return grid, []
    return replace(grid, spots=kept), list(out.values())


def read_choices() -> Display:
    """How maps are shown, as the address says; what cannot be shown is said."""
    display, refused = read_display(read_lens_choices())
    for sentence in refused:
        st.warning(plain(sentence), icon=":material/link_off:")
    return display


def draw_lens(
    subject: Subject, grid: Grid, display: Display, *, detail: str, shows_method: bool
) -> Answer:
    """Mount the lens and keep its display in the address; what a person did in it.

    Args:
        subject: The image.
        grid: At least one place.
        display: How maps are shown.
        detail: Key of the model whose details are shown; empty: of all or none.
        shows_method: Whether several methods are shown.
    """
    chosen = next((spot.id for spot in grid.spots if spot.model.key == detail), "")
    scene = make_scene(
        subject,
        grid,
        display,
        chosen=chosen,
        masked=frozenset(cell - 1 for cell in masked_cells()),
        shows_method=shows_method,
    )
    answer = lens(scene, key=KEY)
    if answer.display is not None and answer.display != display:
        write_lens_choices(write_display(answer.display))
    for cell in answer.cells:
        toggle_masked_cell(cell + 1)
    if answer.step:
        show_step(subject, answer.step)
    return answer


def draw_waiting(grid: Grid, asked: Hashable) -> None:
    """How many results are waited for, with a way to stop; or that the work was stopped.

    Args:
        grid: What is known.
        asked: What was asked for; anything else goes on.
    """
    if not grid.missing:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if grid.waiting:
            st.caption(f"Computing: {count(grid.waiting, 'result')} to come …")
            st.button("Stop", key="stop", icon=":material/stop:", on_click=stop_work, args=(asked,))
        else:
            st.caption(f"Stopped: {count(grid.missing, 'result')} not computed.")
            st.button("Go on", key="go-on", icon=":material/play_arrow:", on_click=go_on)
