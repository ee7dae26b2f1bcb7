"""Work beside a page: each thing once, what failed again, what nobody waits for not at all."""

import threading
from collections.abc import Callable, Hashable

import pytest
from streamlit.runtime.scriptrunner import StopException

from pages.shell.work import AT_ONCE, KEPT, Work
from tests.patience import PATIENCE_SECONDS


@pytest.fixture
def work() -> Work:
    return Work()


def finish(work: Work, key: str) -> object:
    work.wait_for_all([key], PATIENCE_SECONDS)
    return work.read(key)


def test_a_result_is_computed_once(work: Work) -> None:
    calls = iter(range(10))

    for _ in range(3):
        work.begin({"a": lambda: next(calls)})
        assert finish(work, "a") == 0

    assert next(calls) == 1
    assert work.read("unknown") is None


def test_what_failed_is_raised_once_and_begins_anew(work: Work) -> None:
    work.begin({"a": lambda: 1 / 0})
    work.wait_for_all(["a"], PATIENCE_SECONDS)

    with pytest.raises(ZeroDivisionError):
        work.read("a")

    work.begin({"a": lambda: "well"})
    assert finish(work, "a") == "well"


def test_what_has_not_begun_can_be_dropped(work: Work) -> None:
    may_end, has_begun = threading.Event(), threading.Barrier(AT_ONCE + 1)

    def wait() -> bool:
        has_begun.wait(PATIENCE_SECONDS)
        return may_end.wait(PATIENCE_SECONDS)

    work.begin(dict.fromkeys(map(str, range(AT_ONCE)), wait))
    has_begun.wait(PATIENCE_SECONDS)
    work.begin({"late": lambda: "late"})

    work.drop_waiting(["late", "0", "unknown"])
    may_end.set()

    assert finish(work, "0") is True  # it had begun
    assert finish(work, "late") is None
    work.begin({"late": lambda: "again"})
    assert finish(work, "late") == "again"


def test_waiting_for_one_returns_while_others_go_on(work: Work) -> None:
    may_end = threading.Event()
    work.begin({"slow": lambda: may_end.wait(PATIENCE_SECONDS)})
    work.begin({"quick": lambda: "quick"})

    work.wait_for_one(["slow", "quick"], PATIENCE_SECONDS)

    assert work.read("quick") == "quick"
    assert work.read("slow") is None
    may_end.set()


def test_the_oldest_results_go_first_but_none_that_is_asked_for(work: Work) -> None:
    jobs: dict[Hashable, Callable[[], str]] = {n: lambda: "there" for n in range(KEPT + 3)}
    work.begin({"old": lambda: "old"})

    work.begin(jobs)
    work.wait_for_all(list(jobs), PATIENCE_SECONDS)

    assert work.read("old") is None
    assert all(work.read(key) == "there" for key in jobs)
    work.begin({"new": lambda: "new"})
    assert work.read(0) is None


def test_work_outlives_a_tab_that_stops_its_script(work: Work) -> None:
    def stop() -> None:
        raise StopException

    for _ in range(AT_ONCE):
        work.begin({"a": stop})
        work.wait_for_all(["a"], PATIENCE_SECONDS)
        with pytest.raises(StopException):
            work.read("a")

    work.begin({"b": lambda: "there"})
    assert finish(work, "b") == "there"
