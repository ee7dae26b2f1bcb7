"""Runs sent to a real Ray on this machine, in token mode, by its REST interface."""

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from modelzoo.errors import UserError
from modelzoo.launching import engines, ray_jobs
from modelzoo.launching.target import Target
from modelzoo.launching.targets import read_targets
from modelzoo.runs.file_names import LOG
from modelzoo.runs.folder import Run
from modelzoo.runs.history import read_history
from modelzoo.runs.status import Status, read_status
from tests.clusters.ray_here import Ray, ray_here
from tests.clusters.small import RAY_SETTINGS, make_run
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.slow

ENDLESS = {"epochs": 10_000, "patience": 10_000}


@pytest.fixture(scope="module")
def ray() -> Iterator[Ray]:
    with ray_here() as ray:
        yield ray


@pytest.fixture
def home(tmp_path: Path, ray: Ray, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BLASTLENS_HOME", str(tmp_path))
    (tmp_path / "targets.toml").write_text(RAY_SETTINGS.format(ray=ray))
    return tmp_path


def wait(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.2)


def targets(home: Path) -> dict[str, Target]:
    return read_targets(home / "targets.toml")


def send(home: Path, run: Run) -> str:
    (job,) = engines.submit(
        targets(home)["ray"], [run], store=home / "store", targets=targets(home)
    )
    return job


def look(home: Path, run: Run, later: float = 0.0) -> Status:
    engines.refresh([run], targets(home), now=time.time() + later)
    return read_status(run.path, now=time.time())


def stop(home: Path, run: Run, *, after_epoch: bool = False) -> None:
    engines.stop(run, after_epoch=after_epoch, targets=targets(home))


def epochs(run: Run) -> int:
    return len(read_history(run.path)) if (run.path / "history.csv").exists() else 0


def test_runs_wait_train_and_stop_now_and_after_the_epoch(
    home: Path, images: Path, ray: Ray
) -> None:
    first, second = (make_run(home, images, name, **ENDLESS) for name in ("first", "second"))
    job, other = send(home, first), send(home, second)
    wait(lambda: epochs(first) >= 1)

    status = look(home, second)
    assert (status.state, status.phase) == ("queued", "until there is room")
    assert [each.text for each in ray_jobs.list_free(targets(home)["ray"])] == [
        "CPUs: 1 of 2 free",
        "GPUs: 1 of 1 free",
    ]
    with pytest.raises(UserError, match=f"was sent to ray as job {other}: stop it first"):
        send(home, second)
    stop(home, second)
    assert look(home, second).state == "stopped"

    stop(home, first, after_epoch=True)
    wait(lambda: look(home, first).state == "stopped")
    assert look(home, first).epoch == epochs(first)  # a whole one
    wait(lambda: ray.ask(f"/api/jobs/{job}")["status"] in ("FAILED", "SUCCEEDED"))
    done = epochs(first)
    job = send(home, first)
    wait(lambda: epochs(first) > done)
    stop(home, first)
    wait(lambda: look(home, first).state == "stopped")
    assert "resume to go on after the last whole epoch" in (first.path / LOG).read_text()
    assert ray.ask(f"/api/jobs/{job}")["status"] in ("STOPPED", "RUNNING", "FAILED")


def test_a_job_that_ends_without_a_word_is_said_once_a_late_folder_had_its_time(
    home: Path, ray: Ray
) -> None:
    run = make_run(home, Path("nowhere"))
    target = replace(targets(home)["ray"], python="/nowhere/python")
    (job,) = engines.submit(target, [run], store=home / "store", targets=targets(home))
    wait(lambda: ray.ask(f"/api/jobs/{job}")["status"] == "FAILED")

    assert look(home, run).state == "queued"
    status = look(home, run, later=61)

    assert status.state == "failed"
    assert f"Job {job} on ray ended because Ray says" in status.error


def test_a_cluster_without_a_token_is_refused_unless_it_is_on_loopback(ray: Ray) -> None:
    port = ray.address.rpartition(":")[2]
    elsewhere = Target(name="far", engine="ray", address=f"http://ray.invalid:{port}", gpus=0)

    with pytest.raises(UserError, match=r"'far' has no token_file.*whoever reaches"):
        ray_jobs.check(elsewhere)

    assert ray_jobs._is_loopback(ray.address)
    assert ray_jobs._is_loopback("http://localhost:1")
    assert ray_jobs._is_loopback("http://[::1]:1")
    assert not ray_jobs._is_loopback("http://127.0.0.1.example.org")
    assert not ray_jobs._is_loopback("http://192.168.0.1")


def test_tokens_that_are_wrong_or_missing_and_addresses_without_a_ray_are_a_sentence_each(
    home: Path, ray: Ray, tmp_path: Path
) -> None:
    target = targets(home)["ray"]
    wrong = tmp_path / "wrong"
    wrong.write_text("nobody\n")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and never listens
        closed = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        mistakes = {
            "refuses the token": replace(target, token_file=str(wrong)),
            "wants a token": replace(target, token_file=""),
            "is missing; write the token there": replace(target, token_file=str(tmp_path / "no")),
            "does not answer at": replace(target, address=closed),
            "asks for 64 CPUs for a run, and the cluster": replace(target, cpus=64),
        }
        run = make_run(home, Path("nowhere"))
        before = (run.path / "status.json").read_bytes()
        for sentence, mistaken in mistakes.items():
            with pytest.raises(UserError, match=sentence) as raised:
                ray_jobs.check(mistaken)
            assert "nobody" not in str(raised.value)  # a token is never shown
            if "64" not in sentence:
                with pytest.raises(UserError, match=sentence):
                    engines.submit(mistaken, [run], store=home, targets=targets(home))
    assert (run.path / "status.json").read_bytes() == before
    assert "Bearer" not in ray_jobs.describe(target, [run.path], store=home)
