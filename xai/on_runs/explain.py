"""Attribution maps of a run for one image, and Shapley values of its cells."""

from collections.abc import Sequence

from modelzoo.inference.trained import LoadedRun
from xai.attribution import Attribution
from xai.errors import UserError
from xai.explain import explain_by_all
from xai.methods.table import ONE_PASS
from xai.on_runs.open import as_input
from xai.smear.cell_shapley import (
    CellAttribution,
    cell_shapley,
    find_shapley_features,
    leave_one_out,
)
from xai.smear.segment import Cells
from xai.types import OnProgress, Rgb


def explain_image(
    run: LoadedRun, pixels: Rgb, *, methods: Sequence[str], target: int, model_hash: str = ""
) -> dict[str, Attribution]:
    """Attributions by method; those that need the last features only share one forward pass.

    Args:
        run: Opened.
        pixels: (px, px, 3) uint8, at the input size of the run.
        methods: Names of rows in `xai.methods.table`.
        target: Index into the classes of the run.
        model_hash: Handed on to the attributions.

    Raises:
        UserError: A method is not right for this network, or the target is no class.
    """
    made = explain_by_all(
        run.backbone,
        as_input(run, pixels),
        methods=methods,
        target=target,
        model_hash=model_hash,
    )
    return {method: attributions[0] for method, attributions in made.items()}


def explain_or_refuse(
    run: LoadedRun, pixels: Rgb, *, methods: Sequence[str], target: int, model_hash: str = ""
) -> dict[str, Attribution | str]:
    """As `explain_image`; a method that the network does not allow gives its reason."""
    made = explain_many(run, [pixels], methods=methods, targets=[target], model_hash=model_hash)
    return {name: each if isinstance(each, str) else each[0] for name, each in made.items()}


def explain_many(
    run: LoadedRun,
    pixels: Sequence[Rgb],
    *,
    methods: Sequence[str],
    targets: Sequence[int],
    model_hash: str = "",
) -> dict[str, list[Attribution] | str]:
    """As `explain_or_refuse` of several images, each with its own target."""
    cheap = [name for name in methods if name in ONE_PASS]
    groups = ([cheap] if cheap else []) + [[name] for name in methods if name not in ONE_PASS]
    results: dict[str, list[Attribution] | str] = {}
    while groups:
        group = groups.pop()
        try:
            results |= explain_by_all(
                run.backbone,
                as_input(run, *pixels),
                methods=group,
                target=targets,
                model_hash=model_hash,
            )
        except UserError as error:
            if len(group) == 1:
                results[group[0]] = str(error)
            else:  # one by one, which shows whose reason it is
                groups += [[name] for name in group]
    return {name: results[name] for name in methods}


def explain_cells(
    run: LoadedRun,
    pixels: Rgb,
    cells: Cells,
    *,
    target: int,
    permutations: int | None = None,
    on_progress: OnProgress = lambda done, total: None,
) -> CellAttribution:
    """Shapley values of the cells of an image and of its background.

    Args:
        run: Opened.
        pixels: (px, px, 3) uint8, at the input size of the run.
        cells: Of the image, at any size.
        target: Index into the classes of the run.
        permutations: As in `cell_shapley`.
        on_progress: Called with forward passes done and in all; may raise to stop.

    Raises:
        UserError: There is no cell, or the target is no class.
    """
    features = find_shapley_features(pixels, cells.resized(run.px))
    return cell_shapley(
        run.backbone,
        features,
        target,
        normalise=run.backbone.normalise,
        permutations=permutations,
        on_progress=on_progress,
    )


def leave_cells_out(run: LoadedRun, pixels: Rgb, cells: Cells, *, target: int) -> CellAttribution:
    """What each cell of an image alone adds; arguments and errors as in `explain_cells`."""
    features = find_shapley_features(pixels, cells.resized(run.px))
    return leave_one_out(run.backbone, features, target, normalise=run.backbone.normalise)
