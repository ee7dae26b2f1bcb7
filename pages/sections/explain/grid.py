"""What all chosen models make of one image, as far as it is known; computed beside the page."""

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from modelzoo.errors import UserError
from pages.sections.explain.cell_methods import GridMethod
from pages.shell import inference, pictures
from pages.shell.calibrated import scale, scale_prediction
from pages.shell.pictures import Picture
from pages.shell.prediction import Prediction
from pages.shell.reads import Model
from pages.shell.session import let_clicks_in, replace_work
from pages.shell.work import shared_work
from xai.attribution import Attribution  # noqa: TID253  # a record: no torch behind it
from xai.errors import UserError as ExplainError  # noqa: TID253  # no torch behind it
from xai.methods.table import Method  # noqa: TID253  # a record: no torch behind it
from xai.smear.shapley_cost import EXACT_FEATURES  # noqa: TID253  # no torch behind it
from xai.types import Rgb  # noqa: TID253  # no torch behind it

if TYPE_CHECKING:
    from xai.smear.cell_shapley import CellAttribution
    from xai.smear.segment import Cells

Job = Callable[[Model, int], dict[str, Any]]  # of the fields of `Seen` that it makes

# Waited for the first result, and for the rest at once: each time the page is drawn takes the
# processor from what is computed.
FIRST_SECONDS, MORE_SECONDS = 0.5, 1.0
STEP_SECONDS = 0.25  # a click waits so long at most


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A model's prediction, and its map or the values of its cells; what is missing says why."""

    prediction: Prediction | None = None
    target: str = ""  # name of the class explained
    attribution: Attribution | None = None
    cells: "CellAttribution | None" = None  # in place of a map
    why_not: str = ""  # why there is no prediction or no map, in a sentence


@dataclass(frozen=True, slots=True, eq=False)
class Spot:
    """One place of the grid: a model and a method, and what is known of them."""

    model: Model
    method: GridMethod
    seen: Seen | None = None  # None: not known yet
    masked: npt.NDArray[np.float32] | None = None  # probabilities (K,) with all cells inpainted

    @property
    def id(self) -> str:
        """What the lens calls it."""
        return f"{self.model.key} {self.method.name}"


@dataclass(frozen=True, slots=True)
class Grid:
    """All places, in the order of models and methods."""

    spots: tuple[Spot, ...]
    missing: int  # results that are not there yet
    next_jobs: Mapping[Hashable, Callable[[], Any]]  # those that come next
    is_stopped: bool = False  # whether nothing more is begun

    @property
    def waiting(self) -> int:
        """Results that will come."""
        return 0 if self.is_stopped else self.missing

    @property
    def models(self) -> list[Model]:
        """Each model once, in order."""
        return list({spot.model.key: spot.model for spot in self.spots}.values())

    @property
    def predicted(self) -> list[tuple[Model, Prediction]]:
        """Each model once that has predicted, in order."""
        found = {
            spot.model.key: (spot.model, spot.seen.prediction)
            for spot in self.spots
            if spot.seen and spot.seen.prediction
        }
        return list(found.values())


def look(
    picture: Picture,
    models: Sequence[Model],
    methods: Sequence[GridMethod],
    target_name: str,
    *,
    is_stopped: bool = False,
) -> Grid:
    """What is known by now; where that is nothing, a first result is waited for a moment.

    Predictions with their maps come first, and of values that become more exact the first ones.
    The rest, and the predictions with all cells masked, are left for `wait_for_more`. What this tab
    asked for before, of another image, is not begun any more.

    Args:
        picture: The image.
        models: In the order of the tiles.
        methods: At least one.
        target_name: The class explained, or `OWN`.
        is_stopped: Whether nothing more is to be begun.
    """
    stages: dict[tuple[str, str], list[Hashable]] = {}  # of each place, each more exact
    masks: dict[str, Hashable] = {}
    steps: list[dict[Hashable, Callable[[], Any]]] = [{} for _ in range(_most_stages(methods) + 1)]
    gone: dict[str, str] = {}
    for model in models:
        try:
            run = (*inference.identity(model), model.title, picture.sha256)
        except UserError as error:
            gone[model.key] = str(error)
            continue
        for method in methods:
            keys = stages[model.key, method.name] = []
            for step, (stage, job) in zip(steps, _list_stages(method, picture), strict=False):
                keys.append(("map", *run, method.name, target_name, stage))
                step[keys[-1]] = partial(_explain, model, picture, target_name, job)
        masks[model.key] = ("masked", *run)
        steps[-1][masks[model.key]] = partial(_mask, model, picture)
    _run(steps, is_stopped=is_stopped)
    spots = [
        Spot(
            model,
            method,
            Seen(why_not=gone[model.key])
            if model.key in gone
            else _read_best(stages[model.key, method.name]),
            None if model.key in gone else _read(masks[model.key]),
        )
        for model in models
        for method in methods
    ]
    missing = [{key: job for key, job in step.items() if _read(key) is None} for step in steps]
    next_jobs = next(filter(None, missing), {})
    return Grid(tuple(spots), sum(map(len, missing)), next_jobs, is_stopped)


def scale_grid(grid: Grid) -> Grid:
    """The grid with probabilities scaled by the temperatures of its models; maps stay."""
    return replace(grid, spots=tuple(map(_scale_spot, grid.spots)))


def _scale_spot(spot: Spot) -> Spot:
    seen, masked = spot.seen, spot.masked
    if seen and seen.prediction:
        seen = replace(seen, prediction=scale_prediction(spot.model, seen.prediction))
    return replace(spot, seen=seen, masked=None if masked is None else scale(spot.model, masked))


def wait_for_more(grid: Grid) -> None:
    """Compute what comes next; return when it is there, or after a moment. A click is answered.

    At the end of the page's script, after which it runs again: what was drawn reaches the browser
    meanwhile, and nothing takes the processor from it before. Streamlit drops what it has not sent
    when a run begins.
    """
    work = shared_work()
    work.begin(grid.next_jobs)
    until = time.monotonic() + MORE_SECONDS
    while time.monotonic() < until and any(_read(key) is None for key in grid.next_jobs):
        work.wait_for_all(grid.next_jobs, STEP_SECONDS)
        let_clicks_in()


def _run(steps: Sequence[Mapping[Hashable, Callable[[], Any]]], *, is_stopped: bool) -> None:
    """Begin the first step, and nothing any more that is in none."""
    work = shared_work()
    keys = {key for step in steps for key in step}
    if is_stopped:
        work.drop_waiting(keys)
        return
    work.drop_waiting(replace_work(keys) - keys)
    work.begin(steps[0])
    if all(_read(key) is None for key in keys):
        work.wait_for_one(steps[0], FIRST_SECONDS)


def _read(key: Hashable) -> Any:
    return shared_work().read(key)


def _read_best(keys: Sequence[Hashable]) -> Any:
    """The result of the last stage that is there."""
    return next((found for key in reversed(keys) if (found := _read(key)) is not None), None)


def _most_stages(methods: Sequence[GridMethod]) -> int:
    return max(1 if isinstance(method, Method) else len(method.stages) for method in methods)


def _list_stages(method: GridMethod, picture: Picture) -> list[tuple[int | None, Job]]:
    """What is computed for one place, one after the other, with a name for each."""
    if isinstance(method, Method):
        return [(0, partial(_make_map, picture, method.name))]
    # Few cells have exact values, which nothing comes before.
    is_exact = pictures.find_cells(picture).count < EXACT_FEATURES
    stages = [stage for stage in method.stages if not (is_exact and stage)]
    return [(stage, partial(_value_cells, picture, stage)) for stage in stages]


def _make_map(picture: Picture, method: str, model: Model, target: int) -> dict[str, Any]:
    made = inference.attribution(model, picture, method=method, target=target)
    return {"attribution": made}


def _value_cells(
    picture: Picture, permutations: int | None, model: Model, target: int
) -> dict[str, Any]:
    made = inference.attribution_by_cell(model, picture, target=target, permutations=permutations)
    return {"cells": made}


def _explain(model: Model, picture: Picture, target_name: str, job: Job) -> Seen:
    """The work for one place."""
    try:
        prediction = inference.predict(model, picture)
    except UserError as error:
        return Seen(why_not=str(error))
    target = prediction.class_to_explain(target_name)
    if target not in prediction.classes:
        why_not = f"{model.title} has no class {target}; choose another target class."
        return Seen(prediction, target, why_not=why_not)
    try:
        made = job(model, prediction.classes.index(target))
    except (UserError, ExplainError) as error:
        return Seen(prediction, target, why_not=str(error))
    return Seen(prediction, target, **made)


def _mask(model: Model, picture: Picture) -> npt.NDArray[np.float32]:
    """Probabilities (K,) with all cells inpainted; empty where there is no cell, or no answer."""
    try:
        return inference.what_if(model, picture, _without_cells)
    except UserError:
        return np.empty(0, np.float32)  # the place of the model says why


def _without_cells(pixels: Rgb, cells: "Cells") -> Rgb:
    from xai.smear.inpaint import paint_out, with_rims

    return paint_out(pixels, with_rims(cells.labels) > 0)
