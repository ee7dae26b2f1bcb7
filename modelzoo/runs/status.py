"""What a run is doing, as its own process last wrote, and whether that process still lives."""

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol

import psutil

from modelzoo.config.train_config import Mode
from modelzoo.errors import UserError
from modelzoo.files import is_regular_file, write_text
from modelzoo.runs.file_names import STATUS, SUBMISSION
from modelzoo.runs.parse import format_record, parse_record

State = Literal["queued", "training", "done", "stopped", "failed"]
Stopping = Literal["", "now", "after this epoch"]

# What is counted by the second. With a frozen backbone only the last layer is trained, on features
# that were computed before.
PACE_WORDS: Mapping[Mode, str] = {
    "finetune": "images",
    "norms": "images",
    "frozen": "cached features",
}
HEARTBEAT_SECONDS = 2.0
LATEST = 2.0**32  # seconds since the epoch: the year 2106, beyond which a clock was wrong
HOST = socket.gethostname()
SILENCE_SECONDS = 45.0  # a run on another machine that has been silent this long is taken for dead


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What a run is doing, as its own process last wrote."""

    state: State
    device: str = ""  # torch's name of what it trains on, or waits for
    queued: float = 0.0  # seconds since the epoch: who came first is trained first
    pid: int = 0
    process_started: float = 0.0  # seconds since the epoch; ids of processes are reused
    host: str = ""
    heartbeat: float = 0.0  # seconds since the epoch
    phase: str = ""  # in words, for people: "reading images", "training"
    progress: float = 0.0  # share of the phase, [0, 1]
    epoch: int = 0  # epochs finished
    epochs: int = 0  # at most
    images_per_second: float = 0.0  # as PACE_WORDS says
    seconds_left: float | None = None
    error: str = ""  # one sentence, when failed
    stopping: Stopping = ""  # what a person asked for and the training has heard, until it ends


def write_status(path: Path, status: Status) -> None:
    """Write the status of the run in folder `path`."""
    write_text(path / STATUS, format_record(status))


def read_status(path: Path, *, now: float) -> Status:
    """The status of the run in folder `path`; `failed` where its process is gone.

    Args:
        path: The run's folder.
        now: Seconds since the epoch.

    Raises:
        UserError: The file is missing or damaged.
    """
    status = read_written_status(path)
    if status.state == "queued" and not status.pid and is_regular_file(path / SUBMISSION):
        return status  # a scheduler has it, which alone knows for how long
    if status.state in ("queued", "training") and not is_alive(status, now=now):
        return replace(
            status,
            state="failed",
            error="The process ended without a word (killed, or the machine went down); "
            "what it had saved is kept, and the run can be resumed.",
        )
    return status


def read_written_status(path: Path) -> Status:
    """The status of the run in folder `path` as it was last written, whoever lives.

    Raises:
        UserError: The file is missing or damaged.
    """
    return parse_record(path / STATUS, Status)


def read_date(path: Path) -> float:
    """When the run in folder `path` was last queued, in seconds since the epoch.

    Where its status does not say, when its folder was last changed; 0 where that is gone, or was
    changed under a clock that was wrong.
    """
    try:
        status = read_written_status(path)
        seconds = status.queued or status.heartbeat
    except UserError:
        seconds = 0.0
    if not 0 < seconds < LATEST:
        with suppress(OSError):
            seconds = path.stat().st_mtime
    return seconds if 0 < seconds < LATEST else 0.0


def name_process(pid: int) -> dict[str, Any]:
    """The fields of `Status` that name a process of this machine, heard of just now."""
    return {
        "pid": pid,
        "process_started": psutil.Process(pid).create_time(),
        "host": HOST,
        "heartbeat": time.time(),
    }


def this_process() -> dict[str, Any]:
    """The fields of `Status` that name the calling process."""
    return name_process(os.getpid())


class NamesProcess(Protocol):
    """A record with the fields of `this_process`."""

    @property
    def pid(self) -> int:
        """Of the process that wrote it; 0: of none."""

    @property
    def process_started(self) -> float:
        """In seconds since the epoch; ids of processes are reused."""

    @property
    def host(self) -> str:
        """The machine's name."""

    @property
    def heartbeat(self) -> float:
        """When it was last written, in seconds since the epoch."""


def is_on_this_machine(status: NamesProcess) -> bool:
    """Whether the process that wrote `status` runs, or ran, here."""
    return status.host == HOST


def is_alive(status: NamesProcess, *, now: float) -> bool:
    """Whether the process that wrote `status` still runs; elsewhere, whether it wrote lately.

    A heartbeat from the future was written by a clock that is wrong, and would last for ever.
    """
    if not is_on_this_machine(status) or not status.pid:
        return abs(now - status.heartbeat) < SILENCE_SECONDS
    try:
        process = psutil.Process(status.pid)
        # The clock behind create_time may be stepped by a second while a machine runs.
        same = abs(process.create_time() - status.process_started) < 2
        return same and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, OverflowError):  # the latter: no process has such an id
        return False
