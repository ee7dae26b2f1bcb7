"""Work that goes on beside a page's script, so that the page shows each result when it is there."""

import threading
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, Future, wait
from queue import SimpleQueue
from typing import Any

import streamlit as st

AT_ONCE = 2  # each with half of the cores
KEPT = 400  # results; one with a map of 224 x 224 has 200 kB


class Work:
    """Results by key, each computed once; of more than KEPT the oldest go. Shared by every tab.

    Its threads have no script run of Streamlit's: a cache that waits for another thread would raise
    StopException in them where the tab that asked is closed or has gone on.
    """

    def __init__(self) -> None:
        self._futures: dict[Hashable, Future[Any]] = {}
        self._lock = threading.Lock()
        self._waiting: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        for _ in range(AT_ONCE):
            # A pool of `concurrent.futures` would be waited for by a server that is to end.
            threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            future, run = self._waiting.get()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(run())
                except BaseException as error:  # noqa: BLE001  # raised where it is read
                    future.set_exception(error)

    def begin(self, jobs: Mapping[Hashable, Callable[[], Any]]) -> None:
        """Compute each job under its key, in order, unless that was begun already."""
        with self._lock:
            for key, job in jobs.items():
                if key not in self._futures:
                    future = self._futures[key] = Future()
                    self._waiting.put((future, job))
            others = [key for key in self._futures if key not in jobs]
            for key in others[: max(0, len(self._futures) - KEPT)]:
                self._futures.pop(key).cancel()

    def read(self, key: Hashable) -> Any | None:
        """The result under `key`; None: it is not there yet.

        Raises:
            Exception: What the work raised; it is begun anew when asked for again.
        """
        with self._lock:
            future = self._futures.get(key)
            if future is None or not future.done():
                return None
            if future.exception():
                del self._futures[key]
        return future.result()

    def wait_for_one(self, keys: Collection[Hashable], seconds: float) -> None:
        """Return when one more of these is done, or after so many seconds."""
        self._wait(keys, seconds, FIRST_COMPLETED)

    def wait_for_all(self, keys: Collection[Hashable], seconds: float) -> None:
        """Return when all of these are done, or after so many seconds."""
        self._wait(keys, seconds, ALL_COMPLETED)

    def _wait(self, keys: Collection[Hashable], seconds: float, when: str) -> None:
        with self._lock:
            futures = [self._futures[key] for key in keys if key in self._futures]
        if waiting := [future for future in futures if not future.done()]:
            wait(waiting, seconds, return_when=when)

    def drop_waiting(self, keys: Iterable[Hashable]) -> None:
        """Forget these, of those that have not begun."""
        with self._lock:
            for key in keys:
                if key in self._futures and self._futures[key].cancel():
                    del self._futures[key]


@st.cache_resource(show_spinner=False)
def shared_work() -> Work:
    """The one of this process."""
    return Work()
