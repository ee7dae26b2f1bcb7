"""What is to be trained: several runs from one set of choices, each with its command. No torch."""

import dataclasses
import itertools
import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelzoo.backbones.table import BACKBONES, find_backbone
from modelzoo.backbones.weights import list_with_imagenet
from modelzoo.config.train_config import TrainConfig, read_recipe
from modelzoo.errors import UserError
from modelzoo.files import is_folder, is_regular_file
from modelzoo.launching.target import LOCAL, Target
from modelzoo.runs.folder import Run, check_run_is_free, check_run_name, create_run

MOST_DIGITS = 10  # of a seed, which is at most 2**31
MOST_SHOWN = 60  # letters of what was given, in a sentence


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """A run that does not exist yet."""

    name: str
    config: TrainConfig


def parse_backbones(names: str) -> list[str]:
    """The backbones that a person names: several with commas, `ten` of muduli2025, or `all`.

    `all` are those with ImageNet weights.

    Raises:
        UserError: A name is unknown.
    """
    if names == "all":
        return list_with_imagenet()
    if names == "ten":
        return [row.name for row in BACKBONES.values() if row.in_muduli2025]
    return list(dict.fromkeys(find_backbone(name.strip()).name for name in names.split(",")))


def parse_seeds(text: str | None) -> list[int | None]:
    """The seeds that a person gives: whole numbers, several with commas; None: the recipe's.

    Raises:
        UserError: One is no whole number.
    """
    if text is None:
        return [None]
    seeds = [seed.strip() for seed in text.split(",")]
    if not all(seed.isascii() and seed.isdigit() and len(seed) <= MOST_DIGITS for seed in seeds):
        raise UserError(
            f"Seed {text[:MOST_SHOWN]!r} cannot be used; give whole numbers from 0 on, several "
            "with commas."
        )
    return list(dict.fromkeys(int(seed) for seed in seeds))


def plan_runs(
    *,
    folder: Path,
    recipe: str,
    data: str | None,
    backbones: Sequence[str | None],
    seeds: Sequence[int | None] = (None,),
    name: str | None = None,
    **options: Any,
) -> list[PlannedRun]:
    """One run for each backbone and seed.

    Args:
        folder: Of the runs, to find a name that is free where none is given.
        recipe: A recipe's name, or the path of a TOML file.
        data: Folder or table of the images.
        backbones: At least one; None is the recipe's own.
        seeds: None is the recipe's own.
        name: Of the run, with backbone and seed behind it where there are several; None: made of
            backbone, split and seed.
        **options: Values of TrainConfig by field name; None leaves the recipe's.

    Raises:
        UserError: A name or value does not hold, or there are no images.
    """
    if not data:
        raise UserError("No images were given; say where they are with --data FOLDER.")
    check_is_there(data)
    options["data"] = str(Path(data).resolve())
    planned = []
    for backbone in backbones:
        for seed in seeds:
            config = read_recipe(recipe, backbone=backbone, seed=seed, **options)
            if name is not None:
                parts = [name]
                parts += [config.backbone] * (len(backbones) > 1)
                parts += [f"seed{config.seed}"] * (len(seeds) > 1)
                run_name = check_run_name("-".join(parts))
            else:
                run_name = _find_name(folder, f"{config.backbone}-{config.split}-{config.seed}")
            planned.append(PlannedRun(run_name, config))
    return planned


def check_is_there(data: str) -> None:
    """Raise a UserError where there is no such folder or table of images."""
    if not (is_folder(Path(data)) or is_regular_file(Path(data))):
        raise UserError(f"{data} was not found; give a folder or table of images.")


def _find_name(folder: Path, name: str) -> str:
    """`name`, with a number behind it where it is taken.

    A folder that cannot be looked into, or whose name is too long, is left to who makes the run.
    """
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    return next(each for each in names if not os.path.lexists(folder / each))


def create_runs(folder: Path, planned: Sequence[PlannedRun]) -> list[Run]:
    """Make all the runs in `folder`, queued; none where one of the names is taken.

    Raises:
        UserError: Such a run is there already, or the folder cannot be written.
    """
    for each in planned:
        check_run_is_free(folder, each.name)
    return [create_run(folder, each.name, each.config) for each in planned]


def format_command(planned: PlannedRun, *, device: str = "auto") -> str:
    """The command that trains the run, with what differs from its recipe, to copy into a shell."""
    arguments = _list_arguments(planned.config, planned.name, planned.config.backbone)
    if device != "auto":
        arguments += ["--device", device]
    return shlex.join(arguments)


def format_commands(
    planned: Sequence[PlannedRun], target: Target, *, name: str | None = None
) -> list[str]:
    """The commands that send the runs to `target`: for a cluster one, so that they are one array.

    Args:
        planned: At least one, as `plan_runs` gives them.
        target: Where they go.
        name: As it was given to `plan_runs`.
    """
    if target.engine == LOCAL.engine:
        return [format_command(each, device=target.device) for each in planned]
    backbones, seeds = ({getattr(each.config, key): 0 for each in planned} for key in _VARIED)
    first = planned[0].config
    others = {dataclasses.replace(each.config, **_values_of(first)) for each in planned}
    if len(others) > 1 or len(planned) != len(backbones) * len(seeds):  # no such product
        return [f"{format_command(each)} --target {target.name}" for each in planned]
    run_name = planned[0].name if len(planned) == 1 else name
    arguments = _list_arguments(
        dataclasses.replace(first, seed=read_recipe(first.recipe).seed),
        run_name,
        ",".join(backbones),
    )
    if list(seeds) != [read_recipe(first.recipe).seed]:
        arguments += ["--seed", ",".join(map(str, seeds))]
    return [shlex.join([*arguments, "--target", target.name])]


_VARIED = ("backbone", "seed")  # of what `plan_runs` makes several runs


def _values_of(config: TrainConfig) -> dict[str, Any]:
    return {key: getattr(config, key) for key in _VARIED}


def _list_arguments(config: TrainConfig, name: str | None, backbone: str) -> list[str]:
    """The command and its options, but for where it trains."""
    recipe = read_recipe(config.recipe)
    arguments = ["python", "-m", "modelzoo", "train"]
    if name is not None:
        arguments += ["--name", name]
    arguments += ["--recipe", config.recipe, "--data", config.data, "--backbone", backbone]
    for spec in dataclasses.fields(TrainConfig):
        value = getattr(config, spec.name)
        if spec.name not in ("recipe", "data", "backbone") and value != getattr(recipe, spec.name):
            arguments += [f"--{spec.name.replace('_', '-')}", str(value)]
    return arguments
