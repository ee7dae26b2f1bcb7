"""Reference results: systems of the papers and runs beside them, trained and kept without images.

    python -m docs.train_reference --data all-pbs=FOLDER --data c-nmc=FOLDER
    python -m docs.train_reference --data all-pbs=FOLDER --plan here --forecast

What was interrupted goes on where it stood. Each run that is done leaves config, history, split,
predictions of validation and test, environment and status in `reference/`: no image, no weight.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from docs.baselines import write_baselines
from docs.reference import DATA_SET, copy_result
from modelzoo import paths
from modelzoo.backbones.table import BACKBONES, require_package
from modelzoo.backbones.weights import require_weights
from modelzoo.config.train_config import TrainConfig, read_recipe
from modelzoo.datasets.opening import open_dataset
from modelzoo.datasets.splits import SplitKind
from modelzoo.errors import UserError
from modelzoo.papers.systems import PAPERS, SYSTEMS
from modelzoo.runs.folder import create_run, read_run
from modelzoo.runs.status import read_status
from modelzoo.text import describe_seconds, file_size
from modelzoo.training.environment import pick_device
from modelzoo.training.forecast import Cost, count_images, forecast_seconds, measure_cost
from modelzoo.training.run import train

WORK = Path("reference-work")  # runs with their networks, and decoded images
DATA_SETS = {"all-pbs": DATA_SET, "c-nmc": "C-NMC 2019"}  # in place of a path
HONEST: tuple[SplitKind, ...] = ("random", "grouped", "background")
SEEDS = 3  # of background clusters three folds, which test each


@dataclass(frozen=True, slots=True)
class Planned:
    """One run of the plan."""

    data: str  # a key of DATA_SETS
    recipe: str
    backbone: str
    split: SplitKind
    seed: int = 0
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Of its folder."""
        recipe = self.recipe if self.backbone in self.recipe else f"{self.recipe}-{self.backbone}"
        return f"{recipe}-{self.split}-{self.seed}"

    def config(self, folder: Path) -> TrainConfig:
        """Its recipe on the images in `folder`."""
        return read_recipe(
            self.recipe,
            backbone=self.backbone,
            split=self.split,
            seed=self.seed,
            data=str(folder.resolve()),
            **self.options,
        )


def plan_papers() -> Iterator[Planned]:
    """Every system of the papers on the paper's split and on the honest ones, one seed."""
    for system in (each for each in SYSTEMS if not each.members):
        paper = PAPERS[system.paper]
        data = "c-nmc" if paper.dataset.startswith("C-NMC") else "all-pbs"
        for split in dict.fromkeys([paper.split, *HONEST]):
            yield Planned(data, system.recipe, system.backbone, split)


def plan_here() -> Iterator[Planned]:
    """What two CPU cores train in some hours: two backbones and the 13-layer CNN, at fewer px."""
    two = ("tf_efficientnet_lite0", "resnet50")
    for seed in range(SEEDS):
        for backbone in two:
            for split in HONEST:
                yield Planned("all-pbs", "quick", backbone, split, seed, {"input_px": 224})
    papers_splits: tuple[SplitKind, ...] = ("leaky-augmented", *HONEST)
    for recipe, backbone in zip(("anand2025-cnn13", "anand2025-cnn13-adamax"), two, strict=True):
        for split in papers_splits:
            yield Planned("all-pbs", recipe, "cnn13", split, 0, {"input_px": 96})
        for split in HONEST:
            yield Planned("all-pbs", "finetune", backbone, split, 0, {"input_px": 128, "epochs": 8})


PLANS = {"papers": plan_papers, "here": plan_here}


def train_reference(
    data: Annotated[list[str], typer.Option(help="all-pbs=FOLDER or c-nmc=FOLDER.")],
    plan: Annotated[str, typer.Option(help="papers, or here.")] = "papers",
    only: Annotated[str, typer.Option(help="Of the names of runs, a part.")] = "",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda.")] = "auto",
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("reference"),
    forecast: Annotated[bool, typer.Option("--forecast", help="Only say how long.")] = False,
) -> None:
    """Train a plan, or say how long it will take."""
    folders = dict(_parse_data(each) for each in data)
    planned = [each for each in PLANS[plan]() if only in each.name]
    left = [each for each in planned if each.data in folders and not (out / each.name).is_dir()]
    if missing := {each.data for each in planned} - folders.keys():
        print(f"Left out, because no folder was given: {', '.join(sorted(missing))}.")
    place = pick_device(device)
    left = _forecast(left, folders, place)
    if forecast:
        return
    for each in left:
        _train(each, folders[each.data], place, out)
    if "all-pbs" in folders:
        write_baselines(folders["all-pbs"], store=WORK / "store", out=out / "baselines.csv")


def _parse_data(text: str) -> tuple[str, Path]:
    name, _, folder = text.partition("=")
    if name not in DATA_SETS or not Path(folder).is_dir():
        raise typer.BadParameter(f"{text!r}: give all-pbs=FOLDER or c-nmc=FOLDER.")
    return name, Path(folder)


def _forecast(
    planned: list[Planned], folders: dict[str, Path], place: torch.device
) -> list[Planned]:
    """Say about how long each run will take, by a few steps; those that can be trained."""
    images = {
        name: len(open_dataset(folder, store=WORK / "store").images)
        for name, folder in folders.items()
    }
    kept, total = [], 0.0
    probes: dict[tuple[object, ...], Cost] = {}
    for each in planned:
        config = each.config(folders[each.data])
        try:
            require_package(BACKBONES[each.backbone])
            if config.weights == "imagenet":
                require_weights(each.backbone, paths.weights_folder())
        except UserError as error:
            print(f"{each.name}: left out. {error}")
            continue
        key = each.backbone, config.px, config.batch_size, config.mode, config.head
        if key not in probes:
            probes[key] = measure_cost(config, 4, store=WORK / "store", device=place)
        n_images = count_images(config, images[each.data], 4)
        seconds = forecast_seconds(config, n_images, probes[key])
        total += seconds
        kept.append(each)
        memory = file_size(probes[key].memory)
        words = f"about {describe_seconds(seconds)} if no epoch is spared, {memory}"
        print(f"{each.name}: {words}")
    print(f"{len(kept)} runs, about {describe_seconds(total)} on {place}, without decoding images.")
    return kept


def _train(planned: Planned, folder: Path, place: torch.device, out: Path) -> None:
    """Train one run, or go on with it, and keep its results."""
    path = WORK / "runs" / planned.name
    if path.is_dir():
        run = read_run(path)
    else:
        run = create_run(WORK / "runs", planned.name, planned.config(folder))
    if read_status(path, now=time.time()).state != "done":
        print(f"{planned.name} ...", flush=True)
        try:
            train(
                run,
                store=WORK / "store",
                weights_folder=paths.weights_folder(),
                device=str(place),
            )
        except UserError as error:
            print(f"{planned.name}: {error}")
            return
    copy_result(path, out / planned.name, DATA_SETS[planned.data])
    print(f"{planned.name}: done", flush=True)


if __name__ == "__main__":
    typer.run(train_reference)
