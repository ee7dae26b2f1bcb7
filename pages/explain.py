"""Explain an image: predictions and attribution maps. torch only where it is needed."""

import streamlit as st

from pages.sections.explain.empty import wait_for_a_model
from pages.sections.explain.image import choose_subject, draw_subject
from pages.sections.explain.maps import DisplayOptions, Panels
from pages.sections.explain.methods import choose_display, choose_methods
from pages.sections.explain.models import choose_models, choose_target
from pages.sections.explain.views import Request, choose_view, draw_view
from pages.shell.entry import enter_page
from pages.shell.errors import error_in_place
from pages.shell.links import offer_link
from pages.shell.prediction import OWN
from pages.shell.reads import list_models

enter_page("explain")
st.title("Explain an image")
st.caption("What does each model predict, and which regions does its prediction depend on?")
if not (models := list_models()):
    wait_for_a_model()
    st.stop()

picture, controls = st.columns([1, 3], gap="medium")
with controls:
    sentence, notes = st.empty(), st.container()
    chosen = choose_models(models)
    subject = None
    with error_in_place():
        subject = choose_subject(chosen)
    by_target, by_display = st.columns(2, gap="medium", vertical_alignment="bottom")

target_name = choose_target(chosen, by_target)
view = choose_view()
methods = choose_methods(chosen) if view.needs_methods else []
display = choose_display(by_display) if view.needs_display_options else DisplayOptions()
if subject is None:
    st.stop()

with error_in_place():
    with picture:
        draw_subject(subject)
        if subject.image_id:
            offer_link(
                image=subject.image_id,
                run=[model.run.id for model in chosen],
                # Another choice is in the address already, as it is called there.
                **({"target": OWN} if target_name == OWN else {}),
                view=view.title,
                **({"method": [method.title for method in methods]} if methods else {}),
            )
    notes.caption(
        "**Not for diagnosis.** A map shows what the prediction of a model depends on, which "
        "need not be what makes a cell a blast."
    )
    request = Request(subject, target_name, methods, Panels(subject, display))
    draw_view(view, chosen, request, sentence)
