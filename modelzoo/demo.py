"""The demo: synthetic smears, and every backbone trained on them with the weights at hand."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from modelzoo import places, runs
from modelzoo.backbones.table import BACKBONES
from modelzoo.backbones.weights import list_weights
from modelzoo.datasets.smears import write_smears
from modelzoo.errors import UserError
from modelzoo.runs import Run, Status
from modelzoo.training.config import TrainConfig, read_recipe
from modelzoo.training.train import train

IMAGES_PER_CLASS = 100


def run_demo(
    *,
    device: str = "auto",
    show: Callable[[str, int, int], None],
    say: Callable[[str], None],
) -> None:
    """Make the smears where there are none, then train what is not trained yet.

    Nothing is downloaded: a backbone without ImageNet weights at hand starts at random, and its
    run says so; once its weights are here, it is trained again under another name.

    Args:
        device: Where to train.
        show: Hears of progress: phase, done, total.
        say: Takes one line for people at a time.
    """
    folder = places.demo_folder()
    if not folder.is_dir():
        write_smears(
            folder,
            images_per_class=IMAGES_PER_CLASS,
            progress=lambda done, total: show("drawing smears", done, total),
        )
    wanted = list_demo_runs(folder)
    missing = [name for name, config in wanted.items() if config.weights == "none"]
    left = [name for name in wanted if not _is_done(places.runs_folder() / name)]
    if missing:
        say(
            f"{len(missing)} of {len(wanted)} backbones have no ImageNet weights here and start at "
            "random; `python -m modelzoo weights --fetch` gets them, then run the demo again."
        )
    started = time.perf_counter()
    for done, name in enumerate(left):
        watch = partial(_show_run, show, name, done, len(left))
        try:
            _train_one(name, wanted[name], device, watch)
        except UserError as error:
            say(f"{name}: {error}")
    if left:
        say(f"The demo's {len(left)} runs took {time.perf_counter() - started:.0f} s.")


def list_demo_runs(folder: Path) -> dict[str, TrainConfig]:
    """The demo's runs by name, the quickest backbones first.

    Args:
        folder: The data set.
    """
    has_weights = {
        row.backbone: row.path is not None for row in list_weights(places.weights_folder())
    }
    configs = {}
    for row in sorted(BACKBONES.values(), key=lambda row: row.parameters):
        name = f"{places.DEMO_PREFIX}{row.name}"
        if not has_weights[row.name]:
            name += "-random-start"
        configs[name] = read_recipe(
            "quick",
            data=str(folder.resolve()),
            backbone=row.name,
            weights="imagenet" if has_weights[row.name] else "none",
        )
    return configs


def _train_one(
    name: str, config: TrainConfig, device: str, watch: Callable[[Status], None]
) -> None:
    path = places.runs_folder() / name
    run = (
        Run(path, config) if path.is_dir() else runs.create_run(places.runs_folder(), name, config)
    )
    status = train(
        run,
        store=places.store_folder(),
        weights_folder=places.weights_folder(),
        device=device,
        watch=watch,
    )
    if status.state == "stopped":
        raise KeyboardInterrupt


def _is_done(path: Path) -> bool:
    try:
        return runs.read_status(path, now=time.time()).state == "done"
    except UserError:
        return False


def _show_run(
    show: Callable[[str, int, int], None], name: str, done: int, total: int, status: Status
) -> None:
    """Show how far the demo is while its run `name`, the one after `done` others, is trained."""
    # In frozen mode the features take nearly all of the time.
    share = 0.9 * status.progress if status.phase == "computing features" else 0.0
    share = 0.95 if status.phase in ("training", "writing results") else share
    show(
        f"{name} ({done + 1} of {total}): {status.phase}", round(100 * (done + share)), 100 * total
    )
