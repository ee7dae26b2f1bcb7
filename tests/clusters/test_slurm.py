"""Runs sent to a real Slurm on this machine: arrays, stops, pre-emption, a node that is lost."""

import os
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest
from typer.testing import CliRunner, Result

from modelzoo.__main__ import app
from modelzoo.config.train_config import TrainConfig, format_config
from modelzoo.errors import UserError
from modelzoo.launching import engines, slurm
from modelzoo.launching.target import Target
from modelzoo.launching.targets import read_targets
from modelzoo.runs.file_names import CONFIG, LOG, PREDICTIONS
from modelzoo.runs.folder import Run, read_run
from modelzoo.runs.history import read_history
from modelzoo.runs.status import Status, read_status
from modelzoo.runs.submission import Submission, read_submission
from tests.clusters.slurm_here import Slurm
from tests.clusters.small import make_run, train_here

pytestmark = pytest.mark.slow

SETTINGS = """
[cluster]
engine = "slurm"
partition = "main"
gpus = 0
cpus = 1
memory_gb = {memory}
at_once = 1
"""
ENDLESS = {"epochs": 10_000, "patience": 10_000}


@pytest.fixture
def home(tmp_path: Path, slurm: Slurm, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose settings file names the cluster; two runs do not fit into its memory."""
    monkeypatch.setenv("BLASTLENS_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "targets.toml").write_text(SETTINGS.format(memory=3))
    return tmp_path


def type_in(*words: str) -> Result:
    return CliRunner().invoke(app, [*words])


def cluster(home: Path) -> Target:
    return read_targets(home / "targets.toml")["cluster"]


def send(home: Path, *runs: Run, **changes: Any) -> list[str]:
    target = replace(cluster(home), **changes)
    return engines.submit(target, runs, store=home / "store", targets=targets(home))


def targets(home: Path) -> dict[str, Target]:
    return read_targets(home / "targets.toml")


def look(home: Path, run: Run, later: float = 0.0) -> Status:
    """What the run's status says once the scheduler was asked, `later` seconds from now."""
    now = time.time() + later
    engines.refresh([run], targets(home), now=now)
    return read_status(run.path, now=time.time())


def sent_of(run: Run) -> Submission:
    sent = read_submission(run.path)
    assert sent
    return sent


def state(slurm: Slurm, job: str) -> str:
    return slurm.ask("squeue", "--noheader", "--states=all", f"--jobs={job}", "--format=%T").strip()


def epochs(run: Run) -> int:
    return len(read_history(run.path)) if (run.path / "history.csv").exists() else 0


def trains_on(home: Path, run: Run, slurm: Slurm, epoch: int) -> None:
    """Return when the run has finished so many epochs."""

    def has() -> bool:
        assert read_status(run.path, now=time.time()).state != "failed", log_of(run)
        return epochs(run) >= epoch

    slurm.wait(has)


def log_of(run: Run) -> str:
    return (run.path / LOG).read_text() if (run.path / LOG).exists() else ""


def begin_again(slurm: Slurm, job: str) -> None:
    """Spare the two minutes that Slurm holds back a job that it queued again.

    Not all: a node takes no job within the second in which it gave the same one up.
    """
    slurm.wait(lambda: state(slurm, job) == "PENDING")
    slurm.ask("scontrol", "update", f"JobId={job}", "StartTime=now+3")


def test_seeds_are_one_array_of_which_as_many_train_at_once_as_the_settings_say(
    home: Path, images: Path, slurm: Slurm
) -> None:
    (home / "targets.toml").write_text(SETTINGS.format(memory=1))  # there is room for two
    typed = "train --name few --backbone cnn13 --weights none --split random --input-px 64"
    typed += f" --epochs 1 --mode finetune --seed 0,1 --target cluster --data {images}"

    answer = type_in(*typed.split(" "))

    assert answer.exit_code == 0, answer.output
    runs = [read_run(home / "runs" / f"few-seed{seed}") for seed in range(2)]
    jobs = [sent_of(run).job for run in runs]
    array = jobs[0].removesuffix("_0")
    assert jobs == [f"{array}_{index}" for index in range(2)]
    assert "few-seed1: sent to cluster as " + jobs[1] in answer.output
    most = 0

    def is_done(run: Run) -> bool:
        nonlocal most
        states = slurm.ask("squeue", "--array", "--noheader", "--format=%T").split()
        most = max(most, states.count("RUNNING"))
        return read_status(run.path, now=time.time()).state == "done"

    for run in runs:
        slurm.wait(partial(is_done, run))
    assert most == 1

    def is_over(run: Run) -> bool:
        assert look(home, run).state == "done"
        return sent_of(run).is_over

    for run in runs:
        slurm.wait(partial(is_over, run))


def test_a_run_that_loses_its_node_three_ways_ends_as_one_that_was_never_interrupted(
    home: Path, images: Path, slurm: Slurm
) -> None:
    run = make_run(home, images, "broken", **ENDLESS)
    (job,) = send(home, run, minutes=60)
    trains_on(home, run, slurm, 1)

    # Pre-empted by a job of a partition that goes before.
    urgent = ["--partition=urgent", "--mem=3G", "--output=/dev/null", "--wrap=true"]
    slurm.ask("sbatch", "--parsable", *urgent)
    slurm.wait(lambda: state(slurm, job) == "PENDING")
    assert look(home, run).state == "queued"
    assert look(home, run).phase == "until its time has come"
    with pytest.raises(UserError, match=f"was sent to cluster as job {job}: stop it first"):
        send(home, run)
    begin_again(slurm, job)
    done = epochs(run)
    trains_on(home, run, slurm, done + 1)

    # Warned of its time limit, by the signal that its script asks Slurm for.
    assert "#SBATCH --signal=B:USR2@120" in slurm_script(home, run)
    slurm.ask("scancel", "--batch", "--signal=USR2", job)
    slurm.wait(lambda: state(slurm, job) == "PENDING")
    assert "Queued again as job" in log_of(run)
    begin_again(slurm, job)
    done = epochs(run)
    trains_on(home, run, slurm, done + 1)

    # Its node goes down, and all that ran there with it.
    node = psutil.Process(slurm.pid("slurmd"))
    for process in [*slurm.list_steps(), node]:
        process.kill()
    slurm.wait(lambda: look(home, run).state == "failed")  # its process was on this machine
    slurm.wait(lambda: state(slurm, job) in ("PENDING", "NODE_FAIL"))
    assert look(home, run).state == "queued"
    # Now it may end: the number of epochs changes nothing of the epochs before.
    options = ENDLESS | {"epochs": epochs(run) + 2}
    config = TrainConfig(**asdict(run.config) | options)
    (run.path / CONFIG).write_text(format_config(config))
    slurm.begin_node()
    begin_again(slurm, job)
    slurm.wait(lambda: look(home, run).state == "done")

    whole = make_run(home, images, "whole", **options)
    train_here(whole, home / "store")
    first, second = (pd.read_parquet(each.path / PREDICTIONS) for each in (whole, run))
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def slurm_script(home: Path, run: Run) -> str:
    return slurm.describe(replace(cluster(home), minutes=60), [run.path], store=home / "store")


def test_one_that_trains_is_stopped_after_its_epoch_and_one_that_waits_at_once(
    home: Path, images: Path, slurm: Slurm
) -> None:
    first, second = (make_run(home, images, name, **ENDLESS) for name in ("first", "second"))
    (job,), (other,) = send(home, first), send(home, second)
    trains_on(home, first, slurm, 1)
    waiting = look(home, second)
    assert (waiting.state, waiting.phase) == ("queued", "until there is room")
    assert "until there is room" in type_in("runs", "--csv").output + waiting.phase

    assert type_in("stop", "second").exit_code == 0
    assert look(home, second).state == "stopped"
    assert state(slurm, other) == "CANCELLED"
    assert type_in("stop", "first", "--after-epoch").exit_code == 0
    slurm.wait(lambda: look(home, first).state == "stopped")

    slurm.wait(lambda: state(slurm, job) not in ("RUNNING", "COMPLETING"))
    assert state(slurm, job) in ("FAILED", "COMPLETED")  # not queued again
    assert look(home, first, later=61).state == "stopped"
    (job,) = send(home, first)
    done = epochs(first)
    trains_on(home, first, slurm, done + 1)
    assert type_in("stop", "first").exit_code == 0
    slurm.wait(lambda: look(home, first).state == "stopped")
    answer = type_in("stop", "first")
    assert answer.exit_code == 2
    assert "there is nothing to stop" in answer.output


def test_a_file_that_is_written_only_is_handed_over_by_a_person(home: Path, slurm: Slurm) -> None:
    run = make_run(home, Path("nowhere"), "by-hand")
    file = home / "job.sbatch"
    before = slurm.ask("squeue", "--noheader", "--format=%i").split()

    answer = type_in("resume", "by-hand", "--sbatch", str(file))

    assert f"sbatch {file}" in answer.output
    # A job of another test may still be ending.
    assert set(slurm.ask("squeue", "--noheader", "--format=%i").split()) <= set(before)
    assert look(home, run, later=1000).state == "queued"  # as long as the person likes
    job = slurm.ask("sbatch", "--parsable", str(file)).strip()
    slurm.wait(lambda: look(home, run).state == "failed")
    assert "nowhere" in look(home, run).error
    assert sent_of(run).job == job


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda run, job, slurm: None, "ended because its script failed"),
        (lambda run, job, slurm: slurm.ask("scancel", job), "ended because it was cancelled"),
    ],
    ids=["no Python there", "cancelled by a person"],
)
def test_a_job_that_ends_without_a_word_is_said_once_a_late_folder_had_its_time(
    home: Path, slurm: Slurm, spoil: Callable[[Run, str, Slurm], object], sentence: str
) -> None:
    run = make_run(home, Path("nowhere"))
    (job,) = send(home, run, python="/nowhere/python")
    spoil(run, job, slurm)
    slurm.wait(lambda: state(slurm, job) not in ("PENDING", "RUNNING", "COMPLETING"))

    assert look(home, run).state == "queued"  # it may have said more than is seen here
    assert look(home, run, later=30).state == "queued"
    status = look(home, run, later=61)

    assert status.state == "failed"
    assert f"Job {job} on cluster {sentence}" in status.error
    assert "can be resumed" in status.error
    assert run.config == read_run(run.path).config


def test_what_slurm_would_refuse_leaves_no_run_behind(home: Path, slurm: Slurm) -> None:
    settings = SETTINGS.format(memory=3)
    mistakes = {
        settings.replace("main", "night"): "Slurm has no partition 'night'; give target 'cluster' "
        "one of main and urgent.",
        settings.replace("cpus = 1", "cpus = 64"): "Slurm refused the job",
        settings.replace("gpus = 0", "gpus = 1\ngpu_type = 'h100'"): "Slurm refused the job",
    }
    (home / "images").mkdir()
    for text, sentence in mistakes.items():
        (home / "targets.toml").write_text(text)
        answer = type_in("train", "--data", str(home / "images"), "--target", "cluster")
        assert answer.exit_code == 2
        assert sentence in answer.output
    assert not (home / "runs").exists()


def test_a_run_that_is_refused_is_as_it_was(home: Path, slurm: Slurm) -> None:
    run = make_run(home, Path("nowhere"))
    before = {file.name: file.read_bytes() for file in run.path.iterdir()}

    with pytest.raises(UserError, match="Nothing was submitted"):
        send(home, run, partition="night")

    after = {file.name: file.read_bytes() for file in run.path.iterdir() if file.name != ".lock"}
    assert after == before


def test_a_machine_without_slurm_is_told_to_write_the_file(
    home: Path, slurm: Slurm, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(home, Path("nowhere"))
    monkeypatch.setenv("PATH", str(home))

    with pytest.raises(UserError, match=r"`sbatch` was not found .* --sbatch FILE"):
        send(home, run)

    engines.write_script(
        cluster(home), [run], home / "f", store=home / "store", targets=targets(home)
    )
    assert os.access(home / "f", os.R_OK)


def test_a_controller_that_does_not_answer_changes_nothing(
    home: Path, slurm: Slurm, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(home, Path("nowhere"))
    send(home, run, python="/bin/sleep")
    nobody = home / "slurm.conf"
    text = slurm.conf.read_text()
    nobody.write_text(text.replace("SlurmctldPort=", "SlurmctldPort=1 #"))
    monkeypatch.setenv("SLURM_CONF", str(nobody))
    monkeypatch.setenv("SLURM_TIMEOUT", "1")

    problems = engines.refresh([run], targets(home), now=time.time() + 1000)

    assert "Slurm does" in problems["cluster"] or "did not answer" in problems["cluster"]
    assert read_status(run.path, now=time.time()).state == "queued"


def test_targets_are_listed_with_what_is_free_and_what_is_wrong(home: Path, slurm: Slurm) -> None:
    (home / "targets.toml").write_text(
        SETTINGS.format(memory=1) + SETTINGS.format(memory=1).replace("cluster", "other")
        .replace("main", "night")
    )  # fmt: skip
    slurm.ask("scancel", "--user=root")
    slurm.wait(lambda: slurm.ask("squeue", "--noheader") == "")

    answer = type_in("targets")

    assert answer.exit_code == 0, answer.output
    here, first, other = answer.stdout.splitlines()[1:4]
    assert here.startswith("local")
    assert "ready" in here
    assert "CPUs: 2 of 2 free; GPUs a100: 2 of 2 free" in first
    assert "ready" in first
    assert "no partition 'night'" in other
    job = slurm.ask(
        "sbatch", "--parsable", "--gres=gpu:a100:1", "--output=/dev/null", "--wrap=sleep 600"
    ).strip()
    slurm.wait(lambda: state(slurm, job) == "RUNNING")
    assert "CPUs: 1 of 2 free; GPUs a100: 1 of 2 free" in type_in("targets").stdout
    slurm.ask("scancel", job)
