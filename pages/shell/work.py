"""Work that goes on beside a page's script, so that the page shows each result when it is there."""

import threading
from collections.abc import Callable, Collection, Hashable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx

Result = TypeVar("Result")

AT_ONCE = 2  # each with half of the cores
KEPT = 2000  # results; each is a record of some kB


class Work:
    """Results by key, each computed once; the oldest of KEPT go first. Shared by every tab."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="work")
        self._futures: dict[Hashable, Future[object]] = {}
        self._lock = threading.Lock()

    def begin(self, key: Hashable, work: Callable[[], object]) -> "Future[object]":
        """The result under `key`, now or later; what failed or was dropped begins again."""
        context = get_script_run_ctx()

        def run() -> object:
            # Streamlit's caches ask for the page that called them.
            add_script_run_ctx(threading.current_thread(), context)
            return work()

        with self._lock:
            future = self._futures.get(key)
            if future is None or future.cancelled():
                future = self._futures[key] = self._pool.submit(run)
                while len(self._futures) > KEPT:
                    self._futures.pop(next(iter(self._futures))).cancel()
            return future

    def forget(self, key: Hashable) -> None:
        """Begin anew when it is asked for again."""
        with self._lock:
            self._futures.pop(key, None)

    def drop_waiting(self, keys: Collection[Hashable]) -> None:
        """Do not begin these, of those that have not begun."""
        with self._lock:
            for key in keys:
                if (future := self._futures.get(key)) and future.cancel():
                    del self._futures[key]


@st.cache_resource(show_spinner=False)
def shared_work() -> Work:
    """The one of this process."""
    return Work()


def wait_for_one(futures: Collection["Future[object]"], seconds: float) -> None:
    """Return when one more of these is done, or after so many seconds."""
    waiting = [future for future in futures if not future.done()]
    if waiting:
        wait(waiting, seconds, return_when=FIRST_COMPLETED)
