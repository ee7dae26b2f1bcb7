"""Explain an image: all models over one image, and details. torch only where it is needed."""

import streamlit as st

from modelzoo.text import join
from pages.sections.explain.cell_methods import maps_among
from pages.sections.explain.empty import describe_beginning
from pages.sections.explain.grid import look, scale_grid, wait_for_more
from pages.sections.explain.image import choose_subject, draw_subject
from pages.sections.explain.maps import DisplayOptions, Panels
from pages.sections.explain.methods import choose_methods
from pages.sections.explain.models import choose_models, choose_target, for_upload
from pages.sections.explain.report import offer_explanation
from pages.sections.explain.views import Request, choose_view, draw_view
from pages.sections.explain.workbench import (
    draw_headline,
    draw_lens,
    draw_waiting,
    leave_out_ood,
    offer_signed,
    order_spots,
    read_choices,
)
from pages.shell.calibrated import calibrate_models, choose_calibrated, draw_scaling
from pages.shell.entry import enter_page
from pages.shell.errors import error_in_place
from pages.shell.links import offer_link
from pages.shell.prediction import OWN
from pages.shell.reads import list_models
from pages.shell.session import is_stopped, rerun_page
from pages.shell.text import plain

enter_page("explain")
st.html(
    "<style>[data-testid='stMainBlockContainer'] {padding: 4rem 2rem 2rem}</style>"
    "<h1 style='font-size:1.25rem;padding:0'>Explain an image</h1>"
)
models = list_models()
if not models:
    st.error("No model is here; put the folder reference of the project back, or train a model.")
    st.stop()

image_place, model_place, link_place = (st.sidebar.container() for _ in range(3))
with model_place:
    choice = choose_models(models)
subject = None
with image_place, error_in_place():
    subject = choose_subject(choice.models)
chosen = choice.models
if subject and not subject.image_id and not choice.is_own:
    chosen = for_upload(models)
with model_place:
    methods = choose_methods(chosen)
    target_name = choose_target(chosen)
    calibrated = choose_calibrated(
        "Probabilities of predictions and perturbations follow; maps, Shapley values and "
        "faithfulness stay those of the logits as trained."
    )
if calibrated:
    chosen = calibrate_models(chosen)
if subject is None:
    st.stop()

with error_in_place():
    with image_place:
        draw_subject(subject)
    if subject.image_id:
        with link_place:
            offer_link(
                image=subject.image_id,
                run=[model.key for model in chosen],
                # Another choice is in the address already, as it is called there.
                **({"target": OWN} if target_name == OWN else {}),
                **({"method": [method.title for method in methods]} if methods else {}),
                **({"calibrated": "true"} if calibrated else {}),
            )
    if not methods:
        st.info("Choose a method to see attribution maps.")
        st.stop()
    asked = (subject.picture.sha256, *(model.key for model in chosen), *methods, target_name)
    grid = look(subject.picture, chosen, methods, target_name, is_stopped=is_stopped(asked))
    left_out: list[str] = []
    if not choice.is_own and not subject.image_id:
        grid, left_out = leave_out_ood(grid)
    grid = order_spots(scale_grid(grid))
    draw_headline(grid, subject)
    if calibrated:
        draw_scaling({model.title: model.run.path for model in grid.models})
    if left_out:
        st.caption(plain(f"Not shown, for the image is out of distribution: {join(left_out)}."))
    draw_waiting(grid, asked)
    display = read_choices()
    answer = draw_lens(
        subject,
        grid,
        display,
        detail=st.query_params.get("detail", ""),
        shows_method=len(methods) > 1,
    )
    offer_signed(grid, methods)
    offer_explanation(grid, subject, display)
    if all(model.is_reference for model in models):
        describe_beginning()
    st.caption(
        "**Not for diagnosis.** A map shows what the prediction of a model depends on, which "
        "need not be what makes a cell a blast."
    )
    opened = (answer.chosen or "").rpartition(" ")[0]
    view, of = choose_view(grid.models, opened)
    if grid.waiting:
        wait_for_more(grid)
        rerun_page()
    if view and of:
        options = DisplayOptions(
            opacity=display.opacity,
            as_share=display.scale == "own",
            contours=display.contours,
            outlines=display.outlines,
        )
        panels = Panels(subject, options)
        draw_view(view, of, Request(subject, target_name, maps_among(methods), panels))
