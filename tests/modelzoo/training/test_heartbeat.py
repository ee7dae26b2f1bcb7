import os
import signal
import time
from pathlib import Path

import pytest

from modelzoo.config.train_config import TrainConfig
from modelzoo.runs.file_names import NOW, STOP
from modelzoo.runs.folder import create_run
from modelzoo.runs.status import read_status
from modelzoo.training.heartbeat import Heartbeat, StopRequestedError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return create_run(tmp_path, "run", TrainConfig()).path


def test_a_run_says_what_it_is_doing_and_how_it_ended(path: Path) -> None:
    with Heartbeat(path, epochs=9) as heartbeat:
        heartbeat.report("decoding images", 1, 4)
        doing = read_status(path, now=time.time())
        heartbeat.end("done")

    assert (doing.state, doing.phase, doing.progress) == ("training", "decoding images", 0.25)
    assert (doing.epochs, doing.pid) == (9, os.getpid())
    assert read_status(path, now=time.time()).state == "done"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_at_the_next_batch(path: Path, number: signal.Signals) -> None:
    former = signal.getsignal(number)
    with Heartbeat(path, epochs=1) as heartbeat:
        heartbeat.report("training", 0, 4)
        os.kill(os.getpid(), number)

        with pytest.raises(StopRequestedError):
            heartbeat.report("training", 1, 4)
        heartbeat.end("stopped")

    assert signal.getsignal(number) is former


def test_another_signal_asks_to_stop_after_the_epoch(path: Path) -> None:
    with Heartbeat(path, epochs=1) as heartbeat:
        os.kill(os.getpid(), signal.SIGUSR1)
        heartbeat.report("training", 1, 4)

        assert heartbeat.stop_after_epoch
        heartbeat.end("stopped")


@pytest.mark.parametrize(
    ("number", "stopping"), [(signal.SIGTERM, "now"), (signal.SIGUSR1, "after this epoch")]
)
def test_who_asked_to_stop_sees_that_it_was_heard(
    path: Path, number: signal.Signals, stopping: str
) -> None:
    with Heartbeat(path, epochs=1) as heartbeat:
        os.kill(os.getpid(), number)  # and the batch goes on

        while read_status(path, now=time.time()).stopping != stopping:
            os.sched_yield()
        ended = heartbeat.end("stopped")

    assert (ended.stopping, read_status(path, now=time.time()).stopping) == ("", "")


def test_a_run_that_goes_on_keeps_the_count_of_its_epochs(path: Path) -> None:
    with Heartbeat(path, epochs=9, epoch=4) as heartbeat:
        heartbeat.report("decoding images", 1, 4)

        assert read_status(path, now=time.time()).epoch == 4
        heartbeat.end("stopped")


def test_who_asks_twice_does_not_wait_for_the_batch(path: Path) -> None:
    def ask_twice() -> None:
        with Heartbeat(path, epochs=1):
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        ask_twice()


def test_a_watcher_hears_every_report(path: Path) -> None:
    heard: list[tuple[str, float]] = []
    with Heartbeat(
        path, epochs=1, on_progress=lambda s: heard.append((s.phase, s.progress))
    ) as beat:
        beat.report("training", 1, 2)
        beat.report("training", 2, 2)

    assert heard == [("training", 0.5), ("training", 1.0)]


def test_a_file_asks_to_stop_after_the_epoch_where_no_signal_reaches(path: Path) -> None:
    (path / STOP).write_text("of a former training")
    with Heartbeat(path, epochs=1) as heartbeat:
        assert not (path / STOP).exists()
        assert heartbeat.stop_after_epoch is False

        (path / STOP).write_text("after this epoch")
        while read_status(path, now=time.time()).stopping != "after this epoch":
            heartbeat.report("training", 1, 4)

        assert bool(heartbeat.stop_after_epoch)
        heartbeat.end("stopped")
    assert not (path / STOP).exists()


def test_the_file_may_ask_to_stop_at_the_next_batch(path: Path) -> None:
    def work() -> None:
        with Heartbeat(path, epochs=1) as heartbeat:
            (path / STOP).write_text(f"{NOW}\n")
            while True:
                heartbeat.report("training", 1, 4)

    with pytest.raises(StopRequestedError):
        work()


def test_a_signal_that_was_passed_on_is_the_same_question(path: Path) -> None:
    with Heartbeat(path, epochs=1, is_shared=True) as heartbeat:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(StopRequestedError):
            heartbeat.report("training", 1, 4)
        assert heartbeat.end("stopped").state == "stopped"
