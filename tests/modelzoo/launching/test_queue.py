"""Turns on a device, taken by real processes: what one says of itself alone proves nothing."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import psutil
import pytest

from modelzoo.config.train_config import TrainConfig
from modelzoo.errors import UserError
from modelzoo.launching import local
from modelzoo.launching.queue import list_ahead, turn
from modelzoo.runs.file_names import LOG
from modelzoo.runs.folder import Run, create_run
from modelzoo.runs.lock import hold_run
from modelzoo.runs.status import Status, read_status, write_status
from modelzoo.training.heartbeat import StopRequestedError
from tests.patience import PATIENCE_SECONDS

# Takes the run's turn, says so, and keeps it until somebody closes its input.
CHILD = """
import sys
from pathlib import Path
from typing import TypeAlias
from modelzoo.launching.queue import turn
from modelzoo.runs.folder import read_run
from modelzoo.training.heartbeat import StopRequestedError

run, device = read_run(Path(sys.argv[1])), sys.argv[2]
try:
    with turn(run, device):
        print("mine", flush=True)
        sys.stdin.read()
        assert "torch" not in sys.modules
except StopRequestedError:
    sys.exit(130)
"""
Child: TypeAlias = "subprocess.Popen[str]"
Enter = Callable[..., Child]


@pytest.fixture
def enter(tmp_path: Path) -> Iterator[Enter]:
    """Lets a run enter the queue as a process of its own; returns when its status says so."""
    children: list[Child] = []

    def enter(name: str, device: str = "cpu") -> Child:
        run = create_run(tmp_path, name, TrainConfig())
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(run.path), device],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=local.ROOT,
        )  # fmt: skip
        children.append(child)
        wait_for(lambda: status_of(run.path).pid == child.pid, child)
        return child

    yield enter
    for child in children:
        child.kill()
        child.communicate()


def wait_for(condition: Callable[[], bool], child: Child) -> None:
    """Return when the condition holds; the process must live until then."""
    while not condition():
        try:
            child.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
        assert condition(), f"the process ended with {child.returncode}"


def status_of(path: Path) -> Status:
    return read_status(path, now=time.time())


def has_turn(child: Child) -> bool:
    assert child.stdout
    return child.stdout.readline() == "mine\n"  # waits for it


def leave(child: Child) -> None:
    child.communicate(timeout=PATIENCE_SECONDS)


def test_runs_have_their_turns_in_the_order_in_which_they_came(
    enter: Enter, tmp_path: Path
) -> None:
    first = enter("c")
    assert has_turn(first)
    second, third = enter("b"), enter("a")

    waiting = status_of(tmp_path / "a")
    assert list_ahead(Run(tmp_path / "a", TrainConfig()), waiting, now=time.time()) == ["b"]
    assert [status_of(tmp_path / name).state for name in "cba"] == ["training", "queued", "queued"]

    leave(first)
    assert has_turn(second)
    assert status_of(tmp_path / "a").state == "queued"
    leave(second)
    assert has_turn(third)


def test_a_run_that_is_killed_gives_its_turn_to_the_next(enter: Enter, tmp_path: Path) -> None:
    first = enter("first")
    assert has_turn(first)
    second = enter("second")

    first.kill()
    first.wait()

    assert has_turn(second)
    assert status_of(tmp_path / "first").state == "failed"


def test_one_that_is_killed_while_it_waits_blocks_nobody(enter: Enter, tmp_path: Path) -> None:
    first, second = enter("first"), enter("second")
    assert has_turn(first)
    third = enter("third")

    second.kill()
    second.wait()
    leave(first)

    assert has_turn(third)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_one_that_is_stopped_while_it_waits_says_so_and_blocks_nobody(
    enter: Enter, tmp_path: Path, number: signal.Signals
) -> None:
    first, second = enter("first"), enter("second")
    assert has_turn(first)

    os.kill(second.pid, number)

    assert second.wait(PATIENCE_SECONDS) == 130
    assert status_of(tmp_path / "second").state == "stopped"
    assert status_of(tmp_path / "first").state == "training"


def test_another_device_has_a_queue_of_its_own(enter: Enter) -> None:
    assert has_turn(enter("first", "cpu"))
    assert has_turn(enter("second", "cuda:0"))
    assert has_turn(enter("third", "cuda:1"))


def test_only_one_process_trains_a_run_and_the_other_changes_nothing(
    enter: Enter, tmp_path: Path
) -> None:
    first = enter("run")
    assert has_turn(first)
    before = status_of(tmp_path / "run")

    with (
        pytest.raises(UserError, match="'run' is being trained by another process"),
        turn(Run(tmp_path / "run", TrainConfig()), "cpu"),
    ):
        pass

    assert status_of(tmp_path / "run").pid == before.pid


def test_the_lock_of_a_run_is_held_as_often_as_asked(tmp_path: Path) -> None:
    run = create_run(tmp_path, "run", TrainConfig())

    with hold_run(run), hold_run(run):
        pass
    with hold_run(run):
        pass


def test_a_turn_that_ends_in_an_error_is_over(enter: Enter, tmp_path: Path) -> None:
    run = create_run(tmp_path, "here", TrainConfig())
    former = signal.getsignal(signal.SIGTERM)

    with pytest.raises(ZeroDivisionError), turn(run, "cpu"):
        raise ZeroDivisionError

    assert signal.getsignal(signal.SIGTERM) is former
    assert has_turn(enter("next"))


def test_a_signal_between_the_turn_and_the_training_stops_the_run(tmp_path: Path) -> None:
    run = create_run(tmp_path, "run", TrainConfig())

    with pytest.raises(StopRequestedError), turn(run, "cpu"):
        os.kill(os.getpid(), signal.SIGTERM)

    assert status_of(run.path).state == "stopped"


def test_a_run_is_launched_queued_and_stopped_before_it_begins(
    enter: Enter, tmp_path: Path
) -> None:
    assert has_turn(enter("busy"))
    run = create_run(tmp_path, "launched", TrainConfig(data="nowhere"))

    local.start(run, store=tmp_path / "store", device="cpu")

    queued = status_of(run.path)
    assert (queued.state, queued.device) == ("queued", "cpu")
    assert psutil.pid_exists(queued.pid)
    with pytest.raises(UserError, match="'launched' is queued; there is nothing to start"):
        local.start(run, store=tmp_path / "store", device="cpu")
    local.stop(run)  # at once: its Python may not have begun
    assert status_of(run.path).state == "stopped"
    assert not psutil.pid_exists(queued.pid)


def test_a_launched_run_that_cannot_be_trained_says_why_in_status_and_log(tmp_path: Path) -> None:
    run = create_run(tmp_path, "run", TrainConfig(data="nowhere"))

    local.start(run, store=tmp_path / "store", device="cpu")
    psutil.Process(status_of(run.path).pid).wait(PATIENCE_SECONDS)

    status = status_of(run.path)
    assert status.state == "failed"
    assert "nowhere" in status.error
    assert "nowhere" in (run.path / LOG).read_text()


@pytest.mark.parametrize(
    "spoil",
    [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("../elsewhere")],
    ids=["folder", "pipe", "link"],
)
def test_a_run_whose_log_is_no_file_is_not_launched(
    tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    run = create_run(tmp_path, "run", TrainConfig(data="nowhere"))
    before = status_of(run.path)
    spoil(run.path / LOG)

    with pytest.raises(UserError, match=r"log\.txt is no regular file"):
        local.start(run, store=tmp_path / "store", device="cpu")

    assert status_of(run.path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_of_many_who_start_a_run_at_the_same_moment_one_does(tmp_path: Path) -> None:
    run = create_run(tmp_path, "run", TrainConfig(data="nowhere"))
    ready = threading.Barrier(8)

    def start() -> str:
        ready.wait()
        try:
            local.start(run, store=tmp_path / "store", device="cpu")
        except UserError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(8) as pool:
        said = [each.result() for each in [pool.submit(start) for _ in range(8)]]

    pid = status_of(run.path).pid
    with suppress(psutil.NoSuchProcess):
        psutil.Process(pid).wait(PATIENCE_SECONDS)
    assert said.count("") == 1
    assert all("there is nothing to start" in each for each in said if each)


def test_one_that_waits_says_its_own_name_whoever_wrote_another(
    enter: Enter, tmp_path: Path
) -> None:
    first = enter("first")
    assert has_turn(first)
    second = enter("second")
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()

    write_status(tmp_path / "second", replace(status_of(tmp_path / "second"), pid=gone.pid))

    wait_for(lambda: status_of(tmp_path / "second").pid == second.pid, second)
    assert status_of(tmp_path / "second").state == "queued"
    leave(first)
    assert has_turn(second)
    assert status_of(tmp_path / "second").state == "training"
