"""The engine of this machine: runs as processes that take turns on its devices. No torch."""

import shlex
import time
from collections.abc import Sequence
from pathlib import Path

from modelzoo.config.train_config import TrainConfig
from modelzoo.launching import local
from modelzoo.launching.target import Free, Job, Target
from modelzoo.runs.folder import Run
from modelzoo.runs.status import read_status
from modelzoo.runs.submission import Submission, remove_submission
from modelzoo.training.devices import find_device, list_devices


def check(target: Target) -> None:
    """Pass when the device is here."""
    find_device(target.device)


def describe(target: Target, paths: Sequence[Path], *, store: Path) -> str:
    """The command of each process."""
    device = find_device(target.device).name
    runs = (Run(path, TrainConfig()) for path in paths)
    return "\n".join(shlex.join(local.command(run, store=store, device=device)) for run in runs)


def submit(target: Target, runs: Sequence[Run], *, store: Path) -> list[str]:
    """Queue the runs on the target's device; the ids of their processes."""
    device = find_device(target.device).name
    jobs = []
    for run in runs:
        local.start(run, store=store, device=device)
        remove_submission(run.path)
        jobs.append(str(read_status(run.path, now=time.time()).pid))
    return jobs


def look(target: Target, jobs: Sequence[str]) -> dict[str, Job]:
    """Nothing: the status of a run of this machine names its process."""
    return {}


def stop(target: Target, run: Run, sent: Submission | None, *, after_epoch: bool) -> None:
    """Ask the process; see `local.stop`."""
    local.stop(run, after_epoch=after_epoch)


def read_log(target: Target, run: Run, sent: Submission | None) -> str:
    """Nothing: all that a process prints is in the run's log."""
    return ""


def list_free(target: Target) -> list[Free]:
    """The memory of each device."""
    return [
        Free(f"{each.name} ({each.title})", each.free_bytes / 1e9, each.total_bytes / 1e9, "GB")
        for each in list_devices()
    ]
