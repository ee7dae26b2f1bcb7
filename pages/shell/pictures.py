"""The image that is explained, its pixels and its cells, cached. No torch.

An image is known by the hash of its bytes: Streamlit leaves an argument whose name begins with an
underscore, as `_picture`, out of a cache's key, so up to 50 MB are not hashed anew.
"""

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import streamlit as st
from PIL import Image

from xai.perturb.image import PERTURBATIONS  # noqa: TID253  # no torch behind it
from xai.types import Rgb  # noqa: TID253  # no torch behind it

if TYPE_CHECKING:
    from xai.smear.segment import Cells

DISPLAY_PX = 448  # side of what is drawn; models see 128 to 299


@dataclass(frozen=True, slots=True)
class Picture:
    """An image's file, as it was picked or uploaded."""

    name: str  # what errors call it
    content: bytes
    depth: int = 0  # bits in use in files of 16 bits that the models were trained on
    tile: tuple[int, int] | None = None  # one square of so many that cover it; None: the middle
    sha256: str = field(init=False)  # of the content, the depth and the tile

    def __post_init__(self) -> None:
        # Once: every cache needs it, and an upload may have 50 MB.
        sha256 = hashlib.sha256(self.content)
        if self.depth or self.tile:
            sha256.update(repr((self.depth, self.tile)).encode())
        object.__setattr__(self, "sha256", sha256.hexdigest())


def square(picture: Picture, px: int, *, perturbation: str = "") -> Rgb:
    """The middle of the picture at the input size of a network of `px` pixels a side.

    Args:
        picture: Any image.
        px: Side in pixels.
        perturbation: A key of PERTURBATIONS, made of the whole picture before it is resized.

    Raises:
        UserError: It is no image that can be used.
    """
    return _square(picture.sha256, px, perturbation, picture)


@st.cache_resource(max_entries=4, show_spinner=False)
def _upright(sha256: str, _picture: Picture) -> Image.Image:
    from xai.on_runs.open import read_image

    return read_image(_picture.content, name=_picture.name, depth=_picture.depth)


def upright(picture: Picture) -> Image.Image:
    """The whole picture in RGB and in its own size, never to be changed.

    Raises:
        UserError: It is no image that can be used.
    """
    return _upright(picture.sha256, picture)


@st.cache_data(max_entries=100, show_spinner=False)
def _square(sha256: str, px: int, perturbation: str, _picture: Picture) -> Rgb:
    from xai.on_runs.open import read_pixels

    change = PERTURBATIONS[perturbation].change if perturbation else None
    return read_pixels(
        _picture.content,
        px,
        name=_picture.name,
        depth=_picture.depth,
        tile=_picture.tile,
        change=change,
    )


def find_cells(picture: Picture) -> "Cells":
    """The nucleated cells of the picture, at DISPLAY_PX a side.

    Raises:
        UserError: It is no image that can be used.
    """
    return _find_cells(picture.sha256, picture)


@st.cache_data(max_entries=100, show_spinner=False)
def _find_cells(sha256: str, _picture: Picture) -> "Cells":
    from xai.smear.segment import segment_cells

    return segment_cells(square(_picture, DISPLAY_PX))
