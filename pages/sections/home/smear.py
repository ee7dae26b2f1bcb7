"""Explain a smear: the reference model's prediction and map of one image. No torch at import."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from modelzoo.errors import UserError
from modelzoo.evaluation.rows import LeaderboardRow
from modelzoo.evaluation.verdict import describe_accuracy
from modelzoo.text import count
from pages.sections.explain.image import describe_outside, sample_picture
from pages.sections.explain.prediction import (
    describe_low_confidence,
    describe_ood_models,
    describe_predictions,
)
from pages.shell import inference, pictures
from pages.shell.pictures import DISPLAY_PX, Picture
from pages.shell.prediction import Prediction
from pages.shell.reads import Model, list_reference_models, read_reference_score
from pages.shell.session import carried_image, carry_image, drop_carried_image
from pages.shell.text import code, plain
from pages.shell.work import shared_work
from xai.draw.overlay import encode_png, render_overlay  # noqa: TID253  # no torch behind it
from xai.draw.scale import shared_vmax  # noqa: TID253  # no torch behind it
from xai.errors import UserError as ExplainError  # noqa: TID253  # no torch behind it
from xai.methods.table import METHODS  # noqa: TID253  # a table: no torch behind it
from xai.say.evidence import describe_evidence  # noqa: TID253  # no torch behind it

METHOD = METHODS["grad-cam"]
OPACITY = 0.7
LIVE = "0.5s"  # how often what is being computed is looked for


@dataclass(frozen=True, slots=True)
class Look:
    """What the model makes of the image; what is missing says why."""

    prediction: Prediction | None = None
    overlay: bytes = b""  # PNG
    said: str = ""  # where the map lies, in sentences
    why_not: str = ""


def draw_smear() -> None:
    """A drop target, and below it the image with the map of the model that comes with BlastLens."""
    with st.container(border=True):
        st.subheader("Explain a smear")
        models = list_reference_models()
        if not models:
            st.error("No model is here; put the folder reference of the project back.")
            return
        model = choose_cautious(models)
        picture, is_sample = _choose_picture()
        keys = _begin(model, picture)
        is_waiting = any(shared_work().read(key) is None for key in keys)
        st.fragment(_draw_look, run_every=LIVE if is_waiting else None)(
            picture, keys, is_sample=is_sample, is_waiting=is_waiting
        )
        if is_sample:
            st.page_link("pages/explain.py", label="Explain an image", icon=":material/biotech:")
        elif st.button("All models, the lens and details", icon=":material/biotech:"):
            carry_image(picture.name, picture.content)
            st.switch_page("pages/explain.py")


def choose_cautious(models: Sequence[Model]) -> Model:
    """The model with the lowest test accuracy: its split is the hardest, so it claims least.

    Args:
        models: At least one, of the same data set.
    """
    return min(models, key=lambda model: 1.0 if model.accuracy is None else model.accuracy)


def describe_limits(row: LeaderboardRow, fields: int) -> str:
    """What the model saw and how often it is correct on what it did not see.

    Args:
        row: Its scores.
        fields: Images of its data set, in training, validation and test set.
    """
    return (
        f"It knows {count(fields, 'field')} of one hospital. "
        f"{describe_accuracy(row.title, row)} Smears of other laboratories may differ."
    )


def _choose_picture() -> tuple[Picture, bool]:
    """The image dropped here or carried to Explain, else the sample; whether it is the sample."""
    upload = st.file_uploader(
        "Drop the picture of a smear here, or choose one",
        help="JPEG, PNG, BMP, TIFF, WebP or GIF. It stays in the memory of this machine and is not "
        "stored.",
    )
    if upload:
        return Picture(upload.name, upload.getvalue()), False
    carried = carried_image()
    if carried is None:
        return sample_picture(), True
    st.button("Remove it", icon=":material/close:", on_click=drop_carried_image, type="tertiary")
    return Picture(*carried), False


def _begin(model: Model, picture: Picture) -> tuple[Hashable, Hashable]:
    """Begin what is not known yet, beside the page; the keys of map and limits."""
    try:
        of_model = inference.identity(model)
    except UserError:
        of_model = (str(model.run.path), 0)  # looking says that the model is gone
    keys = ("home", *of_model, picture.sha256), ("limits", *of_model)
    shared_work().begin(keys[1], partial(_read_limits, model))
    shared_work().begin(keys[0], partial(_look, model, picture))
    return keys


def _read_limits(model: Model) -> str:
    try:
        return describe_limits(*read_reference_score(model))
    except UserError as error:
        return str(error)


def _look(model: Model, picture: Picture) -> Look:
    try:
        prediction = inference.predict(model, picture)
        attribution = inference.attribution(
            model, picture, method=METHOD.name, target=int(prediction.probabilities.argmax())
        )
        pixels = pictures.square(picture, DISPLAY_PX)
        cells = pictures.find_cells(picture)
    except (UserError, ExplainError) as error:
        return Look(why_not=str(error))
    drawn = render_overlay(pixels, attribution, vmax=shared_vmax([attribution]), opacity=OPACITY)
    said = describe_evidence(attribution, prediction.predicted, cells.labels)
    return Look(prediction, encode_png(drawn), said)


def _draw_look(
    picture: Picture, keys: tuple[Hashable, Hashable], *, is_sample: bool, is_waiting: bool
) -> None:
    """What is known by now; the page is drawn again, without waiting, when all is known.

    Args:
        picture: The image.
        keys: Of map and limits.
        is_sample: Whether BlastLens drew it.
        is_waiting: Whether something was not known when the page was drawn.
    """
    look, limits = (shared_work().read(key) for key in keys)
    if is_waiting and look and limits:
        st.rerun()
    if look and look.why_not:
        st.error(plain(look.why_not), icon=":material/error:")
        return
    what = "a synthetic smear, drawn by BlastLens: no person's blood" if is_sample else "your image"
    _say(look)
    smear, overlay = st.columns(2, wrap=False)
    try:
        pixels = pictures.square(picture, DISPLAY_PX)
    except UserError:
        smear.skeleton(260)  # what is being computed will say what is wrong with it
    else:
        outside = describe_outside(*pictures.upright(picture).size)
        smear.image(encode_png(pixels), width="stretch", alt=f"{picture.name}: {what}.")
        smear.caption(f"{code(picture.name)}: {plain(f'{what}. {outside}')}")
    if look:
        alt = f"{METHOD.title} of {look.prediction.title}. {look.said}"
        overlay.image(look.overlay, width="stretch", alt=alt)
        overlay.caption(f"{METHOD.title}: {plain(look.said)}")
    else:
        overlay.skeleton(260)
        overlay.caption("The model is being loaded, which takes some seconds the first time …")
    if limits:
        st.caption(plain(limits))


def _say(look: Look | None) -> None:
    """The prediction in a sentence; the out-of-distribution warning comes first and is loud."""
    if look is None or look.prediction is None:
        st.markdown("#### Predicting …")
        return
    if warning := describe_ood_models([look.prediction]):
        st.error(plain(warning), icon=":material/warning:")
    if doubt := describe_low_confidence(look.prediction):
        st.warning(plain(doubt), icon=":material/warning:")
    st.markdown(f"#### {plain(describe_predictions([look.prediction], None))}")
