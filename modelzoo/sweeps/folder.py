"""The folder of a sweep, `.sweeps/NAME` in that of the runs: made, found, extended. No Optuna.

It is hidden beside the runs, so that no list shows it as one; its trials are run folders among
them, so that they wait in the same queue. It has `config.toml`, `status.json`, `log.txt` and the
lock of a run, which say what every trial shares and whether a process drives the sweep.
"""

import dataclasses
import os
import time
from dataclasses import dataclass
from pathlib import Path

from modelzoo.config.train_config import TrainConfig, format_config, read_config
from modelzoo.errors import UserError
from modelzoo.evaluation.metrics import METRICS
from modelzoo.files import make_folder, write_text
from modelzoo.runs.file_names import CONFIG
from modelzoo.runs.folder import Run, check_run_name, list_run_folders, publish_folder
from modelzoo.runs.lock import is_held
from modelzoo.runs.parse import format_record, parse_record
from modelzoo.runs.status import HOST, Status, read_status, write_status
from modelzoo.sweeps.ranges import Over, parse_all

FOLDER = ".sweeps"
SETTINGS_FILE = "sweep.json"
JOURNAL = "journal.jsonl"  # Optuna's: what was asked and told
# The loss by which a training chooses its epoch. It is proper, so the probabilities count, too, and
# it tells trials apart where a few validation images are right or wrong in all of them.
DEFAULT_METRIC = "log_loss"
MOST_TRIALS = 10_000
MOST_NAME = 80  # letters: that of a trial is longer


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a sweep tries and how it is judged; sweep.json."""

    over: list[str]  # as `ranges.parse_over` reads them
    metric: str  # of METRICS, on validation images
    trials: int  # how many there shall be in all


@dataclass(frozen=True, slots=True)
class Sweep:
    """A search over settings of a training, as its folder says."""

    path: Path
    config: TrainConfig  # what all trials share
    settings: Settings
    over: tuple[Over, ...]

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def runs(self) -> Path:
        """The folder of the runs, and so of the trials."""
        return self.path.parent.parent

    @property
    def run(self) -> Run:
        """The folder as what a process works at, has a lock and a status."""
        return Run(self.path, self.config)

    def trial_name(self, number: int) -> str:
        """The name of a trial's run."""
        return f"{self.name}-trial-{number:03d}"


def settle_sweep(
    runs: Path,
    name: str,
    config: TrainConfig,
    over: tuple[Over, ...],
    *,
    metric: str = DEFAULT_METRIC,
    trials: int,
) -> Sweep:
    """The sweep `name` in `runs`, made where it is not there, else with so many trials in all.

    Raises:
        UserError: The name, metric or number cannot be used, or such a sweep is there with other
            settings.
    """
    check_settings(name, metric, trials)
    settings = Settings(over=[str(each) for each in over], metric=metric, trials=trials)
    path = runs / FOLDER / name
    if not os.path.lexists(path):
        return _make(path, config, settings)
    found = open_sweep(path)
    before, now = dataclasses.asdict(found.config), dataclasses.asdict(config)
    changed = [key for key in now if before[key] != now[key]]
    changed += ["--over"] * (found.settings.over != settings.over)
    changed += ["--metric"] * (found.settings.metric != metric)
    if changed:
        raise UserError(
            f"Sweep {name!r} is there with other settings ({', '.join(changed)}); give another "
            "name, or only this one to go on with it."
        )
    return extend_sweep(found, trials)


def extend_sweep(sweep: Sweep, trials: int) -> Sweep:
    """The sweep with so many trials in all, which its folder says from now on.

    Raises:
        UserError: The number cannot be used.
    """
    check_settings(sweep.name, sweep.settings.metric, trials)
    settings = dataclasses.replace(sweep.settings, trials=trials)
    if settings != sweep.settings:
        write_text(sweep.path / SETTINGS_FILE, format_record(settings))
        status = read_sweep_status(sweep)
        if status.state == "done":  # no more: a process may be started for the rest
            write_status(sweep.path, dataclasses.replace(status, state="stopped"))
    return dataclasses.replace(sweep, settings=settings)


def check_settings(name: str, metric: str, trials: int) -> None:
    """Pass where a sweep can have this name, metric and number of trials.

    Raises:
        UserError: One of them cannot be used.
    """
    if len(check_run_name(name)) > MOST_NAME:
        raise UserError(f"Sweep name {name!r} is too long; give at most {MOST_NAME} letters.")
    if metric not in METRICS:
        raise UserError(f"Metric {metric!r} is unknown; give one of {', '.join(METRICS)}.")
    if not 1 <= trials <= MOST_TRIALS:
        raise UserError(f"{trials} trials cannot be made; give 1 to {MOST_TRIALS:,}.")


def _make(path: Path, config: TrainConfig, settings: Settings) -> Sweep:
    """Make the folder of a sweep, as a whole or not at all."""
    runs = path.parent.parent
    prefix = f"{path.name}-trial-"
    if taken := [each for each in list_run_folders(runs) if each.startswith(prefix)]:
        raise UserError(
            f"Run {taken[0]!r} has a name that trials of sweep {path.name!r} would have; give the "
            "sweep another name."
        )
    make_folder(path.parent)
    unfinished = make_folder(path.with_name(f".{path.name}.{os.getpid()}"))
    write_text(unfinished / CONFIG, format_config(config))
    write_text(unfinished / SETTINGS_FILE, format_record(settings))
    now = time.time()
    write_status(unfinished, Status(state="stopped", queued=now, heartbeat=now, host=HOST))
    publish_folder(unfinished, path)
    return open_sweep(path)


def open_sweep(path: Path) -> Sweep:
    """The sweep in folder `path`.

    Raises:
        UserError: There is none, or it is damaged.
    """
    if not path.is_dir():
        names = ", ".join(list_sweeps(path.parent.parent)) or "none is there"
        raise UserError(f"Sweep {path.name!r} was not found among {names}; give --data to make it.")
    config = read_config(path / CONFIG)
    settings = parse_record(path / SETTINGS_FILE, Settings)
    check_settings(path.name, settings.metric, settings.trials)
    return Sweep(path, config, settings, parse_all(settings.over, config))


def find_sweep(runs: Path, name: str) -> Sweep:
    """The sweep `name` in the folder of the runs.

    Raises:
        UserError: As of `open_sweep`.
    """
    return open_sweep(runs / FOLDER / check_run_name(name))


def list_sweeps(runs: Path) -> list[str]:
    """The names of the sweeps in the folder of the runs, damaged ones too, the newest first."""
    try:
        found = list_run_folders(runs / FOLDER)
        ages = {name: -(path / CONFIG).stat().st_mtime for name, path in found.items()}
    except (UserError, OSError):
        return []
    return sorted(ages, key=lambda name: (ages[name], name))


def read_sweep_status(sweep: Sweep) -> Status:
    """Whether a process drives the sweep, and how its last one ended.

    Raises:
        UserError: The file is damaged.
    """
    return read_status(sweep.path, now=time.time())


def require_free(sweep: Sweep) -> None:
    """Pass where no other process drives the sweep.

    Raises:
        UserError: One does: two would ask for the same trials.
    """
    if is_held(sweep.path) or read_sweep_status(sweep).state in ("queued", "training"):
        raise UserError(
            f"Sweep {sweep.name!r} is driven by another process; wait for it, or stop it first."
        )
