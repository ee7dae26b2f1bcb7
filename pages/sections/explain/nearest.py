"""Nearest training images: those whose features are most similar. No torch."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from modelzoo.text import count
from pages.sections.explain.image import Subject
from pages.shell import inference
from pages.shell.errors import error_in_place
from pages.shell.gallery import Card, draw_gallery
from pages.shell.prediction import Prediction
from pages.shell.reads import Model
from pages.shell.text import plain

if TYPE_CHECKING:
    from modelzoo.inference.neighbours import Neighbour

HELP = (
    "Cosine distance of the features before the last layer: 0 for the same image, 1 for "
    "features without similarity. Only images of the training set of the run."
)


def draw_nearest(model: Model, prediction: Prediction, subject: Subject) -> None:
    """The row of one model: its nearest training images, and an alarm where one is a near copy."""
    with st.container(border=True), error_in_place():
        found = inference.nearest(model, subject.picture)
        st.markdown(f"#### {plain(model.title)}: nearest training images", help=HELP)
        others = [each for each in found if each.image != subject.image_id]
        twins = [each for each in others if each.is_duplicate]
        if twins:
            st.error(
                f"{plain(twins[0].image)}, a training image of this run, is nearer to this one "
                "than unrelated training images are to each other; if it shows the same cells, a "
                "correct prediction shows nothing.",
                icon=":material/content_copy:",
            )
        same = sum(each.label == prediction.predicted for each in others)
        st.markdown(
            f"{same} of the {count(len(others), 'nearest training image')} "
            f"{'is' if same == 1 else 'are'} of the predicted class, "
            f"{plain(prediction.predicted)}."
        )
        if model.is_reference:
            st.caption(
                "The images of this model do not come with BlastLens; these are their names."
            )
            st.markdown("\n".join(f"- {plain(each.image)}: {_say(each)}" for each in others))
            return
        draw_gallery(
            others,
            partial(_card, run_id=model.run.id),
            Path(model.run.config.data),
            key=f"near-{model.run.id}",
            card_px=190,
        )


def _say(neighbour: "Neighbour") -> str:
    """Its class and how far it is, as Markdown."""
    return f"**{plain(neighbour.label)}**, distance {neighbour.distance:.3f}"


def _card(neighbour: "Neighbour", run_id: str) -> Card:
    distance = f"distance {neighbour.distance:.3f}"
    return Card(
        neighbour.image,
        _say(neighbour),
        f"Training image {neighbour.image} of class {neighbour.label}, {distance}.",
        (run_id,),
    )
