"""The status that a running training writes, and the signals that stop it. No torch."""

import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Protocol, Self

from modelzoo.errors import UserError
from modelzoo.files import is_regular_file, read_text
from modelzoo.runs.file_names import CONFIG, NOW, STOP
from modelzoo.runs.status import (
    HEARTBEAT_SECONDS,
    State,
    Status,
    Stopping,
    this_process,
    write_status,
)

# A page that asked a training to stop shows that it was heard: sooner than the next beat.
LISTEN_SECONDS = 0.2
MOST_BYTES = 100  # of the file STOP


class StopRequestedError(BaseException):
    """Somebody asked this training to stop now.

    As KeyboardInterrupt it is no Exception: a signal raises it anywhere, and libraries catch those,
    such as around an import that may fail.
    """


class RunGoneError(UserError):
    """The folder of the run was deleted or renamed while it trained."""


class Reports(Protocol):
    """What a training tells how far it is, and what tells it to stop."""

    @property
    def stop_after_epoch(self) -> bool:
        """Whether somebody asked to stop once the epoch is finished."""

    def report(self, phase: str, done: int, total: int, **changes: Any) -> None:
        """Say how far `phase` is; a StopRequestedError ends the training."""


class Unheard:
    """The reports of a process that only computes: another writes the run's status."""

    stop_after_epoch = False

    def report(self, phase: str, done: int, total: int, **changes: Any) -> None:
        """Nothing."""


class Heartbeat:
    """Writes the run's status every few seconds, and turns signals into a clean stop.

    SIGTERM and Ctrl-C stop at the next batch, SIGUSR1 and the file STOP in the run's folder, for
    clusters that send no such signal, after the current epoch, or at the next batch where it says
    NOW. Use with `with`; signals are caught only where the caller is the main thread.
    """

    def __init__(
        self,
        path: Path,
        *,
        epochs: int,
        epoch: int = 0,
        device: str = "",
        is_shared: bool = False,
        on_progress: Callable[[Status], None] | None = None,
    ) -> None:
        self._is_shared = is_shared
        self.stop_after_epoch = False
        self._stop_now = False
        self._path = path
        self._on_progress = on_progress
        self._was_gone = False
        self._status = Status(
            state="training", device=device, epoch=epoch, epochs=epochs, **this_process()
        )
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._former_handlers: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number, handler in (
                (signal.SIGTERM, self._on_stop),
                (signal.SIGINT, self._on_stop),
                (signal.SIGUSR1, self._on_stop_after_epoch),
            ):
                self._former_handlers[number] = signal.signal(number, handler)
        (self._path / STOP).unlink(missing_ok=True)  # of a former training
        self._write()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        for number, handler in self._former_handlers.items():
            signal.signal(number, handler)

    def report(self, phase: str, done: int, total: int, **changes: Any) -> None:
        """Say how far `phase` is; `changes` are other fields of Status.

        Raises:
            StopRequestedError: Somebody asked to stop now.
            RunGoneError: The run has no folder any more.
        """
        with self._lock:
            is_new_phase = phase != self._status.phase
            progress = done / total if total else 0.0
            self._status = replace(self._status, phase=phase, progress=progress, **changes)
        if is_new_phase:
            self._write()
        if self._was_gone:
            raise self.gone()
        if self._on_progress:
            self._on_progress(self._status)
        if self._stop_now:
            raise StopRequestedError

    def gone(self) -> RunGoneError:
        """What is said when the folder of the run was deleted or renamed."""
        return RunGoneError(
            f"The folder {self._path} was deleted or renamed while its run trained, so the "
            "training has ended."
        )

    @property
    def is_gone(self) -> bool:
        """Whether the run has no folder any more."""
        return not is_regular_file(self._path / CONFIG)

    def end(self, state: State, *, error: str = "") -> Status:
        """Say how it ended; nothing is written after that."""
        self._ended.set()
        self._thread.join()
        (self._path / STOP).unlink(missing_ok=True)
        with self._lock:
            self._status = replace(self._status, state=state, error=error, seconds_left=None)
        self._write()
        return self._status

    @property
    def _stopping(self) -> Stopping:
        if self._stop_now:
            return "now"
        return "after this epoch" if self.stop_after_epoch else ""

    def _beat(self) -> None:
        written = time.monotonic()
        while not self._ended.wait(LISTEN_SECONDS):
            if is_regular_file(self._path / STOP):
                self._read_stop()
            is_heard = self._status.stopping == self._stopping
            if is_heard and time.monotonic() - written < HEARTBEAT_SECONDS:
                continue
            written = time.monotonic()
            with suppress(UserError):  # a full disk: the next one may find room
                self._write()

    def _read_stop(self) -> None:
        with suppress(OSError, UserError):  # taken away meanwhile
            if read_text(self._path / STOP, most=MOST_BYTES).strip() == NOW:
                self._stop_now = True
            else:
                self.stop_after_epoch = True

    def _write(self) -> None:
        # Never into a folder without a config: that is no run any more, and would look like one.
        if self.is_gone:
            self._was_gone = True
            return
        with self._lock:
            stopping: Stopping = self._stopping if self._status.state == "training" else ""
            self._status = replace(self._status, heartbeat=time.time(), stopping=stopping)
            write_status(self._path, self._status)

    def _on_stop(self, number: int, frame: FrameType | None) -> None:
        # Asked twice: the person does not want to wait for the batch.
        # Where several processes train the run, torchrun passes a signal on that came here, too.
        if self._stop_now and not self._is_shared:
            raise KeyboardInterrupt
        self._stop_now = True

    def _on_stop_after_epoch(self, number: int, frame: FrameType | None) -> None:
        self.stop_after_epoch = True
