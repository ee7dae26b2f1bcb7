"""Explain an image: predictions and attribution maps. torch only where it is needed."""

import streamlit as st

from pages.sections.explain.empty import wait_for_a_model
from pages.sections.explain.faithfulness import draw_agreement, draw_trust
from pages.sections.explain.image import choose_subject
from pages.sections.explain.maps import DisplayOptions, Panels, draw_model, draw_scales
from pages.sections.explain.methods import choose_display, choose_methods
from pages.sections.explain.models import choose_models
from pages.sections.explain.nearest import draw_nearest
from pages.sections.explain.perturb import draw_what_if
from pages.sections.explain.prediction import OWN, Prediction, describe_predictions
from pages.sections.explain.shapley import draw_by_cell
from pages.shell import inference
from pages.shell.entry import enter_page
from pages.shell.errors import error_in_place
from pages.shell.inference import DISPLAY_PX
from pages.shell.links import warn_if_gone
from pages.shell.reads import Model, list_models
from pages.shell.text import code, plain

MAPS, CELLS, WHAT_IF, TRUST, NEAREST = VIEWS = (
    "Attribution maps",
    "Shapley values per cell",
    "Perturbations",
    "Faithfulness",
    "Nearest training images",
)

enter_page("explain")
st.title("Explain an image")
st.caption("What does each model predict, and which regions does its prediction depend on?")
models = list_models()
if not models:
    wait_for_a_model()
    st.stop()

picture, controls = st.columns([1, 3], gap="medium")
with controls:
    sentence, notes = st.empty(), st.container()
    chosen = choose_models(models)
    subject = None
    with error_in_place():
        subject = choose_subject(chosen)
    by_target, by_look = st.columns(2, gap="medium", vertical_alignment="bottom")

classes = sorted({row.label for model in chosen for row in model.rows.values()})
warn_if_gone("target", [OWN, *classes], "Class")
target_name = by_target.selectbox(
    "Target class",
    [OWN, *classes],
    key="target",
    bind="query-params",
    help="The class that is explained. The same for all models makes their maps comparable.",
)
view = (
    st.segmented_control(
        "View",
        VIEWS,
        default=MAPS,
        key="view",
        bind="query-params",
        label_visibility="collapsed",
    )
    or MAPS
)
methods = choose_methods(chosen) if view in (MAPS, TRUST) else []
look = DisplayOptions()
if view == MAPS:
    with by_look.popover("Display options", icon=":material/palette:", width="stretch"):
        look = choose_display()

if subject is None:
    st.stop()

with error_in_place():
    truth = f"true class {subject.label}" if subject.label else "an upload, true class unknown"
    with picture:
        pixels = inference.square(subject.picture, DISPLAY_PX)
        st.image(pixels, width="stretch", alt=f"The image {subject.picture.name}, {truth}.")
        st.markdown(f":small[{code(subject.picture.name)}: {plain(truth)}]")
        if subject.image_id:
            st.page_link(
                "pages/explain.py",
                label="Link to this view",
                icon=":material/link:",
                query_params={key: st.query_params.get_all(key) for key in st.query_params}
                | {
                    "image": subject.image_id,
                    "run": [model.run.id for model in chosen],
                    "method": [method.title for method in methods],
                    "target": target_name,
                    "view": view,
                },
            )
    notes.caption(
        "**Not for diagnosis.** A map shows what the prediction of this model depends on, which "
        "need "
        "not be what makes a cell a blast."
    )
    sentence.markdown(f"#### {plain(chosen[0].title)} predicts …")
    progress = st.empty()
    with progress.container(horizontal=True, vertical_alignment="center"):
        bar = st.progress(0.0)
        stopped = st.button(
            "Stop",
            icon=":material/stop:",
            help="Stops when the current map is done. What is shown stays; any other choice "
            "goes on.",
        )
    panels = Panels(subject, look, may_compute=not stopped)
    asked: list[tuple[Model, Prediction]] = []
    for done, model in enumerate(chosen):
        bar.progress(done / len(chosen), f"{plain(model.title)} ({done + 1} of {len(chosen)}) …")
        try:
            with error_in_place():
                answer = inference.answer(model, subject.picture, may_compute=not stopped)
                asked.append((model, answer))
                said = describe_predictions([each for _, each in asked], subject.label)
                sentence.markdown(f"#### {plain(said)}")
                if view == MAPS:
                    draw_model(model, answer, methods, target_name, panels)
                elif view in (CELLS, TRUST) and stopped:
                    panels.are_all = False
                    break
                elif view == CELLS:
                    draw_by_cell(model, answer, subject, target_name)
                elif view == TRUST:
                    draw_trust(model, answer, subject, methods, target_name)
                elif view == NEAREST:
                    draw_nearest(model, answer, subject)
        except inference.NotComputedError:
            panels.are_all = False
            break
    progress.empty()
    if not asked:
        sentence.empty()
    if not panels.are_all:
        st.info(f"Stopped: {len(asked)} of {len(chosen)} models are shown.")
        st.button("Go on", icon=":material/play_arrow:")
    if view == WHAT_IF and asked:
        draw_what_if(asked, subject)
    if view == TRUST and not stopped:
        draw_agreement(asked, subject, methods, target_name)
    if view == MAPS:
        draw_scales(panels, methods)
    panels.finish()
    if view in (MAPS, TRUST) and not methods:
        st.info("Choose a method to see attribution maps.")
