"""Explain a smear: the reference model's prediction and map of one image. No torch at import."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

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
)
from pages.shell.text import plain
from pages.shell.work import shared_work
from xai.draw.overlay import encode_png, render_in_colour  # noqa: TID253  # no torch behind it
from xai.errors import UserError as ExplainError  # noqa: TID253  # no torch behind it
from xai.methods.table import METHODS  # noqa: TID253  # a table: no torch behind it
from xai.say.evidence import describe_evidence  # noqa: TID253  # no torch behind it

METHOD = METHODS["grad-cam"]
OPACITY = 0.5  # as the lens begins
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
class Places:
    """Where on the page goes what is known only when the image has been looked at."""

    warnings: DeltaGenerator
    headline: DeltaGenerator
    overlay: DeltaGenerator
    limits: DeltaGenerator


@dataclass(frozen=True, slots=True)
class Looking:
    """A model and the image that it is asked about, and where the answers are found and shown."""

    model: Model
    picture: Picture
    look: Hashable  # key of the Look
    limits: Hashable  # key of what limits it, in sentences
    places: Places


def draw_smear() -> Looking | None:
    """A drop target, and below it the image with the map of the model that comes with BlastLens.

    Returns:
        What is not known yet, for `wait_for_look`; None: nothing.
    """
    st.subheader("Explain a smear")
    models = list_reference_models()
    if not models:
        st.error("No model is here; put the folder reference of the project back.")
        return None
    looking = _begin(choose_cautious(models))
    if _fill(looking):
        return None
    looking.places.headline.markdown("#### Predicting …", width="content")
    with looking.places.overlay.container():
        st.skeleton(EMPTY_PX)
        st.caption("The model is being loaded, which takes some seconds the first time.")
    return looking


def wait_for_look(looking: Looking) -> None:
    """Fill the places when all is known; after what the page can show before.

    It is computed beside the page and begun last: while torch is imported Python does little else.
    Nothing is drawn meanwhile, for the same reason; a click is answered. The page is not run again
    for it: a click on another page's link, just then, would be lost.
    """
    work = shared_work()
    while not _fill(looking):
        # Again each time, which does nothing: of very many results the oldest are forgotten.
        work.begin(
            {
                looking.limits: partial(_read_limits, looking.model),
                looking.look: partial(_look, looking.model, looking.picture),
            }
        )
        work.wait_for_all((looking.look, looking.limits), STEP_SECONDS)
        let_clicks_in()


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


def _begin(model: Model) -> Looking:
    """Draw the image dropped here or carried to Explain, else the sample, and places for more."""
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
    places = _draw_places(picture, is_sample=not upload and not carried)
    try:
        of_model = inference.identity(model)
    except UserError:
        of_model = (str(model.run.path), 0)  # looking says that the model is gone
    look, limits = ("home", *of_model, picture.sha256), ("limits", *of_model)
    return Looking(model, picture, look, limits, places)


def _draw_places(picture: Picture, *, is_sample: bool) -> Places:
    """The square that the model is given, and places for what it makes of it."""
    warnings = st.empty()
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        headline = st.empty()
        _offer_explain(picture, is_sample=is_sample)
    smear, overlay = st.columns(2, wrap=False)
    with smear:
        _draw_picture(picture, is_sample=is_sample)
    return Places(warnings, headline, overlay.empty(), st.empty())


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
    drawn = render_in_colour(pixels, attribution, opacity=OPACITY)
    said = describe_evidence(attribution, prediction.predicted, cells.labels)
    return Look(prediction, encode_png(drawn), said)


def _fill(looking: Looking) -> bool:
    """Show what the model makes of the image; False, and nothing is shown: not known yet."""
    work, places = shared_work(), looking.places
    look: Look | None = work.read(looking.look)
    limits: str | None = work.read(looking.limits)
    if look is None or limits is None:
        return False
    places.limits.caption(plain(limits))
    if not look.prediction:
        places.warnings.error(plain(look.why_not), icon=":material/error:")
        places.headline.empty()
        places.overlay.empty()
        return True
    with places.warnings.container():
        _warn(look.prediction)
    places.headline.markdown(
        f"#### {plain(describe_predictions([look.prediction], None))}", width="content"
    )
    with places.overlay.container():
        alt = f"{METHOD.title} of {look.prediction.title}. {look.said}"
        st.image(look.overlay, width="stretch", alt=alt)
        st.caption(f"{METHOD.title}: {plain(look.said)}")
    return True


def _draw_picture(picture: Picture, *, is_sample: bool) -> None:
    """The square that the model is given, and what it is."""
    try:
        pixels, size = pictures.square(picture, DISPLAY_PX), pictures.upright(picture).size
    except UserError:
        return  # looking says what is wrong with it
    what = f"{picture.name}, your image"
    if is_sample:
        what = "A synthetic smear, drawn by BlastLens: no person's blood"
    st.image(encode_png(pixels), width="stretch", alt=f"{what}.")
    st.caption(plain(f"{what}. {describe_outside(*size)}"))


def _offer_explain(picture: Picture, *, is_sample: bool) -> None:
    """The way to Explain, which shows the upload if there is one."""
    if is_sample:
        st.page_link("pages/explain.py", label="Explain an image", icon=":material/biotech:")
    elif st.button("All models, the lens and details", icon=":material/biotech:"):
        carry_image(picture.name, picture.content)
        st.switch_page("pages/explain.py")


def _warn(prediction: Prediction) -> None:
    """What limits the prediction comes before it; the out-of-distribution warning is loud."""
    if warning := describe_ood_models([prediction]):
        st.error(plain(warning), icon=":material/warning:")
    if doubt := describe_low_confidence(prediction):
        st.warning(plain(doubt), icon=":material/warning:")
