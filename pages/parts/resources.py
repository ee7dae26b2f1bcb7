"""What pages keep in memory: models, answers, attributions. Bounded; shared by every tab.

torch and xai are imported inside, so that opening a page waits for neither. Files are known by
path and time of change, images by the hash of their bytes.
"""

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import streamlit as st

from modelzoo import runs
from modelzoo.datasets.images import decode_image, fit_square
from modelzoo.errors import UserError
from pages.parts.answers import Answer
from pages.parts.models import Model
from xai.attribution import Attribution  # noqa: TID253  # a record: no torch behind it
from xai.methods import ONE_PASS  # noqa: TID253  # a table: no torch behind it

if TYPE_CHECKING:
    from modelzoo.predict import Trained

Rgb = npt.NDArray[np.uint8]  # (px, px, 3)


@dataclass(frozen=True, slots=True)
class Picture:
    """An image's file, as it was picked or uploaded."""

    name: str  # what errors call it
    content: bytes
    sha256: str = field(init=False)  # of the content

    def __post_init__(self) -> None:
        # Once: every cache asks for it, and an upload may have 50 MB.
        object.__setattr__(self, "sha256", hashlib.sha256(self.content).hexdigest())


def square(picture: Picture, px: int) -> Rgb:
    """The middle of the picture as a network of `px` pixels a side sees it.

    Raises:
        UserError: It is no image that can be used.
    """
    return _square(picture.sha256, px, picture)


class NotComputedError(Exception):
    """It is not in memory, and it was not to be computed."""


def answer(model: Model, picture: Picture, *, may_compute: bool = True) -> Answer:
    """What the model says of the picture.

    Raises:
        UserError: The run is gone or damaged, or the picture is no image.
        NotComputedError: It would have to be computed.
    """
    path = model.run.path
    return _answer(str(path), _stamp(path), model.title, picture.sha256, picture, may_compute)


def attribution(
    model: Model, picture: Picture, *, method: str, target: int, may_compute: bool = True
) -> Attribution:
    """Where the model sees its target in the picture.

    Raises:
        UserError: The run is gone or damaged, or it cannot be explained so.
        xai.errors.UserError: The model cannot be explained so.
        NotComputedError: It would have to be computed.
    """
    methods = ONE_PASS if method in ONE_PASS else (method,)
    path, stamp, sha256 = str(model.run.path), _stamp(model.run.path), picture.sha256
    return _attributions(path, stamp, methods, target, sha256, picture, may_compute)[method]


@st.cache_resource(max_entries=3, show_spinner=False)
def _trained(path: str, stamp: int) -> "tuple[Trained, str]":
    """A model, never to be changed, and the hash of its file."""
    import torch

    from modelzoo.predict import load_trained

    # Half of the cores: where training or a browser holds one, each layer waits for the thread
    # that has none, and an image that takes 12 ms took 1.9 s (2 cores, EfficientNet-Lite0).
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // 2))
    trained = load_trained(Path(path))
    with (Path(path) / runs.MODEL).open("rb") as file:
        return trained, hashlib.file_digest(file, "sha256").hexdigest()


@st.cache_data(max_entries=100, show_spinner=False)
def _square(sha256: str, px: int, _picture: Picture) -> Rgb:
    return fit_square(decode_image(_picture.content, name=_picture.name), px)


@st.cache_data(max_entries=500, show_spinner=False)
def _answer(
    path: str,
    stamp: int,
    title: str,
    sha256: str,
    _picture: Picture,
    _may_compute: bool,
) -> Answer:
    if not _may_compute:
        raise NotComputedError
    from modelzoo.predict import predict

    trained, _ = _trained(path, stamp)
    answers = predict(trained, square(_picture, trained.px)[None])
    return Answer(
        run_id=trained.run.id,
        title=title,
        classes=trained.classes,
        probabilities=answers.probabilities[0],
        unlikeness=float(answers.unlikeness[0]),
    )


@st.cache_data(max_entries=200, show_spinner=False)
def _attributions(
    path: str,
    stamp: int,
    methods: tuple[str, ...],
    target: int,
    sha256: str,
    _picture: Picture,
    _may_compute: bool,
) -> dict[str, Attribution]:
    if not _may_compute:
        raise NotComputedError
    import torch

    from xai.explain import explain_by_all

    trained, model_hash = _trained(path, stamp)
    pixels = torch.from_numpy(square(_picture, trained.px)[None])
    images = trained.backbone.normalise(pixels)
    found = explain_by_all(
        trained.backbone, images, methods=methods, target=target, model_hash=model_hash
    )
    return {method: attributions[0] for method, attributions in found.items()}


def _stamp(path: Path) -> int:
    """When the run's model was last written."""
    try:
        return (path / runs.MODEL).stat().st_mtime_ns
    except OSError:
        raise UserError(
            f"Run {path.name} has no model any more; choose another run or train it again."
        ) from None
