"""Runs as processes of their own: start, stop, and nothing kept in mind. No torch.

This small interface is what a cluster's scheduler may stand behind one day.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from modelzoo import runs
from modelzoo.errors import UserError
from modelzoo.runs import Run


def command(run: Run, *, store: Path, device: str = "auto") -> list[str]:
    """The command that trains `run`, as arguments; never a shell string."""
    return [
        sys.executable,
        "-m",
        "modelzoo",
        "resume",
        str(run.path.resolve()),
        "--store",
        str(store.resolve()),
        "--device",
        device,
    ]


def start(run: Run, *, store: Path, device: str = "auto") -> int:
    """Train `run` in a process that outlives this one; returns its id.

    What it prints goes to the run's log.txt: a pipe that nobody drains would freeze it.
    """
    with (run.path / runs.LOG).open("ab") as log:
        process = subprocess.Popen(
            command(run, store=store, device=device),
            cwd=Path(__file__).parents[2],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return process.pid


def stop(run: Run, *, after_epoch: bool = False) -> None:
    """Ask the process that trains `run` to stop at the next batch, or after this epoch.

    Raises:
        UserError: It is not training, or not on this machine.
    """
    status = runs.read_status(run.path, now=time.time())
    if status.state != "training":
        raise UserError(
            f"Run {run.id!r} is {status.state}, not training; there is nothing to stop."
        )
    if not runs.is_on_this_machine(status):
        raise UserError(f"Run {run.id!r} trains on {status.host}; stop it there.")
    os.kill(status.pid, signal.SIGUSR1 if after_epoch else signal.SIGTERM)
