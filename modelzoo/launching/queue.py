"""Whose turn it is: no daemon, no database. No torch, so that waiting costs next to nothing.

Every run is a process that waits for the lock of its device; the operating system frees the lock
when a process dies, so a failed run never blocks the next. The order is when a run was queued, as
the statuses of the runs say.
"""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from types import FrameType
from typing import NoReturn

from filelock import FileLock, Timeout

from modelzoo.errors import UserError
from modelzoo.files import make_folder
from modelzoo.runs.folder import Run
from modelzoo.runs.lock import hold_run
from modelzoo.runs.status import Status, read_status, this_process, write_status
from modelzoo.training.heartbeat import StopRequestedError

LOCKS = ".locks"  # beside the runs; a hidden folder is no run
POLL_SECONDS = 0.5
SIGN_OF_LIFE_SECONDS = 15.0  # well within runs.SILENCE_SECONDS, for who looks from elsewhere


@contextmanager
def turn(
    run: Run,
    device: str,
    *,
    others: Sequence[str] = (),
    on_progress: Callable[[], object] = lambda: None,
    is_given: bool = False,
) -> Iterator[None]:
    """Wait until it is the run's turn on `device`, and hold the device until the block ends.

    SIGTERM, SIGUSR1 and Ctrl-C leave the queue; the run's status says `stopped` then.

    Args:
        run: Whose status is `queued` from now on, and `training` when its turn has come.
        device: torch's name of it: "cpu", "cuda:1".
        others: Devices that are held, too, as soon as all are free.
        on_progress: Called each time that the device was not free.
        is_given: A scheduler gave the device to this process: nobody else is on it, whatever the
            name it has for others of this machine.

    Raises:
        UserError: Another process trains this run.
        StopRequestedError: Somebody asked to stop before the training began.
    """
    with hold_run(run), _signals_raise():
        try:
            _join(run, device)
            if is_given:
                _begin(run, read_status(run.path, now=time.time()))
                yield
                return
            locks = [_device_lock(run, each) for each in (device, *others)]
            with _wait(run, locks, on_progress):
                yield
        except (StopRequestedError, KeyboardInterrupt):
            _write_stopped(run)
            raise StopRequestedError from None


def list_ahead(run: Run, status: Status, *, now: float) -> list[str]:
    """Ids of the runs that were queued for the same device before `run`, the next one first.

    Args:
        run: In the queue.
        status: Of `run`.
        now: Seconds since the epoch.
    """
    found = []
    for path in run.path.parent.iterdir():
        if path.name.startswith(".") or path == run.path:
            continue
        try:
            other = read_status(path, now=now)
        except UserError:  # no run, or a damaged one
            continue
        if other.state == "queued" and (other.device, other.host) == (status.device, status.host):
            found.append((other.queued, path.name))
    return [name for queued, name in sorted(found) if (queued, name) < (status.queued, run.id)]


@dataclass(frozen=True, slots=True)
class AtWork:
    """A run that trains or waits for its turn."""

    run: Run
    status: Status
    ahead: int  # runs that train or wait before it on its device; 0 when it trains itself


def list_at_work(found: Iterable[Run], *, now: float) -> list[AtWork]:
    """The runs that train, then those that wait in the order of their turns; damaged ones not.

    Args:
        found: Runs of one folder.
        now: Seconds since the epoch.
    """
    statuses = []
    for run in found:
        with suppress(UserError):
            status = read_status(run.path, now=now)
            if status.state in ("queued", "training"):
                statuses.append((run, status))
    statuses.sort(key=lambda each: (each[1].state == "queued", each[1].queued, each[0].id))
    seen: Counter[tuple[str, str]] = Counter()
    at_work = []
    for run, status in statuses:
        device = (status.host, status.device)
        # One without a process waits in a scheduler's queue, of which only that knows the order.
        is_here = status.state == "queued" and status.pid
        at_work.append(AtWork(run, status, seen[device] if is_here else 0))
        seen[device] += 1
    return at_work


def _join(run: Run, device: str) -> None:
    """Write that the run waits; it keeps the place that it was given when it was launched."""
    try:
        former = read_status(run.path, now=time.time())
    except UserError:
        former = Status(state="stopped")
    queued = former.queued if former.state == "queued" and former.pid == os.getpid() else 0.0
    status = replace(
        former,
        state="queued",
        device=device,
        queued=queued or time.time(),
        error="",
        phase="",
        seconds_left=None,
        **this_process(),
    )
    write_status(run.path, status)


def _wait(run: Run, locks: Sequence[FileLock], on_progress: Callable[[], object]) -> ExitStack:
    """What lets go of the devices, once they are ours and all `locks` are held."""
    while True:
        now = time.time()
        status = read_status(run.path, now=now)
        # Whoever started it at the same moment has named a process that the lock sent away.
        is_named = status.pid == os.getpid()
        if not is_named or abs(now - status.heartbeat) > SIGN_OF_LIFE_SECONDS:
            status = replace(status, state="queued", error="", **this_process())
            write_status(run.path, status)
        # The lock first: while it is held nobody reads the statuses of all runs.
        # None is kept while another is waited for, so that two runs never wait for each other.
        with suppress(Timeout), ExitStack() as held:
            for lock in locks:
                held.enter_context(lock.acquire(blocking=False))
            if not list_ahead(run, status, now=now):
                _begin(run, status)
                return held.pop_all()
        on_progress()
        time.sleep(POLL_SECONDS)


def _begin(run: Run, status: Status) -> None:
    """Write that it is the run's turn."""
    begins = replace(status, state="training", phase="starting", error="", **this_process())
    write_status(run.path, begins)


def _device_lock(run: Run, device: str) -> FileLock:
    """The lock of `device` for all runs of this folder; each machine has its own devices."""
    host = this_process()["host"]
    folder = make_folder(run.path.parent / LOCKS)
    return FileLock(folder / f"{host}-{device.replace(':', '-')}")


def _write_stopped(run: Run) -> None:
    """Write that the run was stopped, unless it has ended already."""
    status = read_status(run.path, now=time.time())
    if status.state in ("queued", "training"):
        write_status(run.path, replace(status, state="stopped", heartbeat=time.time()))


@contextmanager
def _signals_raise() -> Iterator[None]:
    """Let the signals that stop a training raise StopRequestedError until the block ends."""

    def leave(number: int, frame: FrameType | None) -> NoReturn:
        raise StopRequestedError

    former = {
        number: signal.signal(number, leave)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
    }
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
