"""Making, finding and deleting run folders. No torch, no Streamlit."""

import os
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from modelzoo.config.train_config import TrainConfig, format_config, read_config
from modelzoo.errors import UserError
from modelzoo.files import is_folder, is_regular_file, make_folder, write_text
from modelzoo.runs.file_names import CONFIG, MODELS
from modelzoo.runs.lock import is_held
from modelzoo.runs.parse import is_encodable
from modelzoo.runs.status import HOST, Status, read_status, write_status
from modelzoo.runs.trial import Trial, is_trial, write_trial


@dataclass(frozen=True, slots=True)
class Run:
    """One training and all it left, as its folder says. Files are read when asked for."""

    path: Path
    config: TrainConfig

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def has_model(self) -> bool:
        """Whether it has a trained network, the last layer of one, or joins several runs."""
        return any(map(self.has, MODELS))

    def has(self, file_name: str) -> bool:
        """Whether the run has left that file."""
        return is_regular_file(self.path / file_name)


def check_run_name(name: str) -> str:
    """`name`, when it can be a folder's name.

    Raises:
        UserError: It is empty, too long, or holds anything but letters, digits and . _ -
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        raise UserError(
            f"Run name {name!r} cannot be used; give up to 100 letters, digits, dots, hyphens or "
            "underscores, the first a letter or digit."
        )
    return name


def check_run_is_free(runs: Path, name: str) -> Path:
    """The folder that the run `name` would have in `runs`.

    Raises:
        UserError: The name cannot be used, or such a run is there already.
    """
    path = runs / check_run_name(name)
    if os.path.lexists(path):
        raise UserError(f"Run {name!r} is already in {runs}; give another name, or resume it.")
    return path


def create_run(runs: Path, name: str, config: TrainConfig, trial: Trial | None = None) -> Run:
    """Make `runs/name` with its config and the status `queued`; marked, where it is a trial.

    Raises:
        UserError: The name cannot be used, or such a run is there already.
    """
    path = check_run_is_free(runs, name)
    # Under a name that no list of runs shows: a run is there with its config, or not at all.
    unfinished = make_folder(runs / f".{name}.{os.getpid()}")
    write_text(unfinished / CONFIG, format_config(config))
    if trial:
        write_trial(unfinished, trial)
    now = time.time()
    write_status(unfinished, Status(state="queued", queued=now, heartbeat=now, host=HOST))
    publish_folder(unfinished, path)
    return Run(path, config)


def publish_folder(unfinished: Path, path: Path) -> None:
    """Give a folder that was made under a hidden name its own: it is there whole, or not at all.

    Raises:
        UserError: Another process took the name meanwhile; `unfinished` is removed.
    """
    try:
        unfinished.rename(path)
    except OSError as error:
        shutil.rmtree(unfinished)
        raise UserError(
            f"{path} could not be made ({error.strerror}); give another name."
        ) from error


def delete_run(path: Path) -> None:
    """Remove the run in folder `path`, which may be damaged, with all that is in it.

    Raises:
        UserError: It is queued or training, or its folder cannot be removed.
    """
    _require_at_rest(path, "deleted")
    # Under a name that no list of runs shows first: it is there as a whole, or gone.
    gone = path.with_name(f".{path.name}.deleted-{os.getpid()}")
    try:
        if path.is_symlink():  # what it points to is not this folder's
            path.unlink()
            return
        path.rename(gone)
        shutil.rmtree(gone)
    except OSError as error:
        left = gone if gone.exists() else path
        raise UserError(
            f"Run {path.name!r} could not be deleted ({error.strerror}); remove {left} by hand."
        ) from error


def rename_run(path: Path, name: str) -> Path:
    """Give the run in folder `path`, which may be damaged, another name beside it; its new folder.

    Raises:
        UserError: The name cannot be used or is taken, or the run is queued or training.
    """
    _require_at_rest(path, "renamed")
    renamed = check_run_is_free(path.parent, name)
    try:
        path.rename(renamed)
    except OSError as error:
        raise UserError(
            f"Run {path.name!r} could not be renamed ({error.strerror}); give another name."
        ) from error
    return renamed


def _require_at_rest(path: Path, what: str) -> None:
    """Raise a UserError where the run is queued or training.

    One whose status is damaged is at rest unless a process holds its lock.
    """
    try:
        state = read_status(path, now=time.time()).state
    except UserError:
        state = "failed"
    if state in ("queued", "training"):
        raise UserError(f"Run {path.name!r} is {state}; stop it before it is {what}.")
    # Also a process that ends, or begins, and has not said so yet.
    if is_held(path):
        raise UserError(
            f"Run {path.name!r} is held by a process that trains it; stop it before it is {what}."
        )


def read_run(path: Path) -> Run:
    """The run in folder `path`.

    Raises:
        UserError: It is no run folder, or its config is damaged.
    """
    if not is_folder(path):
        raise UserError(
            f"Run {path} was not found; `python -m modelzoo runs` lists those there are."
        )
    if not is_encodable(str(path)):
        raise UserError(
            f"Run {path.name.encode(errors='backslashreplace').decode()} has a name that is not "
            "UTF-8; rename its folder."
        )
    return Run(path, read_config(path / CONFIG))


def list_runs(runs: Path) -> tuple[list[Run], dict[str, str]]:
    """The runs in folder `runs` by name, and a sentence for each folder that cannot be read.

    Whatever one folder holds, the others are listed. Trials of sweeps are not: `list_trials`.
    """
    return _read_all(runs, are_trials=False)


def list_trials(runs: Path) -> list[Run]:
    """The trials of all sweeps in folder `runs` by name, damaged ones not: no test part was used.

    They may be compared with nothing that was tested, so no list of runs has them.
    """
    return _read_all(runs, are_trials=True)[0]


def count_trials(runs: Path) -> int:
    """How many folders in `runs` are trials, damaged ones too."""
    try:
        return sum(map(is_trial, list_run_folders(runs).values()))
    except UserError:  # who lists the runs says so
        return 0


def _read_all(runs: Path, *, are_trials: bool) -> tuple[list[Run], dict[str, str]]:
    """The trials or the other runs in a folder, and a sentence for each that cannot be read."""
    try:
        folders = list_run_folders(runs)
    except UserError as error:
        return [], {str(runs): str(error)}
    folders = {name: path for name, path in folders.items() if is_trial(path) is are_trials}
    found: list[Run] = []
    damaged: dict[str, str] = {}
    for name, path in folders.items():
        try:
            found.append(read_run(path))
        except UserError as error:
            damaged[name] = str(error)
    return found, damaged


def list_run_folders(runs: Path) -> dict[str, Path]:
    """The folders in `runs` that are runs, damaged or not, by their names as they can be written.

    Raises:
        UserError: `runs` cannot be read.
    """
    try:
        paths = sorted(path for path in runs.iterdir() if not path.name.startswith("."))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UserError(f"{runs} could not be read ({error.strerror}).") from error
    return {
        path.name.encode(errors="backslashreplace").decode(): path
        for path in filter(is_folder, paths)
    }
