"""What the other processes of a run on several do: they compute, and write nothing of the run."""

import logging
import signal
import threading
import time
from pathlib import Path

from modelzoo.errors import UserError
from modelzoo.runs.file_names import PRECISION, SPLIT
from modelzoo.runs.folder import Run
from modelzoo.runs.status import HOST
from modelzoo.training.distributed import meet
from modelzoo.training.environment import pick_device
from modelzoo.training.heartbeat import StopRequestedError, Unheard
from modelzoo.training.job import Job, describe_error
from modelzoo.training.memory import keep_freed_memory
from modelzoo.training.run import fit_task, load_backbone, open_data, open_task
from modelzoo.training.team import Team, find_place

LATE_SECONDS = 60.0  # that a shared file system may show late what another machine wrote
POLL_SECONDS = 0.2


def assist(run: Run, *, store: Path, weights_folder: Path | None, device: str, team: Team) -> None:
    """Train `run` with the first process, which alone says how that goes and writes what it gives.

    Returns when the first process ends the training, or needs nobody.

    Args:
        run: The one that the first process trains.
        store: Folder of results that can be made again.
        weights_folder: Local ImageNet weights, or None.
        device: "auto", "cpu", "cuda".
        team: This is not its first process.

    Raises:
        UserError: This process cannot go on, which the first is told, or another has ended.
    """
    logging.getLogger("modelzoo").addHandler(logging.NullHandler())  # the first process says it
    if run.config.mode == "frozen":
        return
    with meet(team) as meeting:
        assert meeting
        try:
            if meeting.wait():
                place = pick_device(find_place(team, device))
                _train(Job(run, Unheard(), store, place, meeting), weights_folder)
        except StopRequestedError:
            return
        except Exception as error:
            if meeting.explain(error) is not error:  # another's end ended this one
                raise
            sentence = describe_error(error, run.config)
            meeting.tell(sentence)
            raise UserError(sentence) from error


def _train(job: Job, weights_folder: Path | None) -> None:
    _wait_for_files(job.run)
    keep_freed_memory()
    dataset, split, pixels = open_data(job)
    backbone, weights = load_backbone(job, dataset, weights_folder)
    task = open_task(job, backbone, weights, dataset, split, pixels)
    _leave_signals_to_the_first()
    fit_task(job, task)


def _wait_for_files(run: Run) -> None:
    """Return when what the first process has settled is seen here.

    Raises:
        UserError: It is not after a while, so the folder is another one.
    """
    until = time.monotonic() + LATE_SECONDS
    while not (run.has(SPLIT) and run.has(PRECISION)):
        if time.monotonic() > until:
            raise UserError(
                f"What the first process wrote into {run.path} is not seen on {HOST}; share the "
                "folder of the runs with all machines."
            )
        time.sleep(POLL_SECONDS)


def _leave_signals_to_the_first() -> None:
    """Ignore what asks to stop: all must stop at the same batch, and the first says at which."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            signal.signal(number, signal.SIG_IGN)
