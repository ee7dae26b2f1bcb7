"""Work on all cores, and its progress."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

Progress = Callable[[int, int], None]  # done, of how many


@contextmanager
def worker_threads() -> Iterator[ThreadPoolExecutor]:
    """One thread a core; an error or Ctrl-C drops the work that has not begun."""
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def report_progress(progress: Progress | None, done: int, total: int) -> None:
    """Call `progress`, about a hundred times altogether."""
    if progress and (done == total or done % max(1, total // 100) == 0):
        progress(done, total)
