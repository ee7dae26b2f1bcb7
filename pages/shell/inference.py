"""Caches around `xai.on_runs`: models, predictions, attributions. Bounded; shared by every tab.

torch and xai are imported inside, so that opening a page waits for neither. Files are known by
path and time of change, images by the hash of their bytes: Streamlit leaves an argument whose name
begins with an underscore, as `_picture`, out of a cache's key, so up to 50 MB are not hashed anew.
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt
import streamlit as st

from modelzoo import paths
from modelzoo.backbones.table import BACKBONES
from modelzoo.errors import UserError
from modelzoo.runs.file_names import MODELS
from modelzoo.runs.records import read_environment
from pages.shell.pictures import Picture, find_cells, square
from pages.shell.prediction import Prediction
from pages.shell.reads import Model
from xai.attribution import Attribution  # noqa: TID253  # a record: no torch behind it
from xai.cache import AttributionCache, attribution_key  # noqa: TID253  # no torch behind it
from xai.methods.table import METHODS, ONE_PASS  # noqa: TID253  # a table: no torch behind it
from xai.types import Rgb  # noqa: TID253  # no torch behind it

if TYPE_CHECKING:
    from modelzoo.inference.neighbours import Neighbour
    from modelzoo.inference.trained import LoadedRun
    from xai.faithfulness.report import QualityReport
    from xai.smear.cell_shapley import CellAttribution
    from xai.smear.segment import Cells

Found = TypeVar("Found")

ON_DISK = 500_000_000  # bytes of attributions in the store: 5,000 of 224 x 224 values, or more
IN_MEMORY = 64_000_000  # the same
LOOKS_IN_MEMORY = 128_000_000  # bytes: the maps of one pass of 90 images at 224 px, or more
UNMEASURED_SECONDS = 0.05  # of a pass, for runs without a record of it
TORCH_SECONDS = 2.0  # to import it
SECONDS_A_PARAMETER = 1.5e-8  # read, hashed and put into a network
KEPT = 200  # results of buttons: some kB each


def identity(model: Model) -> tuple[str, int]:
    """The run's folder, and when its model was last written.

    Raises:
        UserError: It has no model any more.
    """
    return str(model.run.path), _stamp(model.run.path)


class NotComputedError(Exception):
    """It is not in memory, and it was not to be computed."""


def predict(model: Model, picture: Picture, *, may_compute: bool = True) -> Prediction:
    """The prediction of the model for the picture.

    Raises:
        UserError: The run is gone or damaged, or the picture is no image.
        NotComputedError: It would have to be computed.
    """
    path = model.run.path
    seen = _look(str(path), _stamp(path), picture.sha256, picture, may_compute)
    return Prediction(
        run_id=model.key,
        title=model.title,
        classes=seen.classes,
        probabilities=seen.probabilities,
        ood_percentile=seen.ood_percentile,
    )


def attribution(
    model: Model, picture: Picture, *, method: str, target: int, may_compute: bool = True
) -> Attribution:
    """The attribution map of one method for the target class in the picture.

    Raises:
        UserError: The run is gone or damaged, or it cannot be explained so.
        xai.errors.UserError: The model cannot be explained so.
        NotComputedError: It would have to be computed.
    """
    methods = ONE_PASS if method in ONE_PASS else (method,)
    path, stamp, sha256 = str(model.run.path), _stamp(model.run.path), picture.sha256
    return _attributions(path, stamp, methods, target, sha256, picture, may_compute)[method]


def refusals(model: Model) -> dict[str, str]:
    """Why the methods that are not right for this network are not, by name of the method.

    Raises:
        UserError: The run is gone or damaged.
    """
    return _refusals(str(model.run.path), _stamp(model.run.path))


def _most_models() -> int:
    """How many networks stay in memory: all eleven are 1.7 GB, a quarter of 8 GB with torch."""
    if not hasattr(os, "sysconf"):  # Windows
        return 3
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return 14 if memory > 7.5e9 else 3


@st.cache_data(max_entries=100, show_spinner=False)
def _refusals(path: str, stamp: int) -> dict[str, str]:
    network = _loaded(path, stamp).backbone
    reasons = {name: row.refusal(network) for name, row in METHODS.items()}
    return {name: reason for name, reason in reasons.items() if reason}


@st.cache_resource(max_entries=_most_models(), show_spinner=False)
def _loaded(path: str, stamp: int) -> "LoadedRun":
    """A run with its network, never to be changed."""
    import torch

    from xai.model import prepare_process
    from xai.on_runs.open import open_run

    prepare_process()
    # Half of the cores: where training or a browser holds one, each layer waits for the thread
    # that has none, and an image that takes 12 ms took 1.9 s (2 cores, EfficientNet-Lite0).
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // 2))
    return open_run(Path(path))


@st.cache_resource(show_spinner=False)
def _seconds_by_run() -> dict[str, float]:
    """How long the quickest pass of each run in memory took here, by its folder."""
    return {}


def _note_seconds(path: str, since: float) -> None:
    """The first pass reads weights into memory, and others wait for their turn: less is truer."""
    seconds = time.perf_counter() - since
    known = _seconds_by_run()
    known[path] = min(seconds, known.get(path, seconds))


def seconds_a_pass(model: Model) -> float:
    """Time of one image through the network: at its quickest here, else when it was trained."""
    if known := _seconds_by_run().get(str(model.run.path)):
        return known
    try:
        return read_environment(model.run.path).ms_per_image / 1000
    except UserError:
        return UNMEASURED_SECONDS


def seconds_to_load(models: Sequence[Model]) -> float:
    """About how long it takes until these networks are in memory."""
    known = _seconds_by_run()
    unread = [model for model in models if str(model.run.path) not in known]
    parameters = sum(BACKBONES[model.run.config.backbone].parameters for model in unread)
    return (0.0 if known else TORCH_SECONDS) + parameters * SECONDS_A_PARAMETER


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """What one forward pass of an image gave."""

    classes: tuple[str, ...]
    probabilities: npt.NDArray[np.float32]  # (K,)
    ood_percentile: float
    attributions: dict[str, Attribution]  # of the methods ONE_PASS, for the predicted class


@st.cache_data(max_size=LOOKS_IN_MEMORY, show_spinner=False)
def _look(path: str, stamp: int, sha256: str, _picture: Picture, _may_compute: bool) -> _Seen:
    if not _may_compute:
        raise NotComputedError
    from xai.on_runs.look import predict_and_explain

    run = _loaded(path, stamp)
    pixels, model_hash = square(_picture, run.px), _model_hash(path, stamp)
    started = time.perf_counter()
    found, attributions = predict_and_explain(run, pixels, methods=ONE_PASS, model_hash=model_hash)
    _note_seconds(path, started)
    return _Seen(run.classes, found.probabilities, found.ood_percentile, attributions)


@st.cache_data(max_size=IN_MEMORY, show_spinner=False)
def _attributions(
    path: str,
    stamp: int,
    methods: tuple[str, ...],
    target: int,
    sha256: str,
    _picture: Picture,
    _may_compute: bool,
) -> dict[str, Attribution]:
    model_hash = _model_hash(path, stamp)
    disk = AttributionCache(paths.store_folder() / "explanations", ON_DISK)
    keys = {
        method: attribution_key(
            model_hash=model_hash, image_sha256=sha256, method=method, target=target
        )
        for method in methods
    }
    kept = {method: disk.get(key) for method, key in keys.items()}
    if all(kept.values()):
        return {method: each for method, each in kept.items() if each}
    if not _may_compute:
        raise NotComputedError
    from xai.on_runs.explain import explain_image

    seen = _look(path, stamp, sha256, _picture, _may_compute)
    if target == int(seen.probabilities.argmax()) and set(methods) <= set(seen.attributions):
        return {method: seen.attributions[method] for method in methods}
    run = _loaded(path, stamp)
    found = explain_image(
        run, square(_picture, run.px), methods=methods, target=target, model_hash=model_hash
    )
    for method, attribution in found.items():
        disk.put(keys[method], attribution)
    return found


def attribution_by_cell(
    model: Model,
    picture: Picture,
    *,
    target: int,
    permutations: int | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> "CellAttribution":
    """What each cell adds to the model's answer.

    Args:
        model: Which run.
        picture: Whose cells.
        target: Class.
        permutations: As in `cell_shapley`; 0: each cell is left out alone.
        on_progress: Called with forward passes done and in all; Streamlit stops the work there
            when asked to.

    Raises:
        UserError: The run is gone or damaged.
        xai.errors.UserError: There is no cell.
    """

    def work() -> "CellAttribution":
        from xai.on_runs.explain import explain_cells, leave_cells_out

        run = _loaded(str(model.run.path), _stamp(model.run.path))
        pixels, cells = square(picture, run.px), find_cells(picture)
        if permutations == 0:
            return leave_cells_out(run, pixels, cells, target=target)
        return explain_cells(
            run, pixels, cells, target=target, permutations=permutations, on_progress=on_progress
        )

    return _keep(_cells_key(model, picture, target, permutations), work)


def _cells_key(
    model: Model, picture: Picture, target: int, permutations: int | None = None
) -> tuple[object, ...]:
    stamp = _stamp(model.run.path)
    return "cells", str(model.run.path), stamp, picture.sha256, target, permutations


def is_kept_by_cell(model: Model, picture: Picture, target: int) -> bool:
    """Whether `attribution_by_cell` has its answer at hand."""
    return _cells_key(model, picture, target) in _kept()[0]


def what_if(
    model: Model,
    picture: Picture,
    change: Callable[[Rgb, "Cells"], Rgb],
    *,
    perturbation: str = "",
) -> npt.NDArray[np.float32]:
    """Probabilities (K,) that the model gives the changed picture.

    Args:
        model: Which run.
        picture: As it was.
        change: Of the square at the input size, with the cells on it.
        perturbation: As in `square`, before that.

    Raises:
        UserError: The run is gone or damaged.
    """
    from xai.on_runs.predict import predict_perturbed

    run = _loaded(str(model.run.path), _stamp(model.run.path))
    pixels = square(picture, run.px, perturbation=perturbation)
    cells, started = find_cells(picture), time.perf_counter()
    found = predict_perturbed(run, pixels, cells, change)
    _note_seconds(str(model.run.path), started)
    return found


def evaluate_map(
    model: Model,
    picture: Picture,
    attribution: Attribution,
    *,
    on_progress: Callable[[int, int], None],
) -> "QualityReport":
    """How far one map can be trusted.

    Raises:
        UserError: The run is gone or damaged.
    """

    def work() -> "QualityReport":
        from xai.on_runs.judge import judge_map

        run = _loaded(str(model.run.path), _stamp(model.run.path))
        pixels, cells = square(picture, run.px), find_cells(picture)
        return judge_map(run, pixels, cells, attribution, on_progress=on_progress)

    return _keep(_report_key(model, picture, attribution), work)


def read_report(model: Model, picture: Picture, attribution: Attribution) -> "QualityReport | None":
    """What `evaluate_map` found; None: nothing that is still at hand.

    Raises:
        UserError: The run has no model any more.
    """
    found: QualityReport | None = _kept()[0].get(_report_key(model, picture, attribution))
    return found


def _report_key(model: Model, picture: Picture, attribution: Attribution) -> tuple[object, ...]:
    of_map = (picture.sha256, attribution.method, attribution.target)
    return "judged", str(model.run.path), _stamp(model.run.path), *of_map


def nearest(model: Model, picture: Picture) -> "list[Neighbour]":
    """The training images that the model takes for most like the picture.

    Raises:
        UserError: The run is gone or damaged, or the picture is no image.
    """
    return _nearest(str(model.run.path), _stamp(model.run.path), picture.sha256, picture)


@st.cache_data(max_entries=200, show_spinner=False)
def _nearest(path: str, stamp: int, sha256: str, _picture: Picture) -> "list[Neighbour]":
    from xai.on_runs.predict import find_neighbours

    run = _loaded(path, stamp)
    return find_neighbours(run, square(_picture, run.px))


@st.cache_resource(show_spinner=False)
def _kept() -> tuple[dict[tuple[object, ...], Any], Lock]:
    """Results whose work reports progress, which Streamlit's own caches do not allow."""
    return {}, Lock()


def _keep(key: tuple[object, ...], work: Callable[[], Found]) -> Found:
    """What `work` made under this key, made once; the oldest of KEPT goes first."""
    kept, lock = _kept()
    with lock:
        if key in kept:
            found: Found = kept[key]
            return found
    found = work()
    with lock:
        kept[key] = found
        while len(kept) > KEPT:
            del kept[next(iter(kept))]
    return found


@st.cache_data(max_entries=100, show_spinner=False)
def _model_hash(path: str, stamp: int) -> str:
    """Of the file with the weights."""
    from modelzoo.runs.hashes import hash_model

    return hash_model(Path(path))


def _stamp(path: Path) -> int:
    """When the run's model was last written."""
    try:
        return max((path / name).stat().st_mtime_ns for name in MODELS if (path / name).is_file())
    except (OSError, ValueError):  # gone, or neither is there
        raise UserError(
            f"Run {path.name} has no model any more; choose another run or train it again."
        ) from None
