"""The demo: synthetic smears, and every backbone trained on them with the weights at hand.

No torch: pages ask how far it is, and who trains here brings the trainer.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from modelzoo import paths
from modelzoo.backbones.table import BACKBONES
from modelzoo.backbones.weights import list_weights
from modelzoo.config.train_config import TrainConfig, read_recipe
from modelzoo.datasets.synthetic.smears import write_smears
from modelzoo.errors import UserError
from modelzoo.launching import local
from modelzoo.launching.queue import turn
from modelzoo.runs.folder import Run, create_run, read_run
from modelzoo.runs.records import read_environment
from modelzoo.runs.status import State, Status, read_status, this_process, write_status
from modelzoo.text import count
from modelzoo.training.devices import find_device
from modelzoo.training.heartbeat import StopRequestedError

IMAGES_PER_CLASS = 100
# Seconds of a whole run, its process included, on two cores without a GPU. They only say how the
# backbones share the time: how fast this machine is, its finished runs tell.
SECONDS = {
    "tf_efficientnet_lite0": 20,
    "efficientnet_b0": 13,
    "nasnet_mobile": 16,
    "efficientnetv2_b0": 11,
    "densenet121": 23,
    "densenet169": 24,
    "xception": 15,
    "resnet50": 13,
    "resnet152": 22,
    "vgg16": 27,
    "vgg19": 34,
}

OnProgress = Callable[[str, int, int], None]  # phase, done, total
# Run, device, on_progress -> its last status.
Train = Callable[[Run, str, Callable[[Status], None]], Status]


@dataclass(frozen=True, slots=True)
class DemoProgress:
    """How far the demo is."""

    done: int  # runs that were tested
    total: int  # runs in all
    seconds_left: float  # of those that wait or train, by what the finished ones took; 0: none left


def run_demo(
    train: Train,
    *,
    device: str = "auto",
    on_progress: OnProgress,
    on_message: Callable[[str], None],
) -> None:
    """Train what is not trained yet, one after another, in this process.

    Nothing is downloaded: a backbone without ImageNet weights at hand starts at random, and its
    run says so; once its weights are here, it is trained again under another name.

    Args:
        train: Trains one run.
        device: Where to train.
        on_progress: Called with the phase, the work done and how much there is.
        on_message: Called with one line for people at a time.

    Raises:
        StopRequestedError: Somebody asked to stop; `run_demo` again goes on.
    """
    place = find_device(device).name
    left = _prepare(on_progress=on_progress, on_message=on_message)
    started = time.perf_counter()
    for done, run in enumerate(left):
        try:
            waiting = partial(on_progress, f"waiting for {place}", done, len(left))
            training = partial(_on_run_progress, on_progress, run.id, done, len(left))
            with turn(run, place, on_progress=waiting):
                if train(run, place, training).state == "stopped":
                    raise StopRequestedError
        except UserError as error:
            on_message(f"{run.id}: {error}")
        except StopRequestedError:
            for later in left[done + 1 :]:
                _set_state(later, "stopped")
            raise
    if left:
        seconds = time.perf_counter() - started
        on_message(f"The demo's {count(len(left), 'run')} took {seconds:.0f} s.")


def queue_demo(
    *, device: str = "auto", on_progress: OnProgress, on_message: Callable[[str], None]
) -> None:
    """Queue what is not trained yet, each run as a process of its own, and return.

    The runs are there, queued, before the smears are drawn: a page that is open shows what comes.

    Args:
        device: Where to train.
        on_progress: Called with the phase, the work done and how much there is.
        on_message: Called with one line for people at a time, such as that a run is damaged.
    """
    place = find_device(device).name
    for run in _prepare(on_progress=on_progress, on_message=on_message):
        try:
            local.start(run, store=paths.store_folder(), device=place)
        except UserError as error:  # it was damaged or deleted meanwhile
            on_message(f"{run.id}: {error}")


def list_demo_runs() -> dict[str, TrainConfig]:
    """The demo's runs by name, the quickest backbones first."""
    has_weights = {
        row.backbone: row.path is not None for row in list_weights(paths.weights_folder())
    }
    configs = {}
    for row in sorted(BACKBONES.values(), key=lambda row: row.parameters):
        name = f"{paths.DEMO_PREFIX}{row.name}"
        if not has_weights[row.name]:
            name += "-random-start"
        configs[name] = read_recipe(
            "quick",
            data=str(paths.demo_folder().resolve()),
            backbone=row.name,
            weights="imagenet" if has_weights[row.name] else "none",
        )
    return configs


def read_progress(found: list[Run], *, now: float) -> DemoProgress | None:
    """How far the demo is; None where none of its runs is here.

    Args:
        found: The runs that are here.
        now: Seconds since the epoch.
    """
    done = total = 0
    expected = taken = left = 0.0
    for run in found:
        if not run.id.startswith(paths.DEMO_PREFIX):
            continue
        total += 1
        seconds = SECONDS.get(run.config.backbone, 20)
        try:
            status = read_status(run.path, now=now)
            if status.state == "done":
                done += 1
                expected += seconds
                taken += sum(read_environment(run.path).seconds.values()) + _STARTING
            elif status.state in ("queued", "training"):
                left += seconds * (1 - _share(status))
        except UserError:  # a damaged run is said elsewhere
            continue
    if not total:
        return None
    pace = taken / expected if expected else 1.0
    return DemoProgress(done, total, left * pace)


_STARTING = 6.0  # seconds that a process takes to begin and to end, which no run counts


def _prepare(*, on_progress: OnProgress, on_message: Callable[[str], None]) -> list[Run]:
    """Make the smears where there are none; the runs that are not done, new ones among them."""
    wanted = list_demo_runs()
    missing = [name for name, config in wanted.items() if config.weights == "none"]
    if missing:
        on_message(
            f"{len(missing)} of {len(wanted)} backbones have no ImageNet weights here and start at "
            "random; `python -m modelzoo weights --fetch` gets them, then run the demo again."
        )
    left = []
    for name, config in wanted.items():
        try:
            if run := _find_or_create(name, config):
                left.append(run)
        except UserError as error:  # of this run alone: the others are trained
            on_message(f"{name}: {error}")
    if left and not paths.demo_folder().is_dir():
        write_smears(
            paths.demo_folder(),
            images_per_class=IMAGES_PER_CLASS,
            progress=lambda done, total: on_progress("drawing smears", done, total),
        )
    return left


def _find_or_create(name: str, config: TrainConfig) -> Run | None:
    """The demo's run `name`, queued in the name of this process; None where nothing is to do."""
    path = paths.runs_folder() / name
    if path.is_dir():
        run = read_run(path)
        state = read_status(path, now=time.time()).state
        if state in ("queued", "training", "done"):
            return None
    else:
        run = create_run(paths.runs_folder(), name, config)
    _set_state(run, "queued")
    return run


def _set_state(run: Run, state: State) -> None:
    """Say, in the name of this process, that the run waits or was stopped before it began."""
    status = read_status(run.path, now=time.time())
    changed = replace(status, state=state, queued=time.time(), error="", **this_process())
    write_status(run.path, changed)


def _on_run_progress(
    on_progress: OnProgress, name: str, done: int, total: int, status: Status
) -> None:
    """Call `on_progress` with how far the demo is while its run `name` is trained after others."""
    share = _share(status)
    on_progress(
        f"{name} ({done + 1} of {total}): {status.phase}", round(100 * (done + share)), 100 * total
    )


def _share(status: Status) -> float:
    """How much of a run is done: in frozen mode the features take nearly all of the time."""
    if status.phase == "computing features":
        return 0.9 * status.progress
    return 0.95 if status.phase in ("training", "writing results") else 0.0
