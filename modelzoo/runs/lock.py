"""One process per run: the lock in its folder."""

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from modelzoo.errors import UserError
from modelzoo.runs.folder import Run

RUN_LOCK = ".lock"  # in the run's folder: only one process trains it


@contextmanager
def hold_run(run: Run) -> Iterator[None]:
    """Hold the run's lock, in this process as often as asked; the system frees it at its death.

    Raises:
        UserError: Another process holds it.
    """
    try:
        with FileLock(run.path / RUN_LOCK, blocking=False, is_singleton=True):
            yield
    except Timeout:
        raise UserError(
            f"Run {run.id!r} is being trained by another process; wait for it or stop it first."
        ) from None
