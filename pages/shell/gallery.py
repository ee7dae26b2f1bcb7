"""Images of data sets as small pictures, with what models say of them. No torch."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import streamlit as st
from PIL import Image

from modelzoo import paths
from modelzoo.datasets.copies import original_file, original_of
from modelzoo.datasets.images import decode_image, fit_square
from modelzoo.datasets.opening import find_root
from modelzoo.datasets.splits import is_image_id
from modelzoo.errors import UserError
from modelzoo.files import is_folder, is_regular_file
from modelzoo.text import shorten
from pages.shell.text import plain

PX = 240  # side of a small picture: sharp at the width of a card on most screens
CARDS = 12  # a page of a gallery
BESIDE_PX, LETTER_PX = 56, 7  # of a card, beside the name of its image; of a letter of that
Shown = TypeVar("Shown")


@dataclass(frozen=True, slots=True)
class Card:
    """One image of a gallery."""

    image_id: str
    text: str  # Markdown: what it is, who says what; its names through `plain`
    alt: str
    run_ids: tuple[str, ...]  # the runs that Explain opens


def find_file(data: Path, image_id: str) -> Path:
    """The file of an image; its data set may lie a folder deeper than the path given.

    Raises:
        UserError: The data set is not there, or the image lies outside it.
    """
    changed = data.stat().st_mtime_ns if is_folder(data) or is_regular_file(data) else 0
    return _root(str(data), changed, image_id) / image_id


def draw_gallery(
    images: Sequence[Shown],
    card: Callable[[Shown], Card],
    data: Path,
    *,
    key: str,
    card_px: int = 200,
) -> None:
    """Images page by page, each with its picture and a way to Explain.

    Args:
        images: At least one.
        card: Makes the card of one of them; called for those of the page that is shown.
        data: The data set's folder or table.
        key: Of the page number in the link.
        card_px: The least width of a card.
    """
    place = st.container(key=f"gallery-{key}")
    pages = math.ceil(len(images) / CARDS)
    is_there = is_folder(data) or is_regular_file(data)
    letters = (card_px - BESIDE_PX) // LETTER_PX
    page = st.pagination(pages, key=key, bind="query-params") if pages > 1 else 1
    if not is_there:
        st.info(
            f"The images cannot be shown: {plain(str(data))} is not there any more. Put the data "
            "set back where it was when the runs were trained.",
            icon=":material/hide_image:",
        )
    with place, st.grid(min_column_width=card_px, gap="small"):
        for image in images[(page - 1) * CARDS : page * CARDS]:
            with st.container(border=True, gap="xsmall"):
                _draw_card(card(image), data if is_there else None, letters)


def _draw_card(card: Card, data: Path | None, letters: int) -> None:
    if data:
        try:
            file = find_file(data, card.image_id)
            original = original_file(file)
            changed = original.stat().st_mtime_ns if original.is_file() else 0
            st.image(thumbnail(str(file), changed), width="stretch", alt=card.alt)
        except UserError:
            st.caption(":material/hide_image: Its file is gone or damaged.")
    st.markdown(card.text)
    st.page_link(
        "pages/explain.py",
        label=plain(shorten(card.image_id, letters)),
        icon=":material/biotech:",
        query_params={"image": card.image_id, "run": list(card.run_ids)},
    )


@st.cache_data(max_entries=2000, show_spinner="Reading images …")  # of about 10 kB
def thumbnail(file: str, changed: int) -> bytes:
    """The middle square as JPEG."""
    out = BytesIO()
    Image.fromarray(fit_square(decode_image(Path(file)), PX)).save(out, "JPEG", quality=85)
    return out.getvalue()


@st.cache_data(max_entries=2000, show_spinner="Reading images …")  # of about 10 kB
def whole_thumbnail(file: str, changed: int, px: int, depth: int) -> tuple[bytes, float]:
    """The whole image as JPEG, and its width by its height.

    Args:
        file: Its path.
        changed: When it was last written.
        px: Of the longer side, at most.
        depth: Bits in use in files of 16 bits of its data set.

    Raises:
        UserError: It is gone or damaged.
    """
    image = decode_image(Path(file), depth=depth)
    aspect = image.width / image.height
    image.thumbnail((px, px))
    out = BytesIO()
    image.save(out, "JPEG", quality=85)
    return out.getvalue(), aspect


def _root(data: str, changed: int, image_id: str) -> Path:
    """The folder that image ids are relative to; found anew for an image that is not in it."""
    root = Path(data) if is_folder(Path(data)) else Path(data).parent
    original = original_of(image_id)
    if is_image_id(image_id) and is_regular_file(root / original):
        return root
    return _deeper_root(data, changed, original)


@st.cache_data(max_entries=200, show_spinner="Looking for the images …")
def _deeper_root(data: str, changed: int, image_id: str) -> Path:
    return find_root(Path(data), image_id, store=paths.store_folder())
