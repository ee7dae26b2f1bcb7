"""Runs as processes of this machine: start, stop, and nothing kept in mind. No torch.

What the engine of this machine is made of (`local_queue.py`), and searches and fetches, too.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from modelzoo import paths
from modelzoo.errors import UserError
from modelzoo.files import explain_error, open_to_append
from modelzoo.runs.file_names import LOG
from modelzoo.runs.folder import Run
from modelzoo.runs.status import is_on_this_machine, name_process, read_status, write_status

ROOT = Path(__file__).parents[2]
PYTHON = (sys.executable, "-m", "modelzoo")
START_LOCK = ".start"  # in the run's folder
LEAVE_SECONDS = 5.0  # what a process may take to leave the queue, or to say that it will stop
HEARD_SECONDS = 0.05  # between two looks whether it has


def command(run: Run, *, store: Path, device: str, verb: Sequence[str] = ("resume",)) -> list[str]:
    """The command that trains `run`, as arguments; never a shell string."""
    path, folder = str(run.path.resolve()), str(store.resolve())
    return [*PYTHON, *verb, path, "--store", folder, "--device", device]


def start(run: Run, *, store: Path, device: str, verb: Sequence[str] = ("resume",)) -> None:
    """Queue `run` on `device`, in a process that outlives this one.

    What it prints goes to the run's log.txt: a pipe that nobody drains would freeze it.

    Args:
        run: New, or interrupted.
        store: Folder of results that can be made again.
        device: torch's name of it: "cpu", "cuda:1".
        verb: Of the command, before the run's folder.

    Raises:
        UserError: It is queued, training or done, or its log cannot be written.
    """
    with _starting(run):
        now = time.time()
        status = read_status(run.path, now=now)
        # A run that was just made is queued in nobody's name, or in that of who makes several.
        is_queued = status.state == "queued" and status.pid not in (0, os.getpid())
        if is_queued or status.state in ("training", "done"):
            raise UserError(f"Run {run.id!r} is {status.state}; there is nothing to start.")
        pid = start_detached(command(run, store=store, device=device, verb=verb), run.path / LOG)
        # In the name of the process, which says the same once Python has begun: a run that is
        # stopped or killed before that is known by its process too.
        queued = replace(status, state="queued", device=device, queued=now, error="")
        write_status(run.path, replace(queued, **name_process(pid)))


@contextmanager
def _starting(run: Run) -> Iterator[None]:
    """One at a time: two tabs that read the status at the same moment would both start it.

    The run's own lock is not held: the process that is started takes it.
    """
    lock = FileLock(run.path / START_LOCK, timeout=LEAVE_SECONDS)
    try:
        lock.acquire()
    except Timeout:
        raise UserError(
            f"Run {run.id!r} is being started by another process; look again in a few seconds."
        ) from None
    except OSError as error:
        raise explain_error(error, run.path / START_LOCK) from error
    try:
        yield
    finally:
        lock.release()


def start_detached(arguments: Sequence[str], log: Path) -> int:
    """Start a process that outlives this one, its output appended to `log`; returns its id.

    Raises:
        UserError: `log` cannot be written, or is no regular file.
    """
    # Given relative to this process's folder, which is not the other's.
    environment = os.environ | {"BLASTLENS_HOME": str(paths.home().resolve())}
    if weights := paths.weights_folder():
        environment["BLASTLENS_WEIGHTS"] = str(weights.resolve())
    with open_to_append(log) as out:
        process = subprocess.Popen(
            arguments,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    # Somebody must ask how it ended, or it stays in the system's table while this process lives.
    threading.Thread(target=process.wait, daemon=True).start()
    return process.pid


def stop(run: Run, *, after_epoch: bool = False) -> None:
    """Ask the process that trains `run` to stop at the next batch, or after this epoch.

    Returns when the process has heard it, so that whoever reads the status then sees it. A run that
    waits for its turn leaves the queue at once.

    Raises:
        UserError: It is neither queued nor training, or not on this machine.
    """
    status = read_status(run.path, now=time.time())
    if status.state not in ("queued", "training"):
        raise UserError(
            f"Run {run.id!r} is {status.state}, not training; there is nothing to stop."
        )
    if not is_on_this_machine(status):
        raise UserError(f"Run {run.id!r} trains on {status.host}; stop it there.")
    is_waiting = status.state == "queued"
    if is_waiting and not status.device:
        raise UserError(f"Run {run.id!r} is being made; try again in a few seconds.")
    if status.pid:
        number = signal.SIGUSR1 if after_epoch and not is_waiting else signal.SIGTERM
        with suppress(ProcessLookupError):  # it has ended meanwhile
            os.kill(status.pid, number)
    if not is_waiting:
        _wait_until_heard(run)
    else:
        _wait_until_gone(status.pid)
        status = read_status(run.path, now=time.time())
        # Where it was stopped before it could hear signals, it has said nothing itself.
        if status.state == "failed":
            write_status(run.path, replace(status, state="stopped", error=""))


def _wait_until_heard(run: Run) -> None:
    """Return when the status says that the run stops or has stopped, or after a while."""
    until = time.monotonic() + LEAVE_SECONDS
    while time.monotonic() < until:
        status = read_status(run.path, now=time.time())
        if status.state != "training" or status.stopping:
            return
        time.sleep(HEARD_SECONDS)


def _wait_until_gone(pid: int) -> None:
    with suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
        if pid:
            psutil.Process(pid).wait(LEAVE_SECONDS)
