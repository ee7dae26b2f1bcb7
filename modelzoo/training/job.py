"""What is done in the name of a run: under its lock, with its status, its log and its sentences."""

import io
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch

from modelzoo.config.train_config import TrainConfig
from modelzoo.errors import UserError
from modelzoo.files import open_to_append
from modelzoo.parallel import Progress
from modelzoo.runs.file_names import LOG
from modelzoo.runs.folder import Run
from modelzoo.runs.lock import hold_run
from modelzoo.runs.records import PrecisionRecord
from modelzoo.runs.status import Status, read_written_status
from modelzoo.training.distributed import Meeting
from modelzoo.training.environment import pick_device
from modelzoo.training.heartbeat import Heartbeat, Reports, StopRequestedError
from modelzoo.training.memory import keep_freed_memory
from modelzoo.training.team import ALONE, Team

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Job:
    """What the steps of one training share."""

    run: Run
    heartbeat: Reports
    store: Path
    device: torch.device
    meeting: Meeting | None = None  # with the other processes that train the run, if any
    features: Literal["", "computed", "cached"] = ""
    notes: list[str] = field(default_factory=list)  # what was done otherwise than the config says
    precision: PrecisionRecord = field(
        default_factory=lambda: PrecisionRecord(training="float32", features="float32")
    )
    seconds: "Stopwatch" = field(default_factory=lambda: Stopwatch())

    @property
    def team(self) -> Team:
        """The processes that train the run together."""
        return self.meeting.team if self.meeting else ALONE

    def on_progress(self, phase: str) -> Progress:
        """What to call with the work done in `phase`, and how much there is."""
        return lambda done, total: self.heartbeat.report(phase, done, total)


def do_in_run(
    run: Run,
    work: Callable[[Job], None],
    *,
    store: Path,
    device: str,
    on_progress: Callable[[Status], None] | None,
    is_shared: bool = False,
) -> Status:
    """Do `work` in the name of `run`, whose status and log say how it goes and ends.

    Args:
        run: Nobody else works at it meanwhile.
        work: Reports to the job's heartbeat, by which it is stopped.
        store: Folder of results that can be made again.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        on_progress: Called with every change of the run's status.
        is_shared: Other processes train it, too, and what started them passes signals on.

    Returns:
        The last status: `done` or `stopped`.

    Raises:
        UserError: It failed; the status says the same sentence.
    """
    place = pick_device(device)
    keep_freed_memory()
    with (
        hold_run(run),
        _log_to(run.path / LOG),
        Heartbeat(
            run.path,
            epochs=run.config.epochs,
            epoch=_epochs_before(run),
            device=str(place),
            is_shared=is_shared,
            on_progress=on_progress,
        ) as heartbeat,
    ):
        try:
            work(Job(run, heartbeat, store, place))
            return heartbeat.end("done")
        except (StopRequestedError, KeyboardInterrupt):  # the latter when asked twice
            log.info("stopped; resume to go on after the last whole epoch")
            return heartbeat.end("stopped")
        except BaseException as error:
            if heartbeat.is_gone:
                raise heartbeat.gone() from error
            sentence = describe_error(error, run.config)
            heartbeat.end("failed", error=sentence)
            log.exception("failed")
            if isinstance(error, UserError) or not isinstance(error, Exception):
                raise
            raise UserError(sentence) from error


def _epochs_before(run: Run) -> int:
    """Epochs that the run had finished when it was interrupted."""
    try:
        return read_written_status(run.path).epoch
    except UserError:  # damaged: the checkpoint says it when the training begins
        return 0


def describe_error(error: BaseException, config: TrainConfig) -> str:
    """What happened and what to do, in one sentence."""
    if isinstance(error, UserError):
        return str(error)
    out_of_memory = isinstance(error, MemoryError | torch.OutOfMemoryError)
    # What PyTorch says on a CPU, where it has no error class of its own for it.
    if out_of_memory or "can't allocate memory" in str(error):
        return (
            f"Memory ran out with batches of {config.batch_size} images of {config.px} px; "
            "the last whole epoch is kept, train again with a smaller batch size."
        )
    reason = str(error).strip().split("\n")[0] or "no reason given"
    return f"Training ended with {type(error).__name__} ({reason}); the run's log.txt has the rest."


@contextmanager
def _log_to(file: Path) -> Iterator[None]:
    """Let what the trainer logs go to `file` as well.

    Raises:
        UserError: It cannot be written, or is no regular file.
    """
    out = io.TextIOWrapper(open_to_append(file), encoding="utf-8", errors="backslashreplace")
    handler = logging.StreamHandler(out)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    room = logging.getLogger("modelzoo")
    room.setLevel(logging.INFO)
    room.addHandler(handler)
    try:
        yield
    finally:
        room.removeHandler(handler)
        handler.close()
        out.close()


class Stopwatch:
    """Seconds by phase."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._since = time.perf_counter()

    def lap(self, phase: str) -> None:
        """Say that `phase` ends here."""
        now = time.perf_counter()
        self.laps[phase] = round(now - self._since, 3)
        self._since = now
