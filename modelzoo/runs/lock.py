"""One process per run: the lock in its folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from modelzoo.errors import UserError
from modelzoo.files import is_regular_file

if TYPE_CHECKING:  # folder calls this before it moves one
    from modelzoo.runs.folder import Run

RUN_LOCK = ".lock"  # in the run's folder: only one process trains it


@contextmanager
def hold_run(run: "Run") -> Iterator[None]:
    """Hold the run's lock, in this process as often as asked; the system frees it at its death.

    Raises:
        UserError: Another process holds it, or something else is in its place.
    """
    lock = FileLock(run.path / RUN_LOCK, blocking=False, is_singleton=True)
    try:
        lock.acquire()
    except Timeout:
        raise UserError(
            f"Run {run.id!r} is being trained by another process; wait for it or stop it first."
        ) from None
    except OSError as error:
        raise UserError(
            f"{run.path / RUN_LOCK} cannot be locked ({error.strerror or error}); remove it, or "
            "give a folder that may be written to."
        ) from error
    try:
        yield
    finally:
        lock.release()


def is_held(path: Path) -> bool:
    """Whether another process holds the lock of the run in folder `path`, whatever it has written.

    A lock that cannot be tried, since a folder is in its place or it is another's, is not held.
    """
    lock = path / RUN_LOCK
    if not is_regular_file(lock):  # whoever holds it has made it
        return False
    try:
        with FileLock(lock, blocking=False, is_singleton=True):
            return False
    except Timeout:
        return True
    except OSError:
        return False
