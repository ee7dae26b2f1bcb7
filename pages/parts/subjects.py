"""Which image, and which runs: the choices of the page Explain. Held by the link. No torch."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from modelzoo import places, runs
from modelzoo.backbones.table import BACKBONES
from modelzoo.datasets.splits import PARTS, Part, SplitRow
from modelzoo.errors import UserError
from modelzoo.runs import Run
from pages.parts.images import find_file
from pages.parts.resources import Picture
from pages.parts.states import said_in_place, say_if_gone

STARTS_WITH = 2  # runs shown without a choice
ANY_CLASS, ANY_PART = "any class", "any part"


@dataclass(frozen=True, slots=True)
class Model:
    """A trained run that can be asked."""

    run: Run
    title: str
    has_imagenet: bool | None  # None: the run does not say
    rows: dict[str, SplitRow]  # of its split, by image id


@dataclass(frozen=True, slots=True)
class Subject:
    """The image that is explained."""

    picture: Picture
    image_id: str | None = None  # None: an upload
    label: str | None = None  # the true class; None: nobody knows
    part_by_run: dict[str, Part] = field(default_factory=dict)


def list_models() -> list[Model]:
    """Runs that have a model, the smallest network first, those with ImageNet weights before."""
    found, _ = runs.list_runs(places.runs_folder())
    models = []
    for run in found:
        if run.has(runs.MODEL):
            with said_in_place():
                models.append(_read_model(str(run.path), _stamp(run)))
    return sorted(
        models,
        key=lambda model: (
            model.has_imagenet is False,
            BACKBONES[model.run.config.backbone].parameters,
            model.run.id,
        ),
    )


def choose_models(models: Sequence[Model]) -> list[Model]:
    """The runs chosen; without a choice the first two that share a data set."""
    by_id = {model.run.id: model for model in models}
    say_if_gone("run", by_id, "Run")
    same_data = [model for model in models if model.run.config.data == models[0].run.config.data]
    start = same_data[:STARTS_WITH]
    chosen = st.multiselect(
        "Models",
        list(by_id),
        format_func=lambda run_id: run_id,  # it stands in links, so it must not change
        key="run",
        bind="query-params",
        placeholder=" and ".join(model.run.id for model in start),
        help="Runs to ask, one row each. Without a choice: the two smallest networks, those that "
        "started from ImageNet weights first.",
    )
    return [by_id[run_id] for run_id in chosen] or start


def choose_subject(models: Sequence[Model]) -> Subject | None:
    """The image chosen: an upload if there is one, else of a data set; None: there is none.

    Raises:
        UserError: Its file is gone.
    """
    left, right = st.columns(2, gap="medium")
    with right:
        upload = st.file_uploader(
            "Or your own image",
            help="JPEG, PNG, BMP, TIFF, WebP or GIF; the middle square is used. It stays in this "
            "machine's memory and is written nowhere.",
        )
    with left:
        image_id = _choose_image_id(models)
    if upload is not None:
        return Subject(Picture(upload.name, upload.getvalue()))
    if image_id is None:
        return None
    return _read_subject(models, image_id)


def _choose_image_id(models: Sequence[Model]) -> str | None:
    """An image of the data sets that the runs were trained on, filtered by class and part."""
    rows = {image_id: row for model in models for image_id, row in model.rows.items()}
    say_if_gone("image", rows, "Image")
    by_class, by_part = st.columns(2)
    wanted_class = by_class.selectbox(
        "Class",
        [ANY_CLASS, *sorted({row.label for row in rows.values()})],
        key="class",
        bind="query-params",
    )
    wanted_part = by_part.selectbox(
        "Part",
        [ANY_PART, *PARTS],
        key="part",
        bind="query-params",
        help="train: every model shown learned from it; test: none of them has seen it.",
    )
    linked = st.query_params.get("image")
    listed = [
        image_id
        for image_id, row in sorted(rows.items())
        if image_id == linked
        or (
            wanted_class in (ANY_CLASS, row.label)
            and all(wanted_part in (ANY_PART, _part(model, image_id)) for model in models)
        )
    ]
    if not listed:
        st.info("No image is of this class and in this part for all models shown; choose others.")
        return None
    # The first that no model has learned from, if there is one: it asks a real question.
    unseen = (each for each in listed if all(_part(model, each) == "test" for model in models))
    sample = next(unseen, listed[0])
    chosen = st.selectbox(
        "Image of a data set",
        listed,
        index=None,
        placeholder=f"{sample} (sample)",
        key="image",
        bind="query-params",
        help=f"{len(listed)} images.",
    )
    return chosen or sample


def _read_subject(models: Sequence[Model], image_id: str) -> Subject:
    parts = {model.run.id: part for model in models if (part := _part(model, image_id))}
    owner = next(model for model in models if image_id in model.rows)
    file = find_file(Path(owner.run.config.data), image_id)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UserError(
            f"{file} could not be read ({error.strerror}); put the data set back where it was "
            "when the run was trained."
        ) from error
    return Subject(Picture(image_id, content), image_id, owner.rows[image_id].label, parts)


def _part(model: Model, image_id: str) -> Part | None:
    row = model.rows.get(image_id)
    return row.part if row else None


@st.cache_data(max_entries=200, show_spinner=False)
def _read_model(path: str, stamp: tuple[int, ...]) -> Model:
    run = runs.read_run(Path(path))
    has_weights = run.has(runs.WEIGHTS)
    kind = runs.read_weights(run.path).kind if has_weights else None
    return Model(
        run,
        BACKBONES[run.config.backbone].title,
        None if kind is None else kind == "imagenet",
        {row.image: row for row in runs.read_split(run.path).rows},
    )


def _stamp(run: Run) -> tuple[int, ...]:
    names = (runs.CONFIG, runs.SPLIT, runs.WEIGHTS, runs.MODEL)
    return tuple((run.path / name).stat().st_mtime_ns if run.has(name) else 0 for name in names)
