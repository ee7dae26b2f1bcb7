"""What does each model say of this image, and where did it look? torch only once it is asked."""

import streamlit as st

from pages.parts import resources
from pages.parts.answers import Answer, say_answers
from pages.parts.door import through_the_door
from pages.parts.explanations import DISPLAY_PX, OWN, Panels, draw_model, draw_scales
from pages.parts.models import choose_models, list_models
from pages.parts.states import said_in_place, say_if_gone
from pages.parts.subjects import choose_subject
from pages.parts.waiting import wait_for_a_model
from xai.methods import METHODS  # noqa: TID253  # a table: no torch behind it

through_the_door()
st.title("What does each model say of this image, and where did it look?")
models = list_models()
if not models:
    wait_for_a_model()
    st.stop()

picture, controls = st.columns([1, 3], gap="medium")
with controls:
    sentence, notes = st.empty(), st.container()
    chosen = choose_models(models)
    subject = None
    with said_in_place():
        subject = choose_subject(chosen)
    by_method, by_target, by_opacity = st.columns([2, 2, 1], gap="medium")

titles = {row.title: row for row in METHODS.values()}
classes = sorted({row.label for model in chosen for row in model.rows.values()})
say_if_gone("method", titles, "Method")
say_if_gone("explain", [OWN, *classes], "Class")
methods = [
    titles[title]
    for title in by_method.pills(
        "Methods",
        list(titles),
        selection_mode="multi",
        default=["Grad-CAM"],
        key="method",
        bind="query-params",
        help="  \n".join(
            f"**{row.title}**: {row.reads} Cost: {row.cost}." for row in METHODS.values()
        ),
    )
]
target_name = by_target.selectbox(
    "Class explained",
    [OWN, *classes],
    key="explain",
    bind="query-params",
    help="Whose evidence the maps show. The same class for all models makes their maps comparable.",
)
opacity = by_opacity.slider(
    "Opacity in %", 0, 100, 70, 5, key="opacity", bind="query-params", help="Of strong evidence."
)

if subject is None:
    st.stop()

with said_in_place():
    truth = f"true class {subject.label}" if subject.label else "an upload, true class unknown"
    with picture:
        pixels = resources.square(subject.picture, DISPLAY_PX)
        st.image(pixels, width="stretch", alt=f"The image {subject.picture.name}, {truth}.")
        st.markdown(f":small[`{subject.picture.name}`: {truth}]")
        if subject.image_id:
            st.page_link(
                "pages/explain.py",
                label="Link to this view",
                icon=":material/link:",
                query_params={
                    "image": subject.image_id,
                    "run": [model.run.id for model in chosen],
                    "method": [method.title for method in methods],
                    "explain": target_name,
                    "opacity": str(opacity),
                },
            )
    notes.caption(
        "**Not for diagnosis.** A map shows what moved this model's answer, which need not be what "
        "makes a cell a blast."
    )
    sentence.markdown(f"#### Asking {chosen[0].title} …")
    progress, scales = st.empty(), st.container()
    with progress.container(horizontal=True, vertical_alignment="center"):
        bar = st.progress(0.0)
        stopped = st.button(
            "Stop",
            icon=":material/stop:",
            help="Once the map at work is made. What is shown stays; any other choice goes on.",
        )
    panels = Panels(subject, opacity / 100, may_compute=not stopped)
    answers: list[Answer] = []
    for done, model in enumerate(chosen):
        bar.progress(done / len(chosen), f"{model.title} ({done + 1} of {len(chosen)}) …")
        try:
            with said_in_place():
                answers.append(resources.answer(model, subject.picture, may_compute=not stopped))
                sentence.markdown(f"#### {say_answers(answers, subject.label)}")
                draw_model(model, answers[-1], methods, target_name, panels)
        except resources.NotComputedError:
            panels.are_all = False
            break
    progress.empty()
    if not answers:
        sentence.empty()
    if not panels.are_all:
        st.info(f"Stopped: {len(answers)} of {len(chosen)} models have answered.")
        st.button("Go on", icon=":material/play_arrow:")
    with scales:
        draw_scales(panels, methods)
    panels.finish()
    if not methods:
        st.info("Choose a method to see where the models looked.")
