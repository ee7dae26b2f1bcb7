"""The demo: synthetic smears, and every backbone trained on them once its weights are here.

No torch: pages ask how far it is, and who trains here brings the trainer.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from filelock import FileLock

from modelzoo import paths
from modelzoo.backbones.table import BACKBONES
from modelzoo.backbones.weights import WeightsState, list_weights
from modelzoo.config.train_config import Initialisation, TrainConfig, read_recipe
from modelzoo.datasets.synthetic.smears import write_smears
from modelzoo.errors import UserError
from modelzoo.files import make_folder
from modelzoo.launching import local
from modelzoo.launching.fetching import Fetch
from modelzoo.launching.queue import turn
from modelzoo.runs.folder import Run, create_run, list_runs, read_run
from modelzoo.runs.records import read_environment
from modelzoo.runs.status import State, Status, read_status, this_process, write_status
from modelzoo.text import count, join
from modelzoo.training.devices import find_device
from modelzoo.training.heartbeat import StopRequestedError

IMAGES_PER_CLASS = 100
INPUT_PX = 224  # the papers'; at 128 px, maps of most backbones have 4 x 4 cells
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
DEMO_BACKBONES = tuple(name for name in BACKBONES if name in SECONDS)  # the ten, and Lite0

LOCK = ".demo.lock"  # in the home folder: one process at a time makes the demo

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
    from_scratch: Sequence[str] = (),
    device: str = "auto",
    on_progress: OnProgress,
    on_message: Callable[[str], None],
) -> None:
    """Train what is not trained yet, one after another, in this process.

    Nothing is downloaded, and nothing starts at random unless asked: a backbone without ImageNet
    weights waits for them.

    Args:
        train: Trains one run.
        from_scratch: Train these backbones alone, from random starts.
        device: Where to train.
        on_progress: Called with the phase, the work done and how much there is.
        on_message: Called with one line for people at a time.

    Raises:
        StopRequestedError: Somebody asked to stop; `run_demo` again goes on.
    """
    place = find_device(device).name
    configs = list_scratch_runs(from_scratch) if from_scratch else _list_and_say(on_message)
    left = _prepare(configs, on_progress=on_progress, on_message=on_message)
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
    backbones: Sequence[str] = (),
    *,
    from_scratch: Sequence[str] = (),
    device: str = "auto",
    on_progress: OnProgress,
    on_message: Callable[[str], None],
) -> None:
    """Queue what is not trained yet, each run as a process of its own, and return.

    The runs are there, queued, before the smears are drawn: a page that is open shows what comes.

    Args:
        backbones: Only these, where their ImageNet weights are here; empty for all.
        from_scratch: Train these backbones alone, from random starts.
        device: Where to train.
        on_progress: Called with the phase, the work done and how much there is.
        on_message: Called with one line for people at a time, such as that a run is damaged.
    """
    place = find_device(device).name
    if backbones:
        names = {f"{paths.DEMO_PREFIX}{backbone}" for backbone in backbones}
        configs = {name: each for name, each in list_demo_runs().items() if name in names}
    else:
        configs = list_scratch_runs(from_scratch) if from_scratch else _list_and_say(on_message)
    for run in _prepare(configs, on_progress=on_progress, on_message=on_message):
        try:
            local.start(run, store=paths.store_folder(), device=place)
        except UserError as error:  # it was damaged or deleted meanwhile
            on_message(f"{run.id}: {error}")


def list_demo_runs() -> dict[str, TrainConfig]:
    """The demo's runs by name, the quickest backbones first.

    Those whose ImageNet weights are here, and those that a person began from random starts.
    """
    configs = {}
    for weights in _smallest_first():
        if weights.path is not None:
            name = f"{paths.DEMO_PREFIX}{weights.backbone}"
            configs[name] = _config_of(weights.backbone, "imagenet")
        for name, config in list_scratch_runs([weights.backbone]).items():
            if (paths.runs_folder() / name).is_dir():
                configs[name] = config
    return configs


def list_scratch_runs(backbones: Iterable[str]) -> dict[str, TrainConfig]:
    """The demo's runs of `backbones` from random starts, by name."""
    return {
        f"{paths.DEMO_PREFIX}{name}-random-start": _config_of(name, "none") for name in backbones
    }


def is_demo_here() -> bool:
    """Whether the demo was begun: one of its runs is here."""
    return bool(_list_mine(list_runs(paths.runs_folder())[0]))


def list_untrained(found: Sequence[Run]) -> list[WeightsState]:
    """The backbones of a demo that was begun which have no run, the smallest first.

    Those without ImageNet weights wait for them; the others can be trained.

    Args:
        found: The runs that are here.
    """
    mine = _list_mine(found)
    begun = {run.config.backbone for run in mine}
    return [each for each in _smallest_first() if each.backbone not in begun] if mine else []


def describe_waiting(waiting: Sequence[WeightsState], fetch: Fetch | None) -> str:
    """That backbones of the demo wait for their weights, why, and what to do.

    Args:
        waiting: At least one, without weights.
        fetch: The last fetch of weights.
    """
    titles = join([BACKBONES[each.backbone].title for each in waiting])
    wait = "waits for its weights" if len(waiting) == 1 else "wait for their weights"
    if fetch and fetch.state == "fetching":
        trained = "is trained" if len(waiting) == 1 else "are trained"
        return f"In the demo {titles} {wait} and {trained} when these are here."
    reasons = {fetch.reasons.get(each.backbone, "") for each in waiting} if fetch else set()
    why = "; ".join(sorted(reasons - {""})) or "not fetched yet"
    file = f"{waiting[0].backbone}.safetensors"
    return (
        f"In the demo {titles} {wait} ({why}); fetch them, or put {file}"
        f"{' and so on' if len(waiting) > 1 else ''} into the folder that BLASTLENS_WEIGHTS names."
    )


def _list_mine(found: Sequence[Run]) -> list[Run]:
    return [run for run in found if run.id.startswith(paths.DEMO_PREFIX)]


def _smallest_first() -> list[WeightsState]:
    states = list_weights(paths.weights_folder(), DEMO_BACKBONES)
    return sorted(states, key=lambda state: BACKBONES[state.backbone].parameters)


def _config_of(backbone: str, weights: Initialisation) -> TrainConfig:
    data = str(paths.demo_folder().resolve())
    return read_recipe("quick", data=data, backbone=backbone, input_px=INPUT_PX, weights=weights)


def read_progress(found: list[Run], *, now: float) -> DemoProgress | None:
    """How far the demo is; None where none of its runs is here.

    Args:
        found: The runs that are here.
        now: Seconds since the epoch.
    """
    done = total = 0
    expected = taken = left = 0.0
    for run in _list_mine(found):
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


def _list_and_say(on_message: Callable[[str], None]) -> dict[str, TrainConfig]:
    """The demo's runs; says which backbones are missing among them, and what to do."""
    configs = list_demo_runs()
    begun = {config.backbone for config in configs.values()}
    if waiting := [BACKBONES[name].title for name in DEMO_BACKBONES if name not in begun]:
        on_message(
            f"{join(waiting)} {'wait' if len(waiting) > 1 else 'waits'} for ImageNet weights: "
            "`python -m modelzoo weights --fetch` gets them and then trains, and "
            "`python -m modelzoo demo --from-scratch all` trains without."
        )
    return configs


def _prepare(
    wanted: dict[str, TrainConfig], *, on_progress: OnProgress, on_message: Callable[[str], None]
) -> list[Run]:
    """Make the smears where there are none; the runs that are not done, new ones among them."""
    left = []
    # A fetch queues the runs whose weights it brought, perhaps while a person starts the demo.
    with FileLock(make_folder(paths.home()) / LOCK):
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
