"""Which image: the choices of the page Explain that say what is looked at. No torch."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from modelzoo.datasets.copies import change_of, original_file, original_of
from modelzoo.datasets.images import count_tiles, decode_image, share_outside
from modelzoo.datasets.splits import Part
from modelzoo.datasets.synthetic.smears import draw_smear
from modelzoo.errors import UserError
from modelzoo.files import read_bytes
from modelzoo.text import count, percent
from pages.sections.explain.image_filter import choose_filter
from pages.shell import pictures
from pages.shell.gallery import find_file
from pages.shell.links import warn_if_gone
from pages.shell.pictures import Picture
from pages.shell.reads import Model
from pages.shell.session import (
    apply_next_choices,
    carried_image,
    choose,
    choose_next,
    drop_carried_image,
    rerun_page,
)
from pages.shell.text import code, plain
from xai.draw.overlay import encode_png  # noqa: TID253  # no torch behind it

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

# Its cells are large, and it is in distribution for the models that come with the project, which
# few drawings are: a map that is not to be interpreted would be a poor first one.
SAMPLE, SAMPLE_SEED = "Early", 7
MIDDLE = "middle"  # the square that runs are trained and evaluated on
MOST_BYTES = 10**9  # of a file: no image that models take has more
LONGEST = 4  # times its width: a longer image is shown as the models get it


@dataclass(frozen=True, slots=True)
class Subject:
    """The image that is explained."""

    picture: Picture
    image_id: str | None = None  # None: an upload
    label: str | None = None  # the true class; None: not known
    part_by_run: dict[str, Part] = field(default_factory=dict)
    has_changed: bool = False  # since a model was trained and evaluated on it
    is_sample: bool = False  # drawn by BlastLens, where there is no other image
    listed: tuple[str, ...] = ()  # ids of the images that match the filter, in order


def describe_truth(subject: Subject) -> str:
    """The true class of the image, or why it is not known."""
    if subject.is_sample:
        return "a synthetic smear, drawn by BlastLens: no person's blood"
    return f"true class {subject.label}" if subject.label else "an upload, true class unknown"


def draw_subject(subject: Subject) -> None:
    """Name and true class of the image, and what of it the models are not given.

    Raises:
        UserError: It is no image that can be used.
    """
    size = pictures.upright(subject.picture).size
    outside = describe_outside(*size, subject.picture.tile)
    st.markdown(f":small[{code(subject.picture.name)}: {plain(describe_truth(subject))}]")
    if subject.has_changed:
        st.warning(
            "This file has changed since the models were trained: their scores are of another "
            "image.",
            icon=":material/published_with_changes:",
        )
    if outside:
        st.markdown(f":small[:material/crop: {outside}]")


def describe_outside(width: int, height: int, tile: tuple[int, int] | None = None) -> str:
    """What of an image of this size the models are not given; empty: they are given all."""
    share = share_outside(width, height)
    if not share:
        return ""
    if tile:
        return (
            f"The models are given square {tile[0]} of {tile[1]}; {percent(share, 0)} of the image "
            "is not looked at. Their scores are of the middle square."
        )
    ends = "at the left and right" if width > height else "at the top and bottom"
    return (
        f"The models are given the middle square; {percent(share, 0)} of the image, {ends}, is not "
        "looked at."
    )


def _choose_tile(subject: Subject) -> Subject:
    """The subject with the square that a person chose; of a square image itself.

    Raises:
        UserError: It is no image that can be used.
    """
    size = pictures.upright(subject.picture).size
    tiles = count_tiles(*size)
    if tiles == 1 or max(size) > LONGEST * min(size):
        return subject
    titles = [MIDDLE, *(f"{tile} of {tiles}" for tile in range(1, tiles + 1))]
    warn_if_gone("tile", titles, "Square")
    chosen = st.segmented_control(
        "Square",
        titles,
        default=MIDDLE,
        required=True,
        key="tile",
        bind="query-params",
        help="Models take squares. The squares cover the whole image, from the left or the top; "
        "they overlap where the sides are no multiple of each other.",
    )
    if not chosen or chosen == MIDDLE:
        return subject
    tile = titles.index(chosen), tiles
    return replace(subject, picture=replace(subject.picture, tile=tile))


def choose_subject(models: Sequence[Model]) -> Subject | None:
    """The image chosen: an upload if there is one, else of a data set; None: none matches.

    Where no model has a data set it is a synthetic smear.

    Raises:
        UserError: Its file is gone.
    """
    rows = {image_id: row for model in models for image_id, row in model.rows.items()}
    warn_if_gone("image", rows, "Image")
    uploads = st.file_uploader(
        "Your own image",
        accept_multiple_files=True,
        help="JPEG, PNG, BMP, TIFF, WebP or GIF, by a click, dropped or pasted. It stays in the "
        "memory of this machine and is not stored.",
    )
    if uploads:
        st.caption(
            "Your own image is shown. Remove it to go back; it has no link, because it is not "
            "stored."
        )
        drop_carried_image()  # the newer one is meant
        return _choose_tile(_choose_upload(uploads, models))
    if carried := _carried(models):
        return _choose_tile(carried)
    if not rows:
        return Subject(sample_picture(), is_sample=True)
    place = st.container()
    is_filtered = any(key in st.query_params for key in ("class", "part", "correctness"))
    with st.expander("Which images are listed", icon=":material/filter_alt:", expanded=is_filtered):
        matching = choose_filter(models)
    linked = st.query_params.get("image")
    with place:
        image_id = _choose_image_id(models, matching, linked if linked in rows else None)
    if image_id is None:
        return None
    return _choose_tile(replace(_read_subject(models, image_id), listed=tuple(matching)))


def _choose_upload(uploads: Sequence["UploadedFile"], models: Sequence[Model]) -> Subject:
    """One of the files that were given, the last without a choice."""
    names = [upload.name for upload in uploads]
    index = len(uploads) - 1
    if len(uploads) > 1:
        index = st.selectbox(
            "Which of them",
            range(len(names)),
            index=index,
            format_func=lambda each: f"{each + 1} of {len(names)}: {names[each]}",
        )
    return Subject(Picture(names[index], uploads[index].getvalue(), _depth(models)))


def _carried(models: Sequence[Model]) -> Subject | None:
    """The image that was given on Home, until it is removed or a link names another image."""
    carried = carried_image()
    if carried is None:
        return None
    if "image" in st.query_params:
        drop_carried_image()
        return None
    name, content = carried
    st.caption("Your own image from Home is shown; it has no link, because it is not stored.")
    st.button("Remove it", icon=":material/close:", on_click=drop_carried_image)
    return Subject(Picture(name, content, _depth(models)))


@st.cache_resource(max_entries=1, show_spinner=False)
def sample_picture() -> Picture:
    """A synthetic smear, shown where there is no other image yet; never to be changed."""
    smear = draw_smear(SAMPLE, seed=SAMPLE_SEED)
    return Picture("synthetic-smear.png", encode_png(smear.pixels))


def show_step(subject: Subject, step: int) -> None:
    """Draw the page again with the image so many further in the list; below 0: back."""
    here = subject.image_id or ""
    before = [each for each in subject.listed if each < here]
    after = [each for each in subject.listed if each > here]
    if found := (after[:step] if step > 0 else before[step:][::-1]):
        choose_next(image=found[-1])
        rerun_page()


def _choose_image_id(
    models: Sequence[Model], matching: Sequence[str], linked: str | None
) -> str | None:
    """One of the images that match the filter, or the one of the link, whether it does or not."""
    apply_next_choices()
    listed = sorted({*matching, linked} if linked else matching)
    if not listed:
        return None
    # The first that no model was trained on, if there is one.
    unseen = (each for each in listed if all(model.part(each) == "test" for model in models))
    sample = next(unseen, listed[0])
    chosen = (
        st.selectbox(
            "Image of a data set",
            listed,
            index=None,
            placeholder=f"{sample} (sample)",
            key="image",
            bind="query-params",
            help="Images that match the filter; without a choice the first that no model shown "
            "was trained on. Type to search.",
        )
        or sample
    )
    _walk(matching, chosen)
    return chosen


def _walk(matching: Sequence[str], shown: str) -> None:
    """Buttons to the image before and after the one shown, and where it stands in the list."""
    before = [each for each in matching if each < shown]
    after = [each for each in matching if each > shown]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Previous",
            key="previous",
            icon=":material/chevron_left:",
            disabled=not before,
            on_click=_show,
            args=before[-1:],
        )
        st.button(
            "Next",
            key="next",
            icon=":material/chevron_right:",
            disabled=not after,
            on_click=_show,
            args=after[:1],
        )
    if shown in matching:
        st.caption(f"{len(before) + 1:,} of {count(len(matching), 'image')}")
    else:
        match = "matches" if len(matching) == 1 else "match"
        st.caption(f"{count(len(matching), 'image')} {match}; the one shown does not")


def _show(image_id: str) -> None:
    choose(image=image_id)  # the value of the selectbox, and so of the link


def _read_subject(models: Sequence[Model], image_id: str) -> Subject:
    parts = {model.run.id: part for model in models if (part := model.part(image_id))}
    owner = next(model for model in models if image_id in model.rows)
    file = find_file(Path(owner.run.config.data), image_id)
    try:
        content = read_bytes(original_file(file), most=MOST_BYTES)
    except OSError as error:
        raise UserError(
            f"{file} could not be read ({error.strerror}); put the data set back where it was "
            "when the run was trained."
        ) from error
    sha256 = hashlib.sha256(content).hexdigest()
    original, depth = original_of(image_id), _depth(models)
    if change_of(image_id):
        content, depth = encode_png(np.asarray(decode_image(file, depth=depth))), 0
    picture = Picture(image_id, content, depth)
    known = {model.hashes[original] for model in models if original in model.hashes}
    has_changed = any(not sha256.startswith(each) for each in known)
    return Subject(picture, image_id, owner.rows[image_id].label, parts, has_changed)


def _depth(models: Sequence[Model]) -> int:
    """Bits in use in the files of 16 bits that the models were trained on."""
    return max((model.depth for model in models), default=0)
