"""Cached reads of runs, each remembered until the run's files change. No torch."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from modelzoo import paths
from modelzoo.backbones.table import BACKBONES
from modelzoo.datasets.splits import Part, SplitRow
from modelzoo.errors import UserError
from modelzoo.evaluation.rows import (
    Leaderboard,
    LeaderboardRow,
    backbone_title,
    read_leaderboard,
    read_row,
)
from modelzoo.evaluation.temperature import calibrate, find_temperature
from modelzoo.evaluation.units import Unit, average_units, find_units
from modelzoo.files import is_folder
from modelzoo.reporting.facts import (
    Reported,
    read_answers_of,
    read_reported,
    report_command,
)
from modelzoo.runs.file_names import (
    CONFIG,
    DATA,
    ENSEMBLE,
    ENVIRONMENT,
    IMAGES,
    MODELS,
    OOD,
    OPERATING_POINT,
    PREDICTIONS,
    QUALITY,
    SPLIT,
    STATUS,
    TEMPERATURE,
    WEIGHTS,
)
from modelzoo.runs.folder import Run, list_runs, read_run
from modelzoo.runs.history import read_history
from modelzoo.runs.predictions import Predictions, read_predictions
from modelzoo.runs.records import Temperature, read_data, read_hashes, read_split, read_weights
from pages.shell.errors import error_in_place

Stamp = tuple[int, ...]
REFERENCE = "reference/"  # before the names of the runs that come with the project


@dataclass(frozen=True, slots=True)
class Model:
    """A run that has a trained network."""

    run: Run
    title: str
    has_imagenet: bool | None  # None: the run does not say
    rows: dict[str, SplitRow]  # of its split, by image id
    hashes: dict[str, str]  # start of the content hash by image id; empty: not known
    depth: int  # bits in use in the files of 16 bits that it was trained on; 0: there were none
    classes: tuple[str, ...]  # in the order of the alphabet
    accuracy: float | None  # of its own test part; None: it left no predictions
    is_reference: bool = False  # it comes with the project, and its images do not
    temperature: Temperature | None = None  # that its shown probabilities are scaled by; None: none

    @property
    def key(self) -> str:
        """What links and choices call it."""
        return f"{REFERENCE}{self.run.id}" if self.is_reference else self.run.id

    def part(self, image_id: str) -> Part | None:
        """Where the image was in the run's training; None: nowhere."""
        row = self.rows.get(image_id)
        return row.part if row else None


OF_ROW = (CONFIG, ENSEMBLE, SPLIT, PREDICTIONS, STATUS, WEIGHTS, ENVIRONMENT, DATA)
_OF_REPORT = (*OF_ROW, *MODELS, TEMPERATURE, OPERATING_POINT, OOD, QUALITY)
_OF_MODEL = (CONFIG, SPLIT, WEIGHTS, *MODELS, DATA, IMAGES, PREDICTIONS)


def read_board() -> Leaderboard:
    """The leaderboard of all runs, damaged folders among its problems."""
    found, damaged = list_runs(paths.runs_folder())
    damaged.pop(str(paths.runs_folder()), None)  # every page says this at its top
    board = read_leaderboard(found, read=lambda run: _row(str(run.path), _stamp(run.path, *OF_ROW)))
    return Leaderboard(board.rows, board.unfinished, damaged | board.problems)


def list_models() -> list[Model]:
    """Runs that have a model, those with ImageNet weights before, of these the most accurate first.

    Accuracies are of each run's own test part, so the order compares nothing where those differ.
    The runs that come with the project are the last.
    """
    found, _ = list_runs(paths.runs_folder())
    models = []
    for run in found:
        if run.has_model:
            with error_in_place():
                models.append(_model(str(run.path), _stamp(run.path, *_OF_MODEL)))
    models.sort(
        key=lambda model: (
            model.has_imagenet is False,
            -(model.accuracy or 0.0),
            BACKBONES[model.run.config.backbone].parameters,
            model.run.id,
        )
    )
    return models + list_reference_models()


def list_reference_models() -> list[Model]:
    """The runs that come with the project; none of their images do, so they list none."""
    found, _ = list_runs(paths.reference_folder())
    models = []
    for run in found:
        if not run.has_model:
            continue  # a result that only its predictions are kept of
        with error_in_place():
            model = _model(str(run.path), _stamp(run.path, *_OF_MODEL))
            models.append(replace(model, rows={}, hashes={}, is_reference=True))
    return sorted(models, key=lambda model: model.run.id)


def read_reference_board() -> Leaderboard:
    """The leaderboard of the results that come with the project.

    Without the models that come with it: they were trained as one of the results each.
    """
    found, _ = list_runs(paths.reference_folder())
    found = [run for run in found if not run.has_model]
    return read_leaderboard(found, read=lambda run: _row(str(run.path), _stamp(run.path, *OF_ROW)))


def find_folder(run_id: str) -> Path:
    """The folder of a person's run, else of one of that name that comes with the project."""
    own = paths.runs_folder() / run_id
    return own if is_folder(own) else paths.reference_folder() / run_id


def read_reference_score(model: Model) -> tuple[LeaderboardRow, int]:
    """Scores of a run that comes with the project, and how many images its data set had.

    Raises:
        UserError: Its split or predictions are missing or damaged.
    """
    return _reference_score(str(model.run.path), _stamp(model.run.path, *_OF_MODEL))


def read_test_predictions(
    run_ids: Iterable[str], *, calibrated: bool = False, per: Unit = "image"
) -> dict[str, Predictions]:
    """Each run's predictions of the test part, of those that can be read.

    Args:
        run_ids: Of the runs.
        calibrated: As of `read_all_predictions`, as the next.
        per: What is scored as one.
    """
    predictions = {}
    for run_id in run_ids:
        with error_in_place():
            found = read_all_predictions(find_folder(run_id), calibrated=calibrated, per=per)
            predictions[run_id] = found.only("test")
    return predictions


def predicted_by_image(model: Model) -> dict[str, str]:
    """The class that the run predicted for each image when it was trained, by image id.

    Raises:
        UserError: It has left no predictions, or they are damaged.
    """
    return _predicted_by_image(str(model.run.path), _stamp(model.run.path, PREDICTIONS))


def read_report(rows: Sequence[LeaderboardRow], name: str, *, calibrated: bool = False) -> Reported:
    """The facts of a report of `rows`, with what a person answered about their data set.

    Args:
        rows: Of one split, best first; at least one.
        name: Of the file that the report will be.
        calibrated: Whether `rows` are of scaled probabilities.

    Raises:
        UserError: A file of a run, or of the answers, is missing or damaged.
    """
    folders = [find_folder(row.run_id) for row in rows]
    answers = read_answers_of([read_run(path) for path in folders], paths.answers_folder())
    beside = sorted({each for path in folders for each in path.parent.iterdir()})
    stamp = tuple(each for path in folders for each in _stamp(path, *_OF_REPORT))
    stamp += tuple(each for path in beside for each in _stamp(path, CONFIG, PREDICTIONS))
    return _report([str(path) for path in folders], name, answers, stamp, calibrated)


def read_histories(run_ids: Iterable[str]) -> dict[str, pd.DataFrame]:
    """The history of each run that has one to be read."""
    histories = {}
    for run_id in run_ids:
        with error_in_place():
            histories[run_id] = read_history(find_folder(run_id))
    return histories


def read_all_predictions(
    path: Path, *, calibrated: bool = False, per: Unit = "image"
) -> Predictions:
    """A run's predictions of every part, read from the disk once for all who ask.

    Calibrated ones are as they are where the run has no temperature: `read_temperature_of` says so.
    Per group or patient, a row stands for all images of one, as `average_units` has it.
    """
    if per != "image":
        stamp = stamp_predictions(path, calibrated, SPLIT, IMAGES)
        return _averaged(str(path), stamp, calibrated, per)
    if calibrated and isinstance(read_temperature_of(path), Temperature):
        return _calibrated(str(path), stamp_predictions(path, calibrated))
    return _predictions(str(path), _stamp(path, PREDICTIONS))


def read_temperature_of(path: Path) -> Temperature | str:
    """What the logits of the run are divided by to calibrate it, or why there is none."""
    return _temperature(str(path), stamp_predictions(path, True))


def stamp_predictions(path: Path, calibrated: bool, *names: str) -> Stamp:
    """The stamp of the run's predictions and `names`, and of its temperature where it is used."""
    return _stamp(path, PREDICTIONS, *names, *([TEMPERATURE] if calibrated else []))


def _stamp(path: Path, *names: str) -> Stamp:
    """When each of these files in the run folder was last written; 0: it is not there."""
    stamp = []
    for name in names:
        try:
            stamp.append((path / name).stat().st_mtime_ns)
        except OSError:
            stamp.append(0)  # reading says what is missing
    return tuple(stamp)


@st.cache_resource(max_entries=500, show_spinner="Scoring runs …")  # scores are kept as they come
def _row(path: str, stamp: Stamp) -> LeaderboardRow:
    return read_row(read_run(Path(path)), read=read_all_predictions)


@st.cache_resource(max_entries=500, show_spinner=False)
def _temperature(path: str, stamp: Stamp) -> Temperature | str:
    try:
        return find_temperature(Path(path), read_all_predictions)
    except UserError as error:
        return str(error)


# Without a spinner: it is read beside the page, where none can be drawn.
@st.cache_data(max_entries=10, show_spinner=False)
def _reference_score(path: str, stamp: Stamp) -> tuple[LeaderboardRow, int]:
    run = read_run(Path(path))
    return read_row(run, read=read_all_predictions), len(read_split(run.path).rows)


# These are shared by all and never changed: a copy of eleven splits of 10,000 images would take
# 2 s on every click.
@st.cache_resource(max_entries=200, show_spinner=False)
def _model(path: str, stamp: Stamp) -> Model:
    run = read_run(Path(path))
    rows = {row.image: row for row in read_split(run.path).rows}
    return Model(
        run,
        backbone_title(run),
        _has_imagenet(run),
        rows,
        read_hashes(run.path),
        read_data(run.path).depth,
        tuple(sorted({row.label for row in rows.values()})),
        _accuracy(run.path),
    )


def _accuracy(path: Path) -> float | None:
    """Of the test part; None where there are no predictions of it that can be read."""
    try:
        test = read_all_predictions(path).only("test")
    except UserError:
        return None
    if not len(test.labels):
        return None
    return float((test.probabilities.argmax(axis=1) == test.labels).mean())


def _has_imagenet(run: Run) -> bool | None:
    """Whether it started from ImageNet weights; None: the file that says so is missing or damaged.

    No prediction needs it, and the leaderboard says that it is damaged.
    """
    try:
        return read_weights(run.path).kind == "imagenet" if run.has(WEIGHTS) else None
    except UserError:
        return None


@st.cache_resource(max_entries=20, show_spinner=False)
def _report(
    folders: list[str],
    name: str,
    answers: dict[str, str],
    stamp: Stamp,
    calibrated: bool,
) -> Reported:
    runs = [read_run(Path(folder)) for folder in folders]
    return read_reported(
        runs,
        made=time.time(),
        command=report_command([run.id for run in runs], name, calibrated=calibrated),
        answers=answers,
        # Per image, whatever the page shows: as the command has them.
        rows={
            run.id: read_row(run, read=partial(read_all_predictions, calibrated=True))
            if calibrated
            else _row(str(run.path), _stamp(run.path, *OF_ROW))
            for run in runs
        },
        calibrated=calibrated,
    )


@st.cache_resource(max_entries=200, show_spinner=False)
def _predictions(path: str, stamp: Stamp) -> Predictions:
    return read_predictions(Path(path))


@st.cache_resource(max_entries=200, show_spinner=False)
def _calibrated(path: str, stamp: Stamp) -> Predictions:
    temperature = read_temperature_of(Path(path))
    assert isinstance(temperature, Temperature)  # who asks has looked
    return calibrate(read_all_predictions(Path(path)), temperature)


@st.cache_resource(max_entries=200, show_spinner=False)
def _averaged(path: str, stamp: Stamp, calibrated: bool, per: Unit) -> Predictions:
    run = read_run(Path(path))
    images = read_all_predictions(run.path, calibrated=calibrated)
    return average_units(images, find_units(run, read_split(run.path), per))


@st.cache_resource(max_entries=200, show_spinner=False)
def _predicted_by_image(path: str, stamp: Stamp) -> dict[str, str]:
    found = read_all_predictions(Path(path))
    indices = found.probabilities.argmax(axis=1) if len(found.images) else []
    return {image: found.classes[k] for image, k in zip(found.images, indices, strict=True)}
