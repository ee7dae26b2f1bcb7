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
from pages.shell.session import (
    carried_image,
    carry_image,
    drop_carried_image,
    let_clicks_in,
    rerun_page,
)
from pages.shell.text import plain
from pages.shell.work import shared_work
from xai.draw.overlay import encode_png, render_overlay  # noqa: TID253  # no torch behind it
from xai.draw.scale import shared_vmax  # noqa: TID253  # no torch behind it
from xai.errors import UserError as ExplainError  # noqa: TID253  # no torch behind it
from xai.methods.table import METHODS  # noqa: TID253  # a table: no torch behind it
from xai.say.evidence import describe_evidence  # noqa: TID253  # no torch behind it

METHOD = METHODS["grad-cam"]
OPACITY = 0.7
STEP_SECONDS = 0.3  # a click waits so long at most while the image is being computed
EMPTY_PX = 310  # height of a picture's place: about its width at 1440 px


@dataclass(frozen=True, slots=True)
class Look:
    """What the model makes of the image; what is missing says why."""

    prediction: Prediction | None = None
    overlay: bytes = b""  # PNG
    said: str = ""  # where the map lies, in sentences
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Looking:
    """A model and the image that it is asked about, and under what the answers are found."""

    model: Model
    picture: Picture
    look: Hashable  # key of the Look
    limits: Hashable  # key of what limits it, in sentences
    is_sample: bool  # whether BlastLens drew the image
    is_known: bool  # whether both were there when the page was drawn


def draw_smear() -> Looking | None:
    """A drop target, and below it the image with the map of the model that comes with BlastLens.

    What is not known yet is left open, for `wait_for_look`.
    """
    st.subheader("Explain a smear")
    models = list_reference_models()
    if not models:
        st.error("No model is here; put the folder reference of the project back.")
        return None
    looking = _choose(choose_cautious(models))
    _draw_look(looking)
    return looking


def wait_for_look(looking: Looking) -> None:
    """Draw the page again when all is known, if it was not; the last call of the page's script.

    It is computed beside the page and begun last: while torch is imported Python does little else.
    Nothing is drawn meanwhile, for the same reason; a click is answered.
    """
    if looking.is_known:
        return
    work = shared_work()
    while None in _read(looking.look, looking.limits):
        # Again each time, which does nothing: of very many results the oldest are forgotten.
        work.begin(
            {
                looking.limits: partial(_read_limits, looking.model),
                looking.look: partial(_look, looking.model, looking.picture),
            }
        )
        work.wait_for_all((looking.look, looking.limits), STEP_SECONDS)
        let_clicks_in()
    rerun_page()


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
        f"Trained and tested on {count(fields, 'field')} of one hospital. "
        f"{describe_accuracy(row.title, row)} Smears of other laboratories may differ."
    )


def _choose(model: Model) -> Looking:
    """The image dropped here or carried to Explain, else the sample."""
    upload = st.file_uploader(
        "Drop the picture of a smear here, or choose one",
        help="JPEG, PNG, BMP, TIFF, WebP or GIF. It stays in the memory of this machine and is not "
        "stored.",
    )
    carried = carried_image()
    if upload:
        picture = Picture(upload.name, upload.getvalue())
    elif carried:
        picture = Picture(*carried)
        st.button("Remove it", icon=":material/close:", on_click=drop_carried_image)
    else:
        picture = sample_picture()
    try:
        of_model = inference.identity(model)
    except UserError:
        of_model = (str(model.run.path), 0)  # looking says that the model is gone
    look, limits = ("home", *of_model, picture.sha256), ("limits", *of_model)
    return Looking(
        model,
        picture,
        look,
        limits,
        is_sample=not upload and not carried,
        is_known=None not in _read(look, limits),
    )


def _read(look: Hashable, limits: Hashable) -> tuple[Look | None, str | None]:
    """What is under these keys; None: not known yet."""
    work = shared_work()
    return work.read(look), work.read(limits)


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


def _draw_look(looking: Looking) -> None:
    """What is known by now, and places for the rest."""
    look, limits = _read(looking.look, looking.limits)
    if look and look.why_not:
        st.error(plain(look.why_not), icon=":material/error:")
        return
    _warn(look)
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        st.markdown(f"#### {plain(_describe(look))}", width="content")
        _offer_explain(looking)
    smear, overlay = st.columns(2, wrap=False)
    with smear:
        _draw_picture(looking)
    with overlay:
        if look and look.prediction:
            alt = f"{METHOD.title} of {look.prediction.title}. {look.said}"
            st.image(look.overlay, width="stretch", alt=alt)
            st.caption(f"{METHOD.title}: {plain(look.said)}")
        else:
            st.skeleton(EMPTY_PX)
            st.caption("The model is being loaded, which takes some seconds the first time.")
    if limits:
        st.caption(plain(limits))


def _draw_picture(looking: Looking) -> None:
    """The square that the model is given, and what it is."""
    picture = looking.picture
    try:
        pixels, size = pictures.square(picture, DISPLAY_PX), pictures.upright(picture).size
    except UserError:
        st.skeleton(EMPTY_PX)  # looking says what is wrong with it
        return
    what = f"{picture.name}, your image"
    if looking.is_sample:
        what = "A synthetic smear, drawn by BlastLens: no person's blood"
    st.image(encode_png(pixels), width="stretch", alt=f"{what}.")
    st.caption(plain(f"{what}. {describe_outside(*size)}"))


def _offer_explain(looking: Looking) -> None:
    """The way to Explain, which shows the upload if there is one."""
    if looking.is_sample:
        st.page_link("pages/explain.py", label="Explain an image", icon=":material/biotech:")
    elif st.button("All models, the lens and details", icon=":material/biotech:"):
        carry_image(looking.picture.name, looking.picture.content)
        st.switch_page("pages/explain.py")


def _warn(look: Look | None) -> None:
    """What limits the prediction comes before it; the out-of-distribution warning is loud."""
    if look is None or look.prediction is None:
        return
    if warning := describe_ood_models([look.prediction]):
        st.error(plain(warning), icon=":material/warning:")
    if doubt := describe_low_confidence(look.prediction):
        st.warning(plain(doubt), icon=":material/warning:")


def _describe(look: Look | None) -> str:
    """The prediction in a sentence."""
    if look is None or look.prediction is None:
        return "Predicting …"
    return describe_predictions([look.prediction], None)
