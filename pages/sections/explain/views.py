"""The views of the page Explain, one row per view; a new one is a row here and its file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.sections.explain.faithfulness import draw_faithfulness, draw_similarity
from pages.sections.explain.image import Subject
from pages.sections.explain.maps import Panels, draw_model, draw_scales
from pages.sections.explain.nearest import draw_nearest
from pages.sections.explain.perturb import draw_perturbations
from pages.sections.explain.shapley import draw_shapley
from pages.shell import inference
from pages.shell.calibrated import scale_prediction
from pages.shell.errors import error_in_place
from pages.shell.links import warn_if_gone
from pages.shell.prediction import Prediction
from pages.shell.reads import Model
from pages.shell.session import choose, open_view
from pages.shell.text import plain
from xai.methods.table import Method  # noqa: TID253  # a record: no torch behind it


@dataclass(frozen=True, slots=True)
class Request:
    """What is explained, and how."""

    subject: Subject
    target_name: str  # of a class, or `OWN`
    methods: Sequence[Method]  # none where the view needs none
    panels: Panels  # where maps go; says whether anything may be computed

    @property
    def is_stopped(self) -> bool:
        """Whether a person has stopped the work."""
        return not self.panels.may_compute


Predicted = Sequence[tuple[Model, Prediction]]
DrawRow = Callable[[Model, Prediction, Request], None]
DrawBelow = Callable[[Predicted, Request], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One way to explain the predictions."""

    key: str
    title: str  # stands in links: whoever changes it adds a line to `pages/shell/links.py`
    draw_row: DrawRow | None = None  # for each model
    draw_below: DrawBelow | None = None  # for all models together
    needs_methods: bool = False
    ends_when_stopped: bool = False  # its rows can only be computed whole
    is_unscaled: bool = False  # its own probabilities are never calibrated


def _draw_maps(model: Model, prediction: Prediction, request: Request) -> None:
    draw_model(model, prediction, request.methods, request.target_name, request.panels)


def _draw_shapley(model: Model, prediction: Prediction, request: Request) -> None:
    draw_shapley(model, prediction, request.subject, request.target_name)


def _draw_faithfulness(model: Model, prediction: Prediction, request: Request) -> None:
    draw_faithfulness(model, prediction, request.subject, request.methods, request.target_name)


def _draw_neighbours(model: Model, prediction: Prediction, request: Request) -> None:
    draw_nearest(model, prediction, request.subject)


def _draw_scales(predicted: Predicted, request: Request) -> None:
    draw_scales(request.panels, request.methods)
    request.panels.finish()


def _draw_perturbations(predicted: Predicted, request: Request) -> None:
    if predicted:
        draw_perturbations(predicted, request.subject)


def _draw_similarity(predicted: Predicted, request: Request) -> None:
    if not request.is_stopped:
        draw_similarity(predicted, request.subject, request.methods, request.target_name)


VIEWS: Mapping[str, View] = {
    view.key: view
    for view in (
        View(
            key="maps",
            title="Attribution maps",
            draw_row=_draw_maps,
            draw_below=_draw_scales,
            needs_methods=True,
        ),
        View(
            key="shapley",
            title="Shapley values per cell",
            draw_row=_draw_shapley,
            ends_when_stopped=True,
            is_unscaled=True,
        ),
        View(key="perturb", title="Perturbations", draw_below=_draw_perturbations),
        View(
            key="faithfulness",
            title="Faithfulness",
            draw_row=_draw_faithfulness,
            draw_below=_draw_similarity,
            needs_methods=True,
            ends_when_stopped=True,
            is_unscaled=True,
        ),
        View(key="nearest", title="Nearest training images", draw_row=_draw_neighbours),
    )
}


ALL_MODELS = "all models"


def choose_view(models: Sequence[Model], opened: str) -> tuple[View | None, list[Model]]:
    """Which details are shown, and of which models; None: none are.

    Args:
        models: Those of the tiles.
        opened: Key of the model whose tile was just chosen; empty: none was.
    """
    by_title = {view.title: view for view in VIEWS.values()}
    by_key = {model.key: model for model in models}
    if opened in by_key:
        choose(detail=opened)
        open_view(next(iter(by_title)))
    warn_if_gone("view", by_title, "View")
    warn_if_gone("detail", by_key, "Model", elsewhere=[ALL_MODELS])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        title = st.segmented_control("Details", list(by_title), key="view", bind="query-params")
        of = st.selectbox(
            "of",
            [ALL_MODELS, *by_key],
            format_func=lambda key: by_key[key].title if key in by_key else key,
            key="detail",
            bind="query-params",
            width=260,
            help="The model whose tile was clicked, or all.",
        )
    if title is None:
        st.caption("Click a tile, or press Enter on it, for the details of that model.")
        return None, []
    return by_title[title], [by_key[of]] if of in by_key else list(models)


def draw_view(view: View, models: Sequence[Model], request: Request) -> None:
    """One row per model where the view has rows, and what is below.

    Args:
        view: Which.
        models: At least one.
        request: What is explained.
    """
    if view.is_unscaled and any(model.temperature for model in models):
        st.caption("Values of this view are of the logits as trained, so no probability is scaled.")
    progress = st.empty()
    bar, is_stopped = _draw_progress(progress)
    request.panels.may_compute = not is_stopped
    predicted = _draw_rows(view, models, request, bar)
    progress.empty()
    if not request.panels.are_all:
        st.info(f"Stopped: {len(predicted)} of {len(models)} models are shown.")
        st.button("Go on", icon=":material/play_arrow:")
    if view.draw_below:
        view.draw_below(predicted, request)
    if view.needs_methods and not request.methods:
        st.info("Choose a method to see attribution maps.")


def _draw_rows(
    view: View,
    models: Sequence[Model],
    request: Request,
    bar: DeltaGenerator,
) -> Predicted:
    """The models that have predicted; fewer than all where one failed or the work was stopped."""
    predicted: list[tuple[Model, Prediction]] = []
    for done, model in enumerate(models):
        bar.progress(done / len(models), f"{plain(model.title)} ({done + 1} of {len(models)}) …")
        with error_in_place():
            prediction = _predict(model, request)
            if prediction is None:
                break
            predicted.append((model, prediction))
            if request.is_stopped and view.ends_when_stopped:
                request.panels.are_all = False
                break
            if view.draw_row:
                view.draw_row(model, prediction, request)
    return predicted


def _draw_progress(place: DeltaGenerator) -> tuple[DeltaGenerator, bool]:
    """A bar with a button beside it, and whether that was pressed."""
    with place.container(horizontal=True, vertical_alignment="center"):
        bar = st.progress(0.0)
        stopped = st.button(
            "Stop",
            icon=":material/stop:",
            help="Stops when the current map is done. What is shown stays; any other choice "
            "goes on.",
        )
    return bar, stopped


def _predict(model: Model, request: Request) -> Prediction | None:
    """The model's prediction; None where the work was stopped before it."""
    picture, may_compute = request.subject.picture, request.panels.may_compute
    try:
        return scale_prediction(model, inference.predict(model, picture, may_compute=may_compute))
    except inference.NotComputedError:
        request.panels.are_all = False
        return None
