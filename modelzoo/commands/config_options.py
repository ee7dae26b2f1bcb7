"""What commands that train or try something take: an option for each field of TrainConfig."""

import dataclasses
import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from modelzoo import paths
from modelzoo.commands.options import DeviceOption, RunsOption, StoreOption, parse_path
from modelzoo.commands.output import notes
from modelzoo.commands.progress import show_progress
from modelzoo.config.train_config import TrainConfig, list_recipes
from modelzoo.launching.plan import PlannedRun, parse_backbones, parse_seeds, plan_runs

if TYPE_CHECKING:
    from modelzoo.datasets.dataset import Dataset


def config_signature(*first: inspect.Parameter) -> inspect.Signature:
    """`first`, then the options of every such command, then one for each field of TrainConfig."""
    recipes = ", ".join(list_recipes())
    parameters = [
        *first,
        keyword("recipe", Annotated[str | None, typer.Option(help=f"{recipes}, or a .toml file.")]),
        keyword("runs", RunsOption),
        keyword("store", StoreOption),
        keyword("device", DeviceOption, "auto"),
    ]
    fields = [spec for spec in dataclasses.fields(TrainConfig) if spec.name != "recipe"]
    return inspect.Signature([*parameters, *(_option_of(spec) for spec in fields)])


def _option_of(spec: "dataclasses.Field[Any]") -> inspect.Parameter:
    """The option of one field of TrainConfig; None where it is not given."""
    kind = spec.type if spec.type in (int, float) and spec.name != "seed" else str
    choices = f" One of {', '.join(get_args(spec.type))}." if get_args(spec.type) else ""
    more = {
        "backbone": " Several with commas; `ten`: those of muduli2025; `all`: "
        "those with ImageNet weights. Without it: the recipe's, or EfficientNet-Lite0.",
        "seed": " Several with commas.",
    }
    help_text = spec.metadata["help"] + choices + more.get(spec.name, "")
    option = typer.Option(help=help_text, parser=_parse_data if spec.name == "data" else None)
    return keyword(spec.name, Annotated[kind | None, option])


def _parse_data(text: str) -> str:
    """The path of the images, when a file or folder can have it."""
    return str(parse_path(text))


def keyword(name: str, kind: Any, default: object = None) -> inspect.Parameter:
    """An option of a command."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)


def plan_given(folder: Path, options: dict[str, Any]) -> list[PlannedRun]:
    """The runs that the options of a command describe.

    Args:
        folder: Of the runs.
        options: By the names of the parameters; None where one was not given.

    Raises:
        UserError: A value does not hold.
    """
    rest = dict(options)
    recipe, backbones = rest.pop("recipe"), rest.pop("backbone")
    if recipe is None:
        recipe = "quick" if rest["mode"] in (None, "frozen") else "finetune"
    return plan_runs(
        folder=folder,
        recipe=recipe,
        backbones=[None] if backbones is None else parse_backbones(backbones),
        seeds=parse_seeds(rest.pop("seed")),
        **rest,
    )


def check_given(planned: Sequence[PlannedRun], folder: Path, store: Path) -> "Dataset":
    """Check all that can be known before a run is made; print what is doubtful. The data set."""
    from modelzoo.datasets.preparing import prepare
    from modelzoo.launching.checks import check_at_once, check_planned

    # Before the images are looked at, which may take a minute.
    check_at_once(planned, runs=folder, weights=paths.weights_folder())
    config = planned[0].config
    with show_progress() as show:
        prepared = prepare(
            Path(config.data),
            store=store,
            columns=config.columns,
            progress=lambda step, *work: show(f"opening: {step}", *work),
        )
    for note in check_planned(planned, prepared, runs=folder, store=store):
        notes.print(f"note: {note}")
    return prepared.dataset
