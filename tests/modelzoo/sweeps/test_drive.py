"""Sweeps that are driven: by real processes where something is trained."""

import math
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from modelzoo.config.train_config import TrainConfig
from modelzoo.datasets.synthetic.smears import write_smears
from modelzoo.errors import UserError
from modelzoo.evaluation.intervals import Score
from modelzoo.evaluation.run_scores import evaluate_run
from modelzoo.launching import local
from modelzoo.runs.folder import count_trials, list_runs, list_trials, read_run
from modelzoo.runs.history import read_history
from modelzoo.runs.lock import hold_run
from modelzoo.runs.predictions import read_predictions
from modelzoo.runs.status import Status, read_status
from modelzoo.sweeps.best import recipe_path
from modelzoo.sweeps.drive import STOPPED, Place, drive
from modelzoo.sweeps.folder import Sweep, read_sweep_status, settle_sweep
from modelzoo.sweeps.ranges import Value, parse_all
from modelzoo.sweeps.study import Study, read_trials
from tests.patience import PATIENCE_SECONDS

LONG = 10_000  # epochs, which nobody waits for


@pytest.fixture(scope="module")
def smears(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("smears")
    write_smears(folder, images_per_class=10, px=64)
    return folder


def make_sweep(
    home: Path, smears: Path, over: str, *, trials: int, metric: str = "log_loss", **options: Any
) -> Sweep:
    values: dict[str, Any] = {
        "data": str(smears),
        "weights": "none",
        "split": "random",
        "input_px": 64,
        "epochs": 3,
        "batch_size": 8,
        "precision": "float32",
    }
    config = TrainConfig(**(values | options))
    ranges = parse_all([over], config)
    return settle_sweep(home / "runs", "sweep", config, ranges, metric=metric, trials=trials)


def place_of(home: Path) -> Place:
    return Place(home / "store", "cpu")


def tell_good_trials(sweep: Sweep, loss: float, trials: int = 4) -> None:
    study = Study(sweep)
    for _ in range(trials):
        number = study.ask()
        study.report(number, dict.fromkeys(range(1, sweep.config.epochs + 1), loss))
        study.tell_score(number, Score(loss, math.nan, math.nan))


@pytest.mark.slow
def test_a_killed_sweep_goes_on_and_its_trials_leave_the_test_part_alone(
    tmp_path: Path, smears: Path
) -> None:
    sweep = make_sweep(tmp_path, smears, "weight_decay=0..0.1", trials=2, epochs=30, patience=LONG)
    driver = subprocess.Popen(
        [
            *local.PYTHON, "sweep", "--sweep", "sweep", "--runs", str(sweep.runs),
            "--store", str(tmp_path / "store"), "--device", "cpu",
        ],
        cwd=local.ROOT,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    first = sweep.runs / "sweep-trial-000"
    until = time.monotonic() + PATIENCE_SECONDS
    while not (first.is_dir() and read_status(first, now=time.time()).pid):
        assert driver.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    psutil.Process(read_status(first, now=time.time()).pid).kill()

    assert read_sweep_status(sweep).state == "failed"
    assert drive(sweep, place_of(tmp_path)).state == "done"

    trials = read_trials(sweep)
    assert [trial.state for trial in trials] == ["done", "done"]
    assert trials[0].values != trials[1].values
    assert list_runs(sweep.runs) == ([], {})
    runs = list_trials(sweep.runs)
    assert [run.id for run in runs] == ["sweep-trial-000", "sweep-trial-001"]
    assert count_trials(sweep.runs) == 2
    for run, trial in zip(runs, trials, strict=True):
        assert len(read_history(run.path)) == 30
        assert set(read_predictions(run.path).parts) == {"train", "validation"}
        assert not run.has_model
        score = evaluate_run(run, part="validation").scores["log_loss"]
        assert trial.score == Score(score.value, score.ci_low, score.ci_high)
        with pytest.raises(UserError, match="trial of a sweep, and its test images were left out"):
            evaluate_run(run)
    assert recipe_path(sweep).is_file()


@pytest.mark.slow
def test_a_hopeless_rate_is_stopped_by_the_sweep(tmp_path: Path, smears: Path) -> None:
    sweep = make_sweep(
        tmp_path, smears, "learning_rate=1e-8..2e-8", trials=5, epochs=800, patience=LONG
    )
    tell_good_trials(sweep, 0.01)  # a rate of 1e-8 changes nothing

    assert drive(sweep, place_of(tmp_path)).state == "done"

    assert [trial.state for trial in read_trials(sweep)] == ["done"] * 4 + ["stopped by the sweep"]
    run = read_run(sweep.runs / "sweep-trial-004")
    status = read_status(run.path, now=time.time())
    assert (status.state, status.phase) == ("stopped", STOPPED)
    assert 200 <= len(read_history(run.path)) < 800


@pytest.mark.slow
def test_ctrl_c_stops_the_trial_and_the_sweep(tmp_path: Path, smears: Path) -> None:
    sweep = make_sweep(
        tmp_path, smears, "weight_decay=0..0.1", trials=1, epochs=LONG, patience=LONG
    )

    def interrupt(status: Status) -> None:
        if "epoch" in status.phase:
            signal.raise_signal(signal.SIGINT)

    assert drive(sweep, place_of(tmp_path), on_progress=interrupt).state == "stopped"

    assert read_status(sweep.runs / "sweep-trial-000", now=time.time()).state == "stopped"
    assert [trial.state for trial in read_trials(sweep)] == ["unfinished"]


def test_where_every_trial_fails_the_sweep_says_why_and_keeps_all(
    tmp_path: Path, smears: Path
) -> None:
    sweep = make_sweep(tmp_path, smears, "momentum=0..0.9", trials=20)
    for number in range(20):  # no run can be made
        (sweep.runs / sweep.trial_name(number)).mkdir()

    with pytest.raises(UserError, match="None of the 5 trials of sweep 'sweep' could be trained"):
        drive(sweep, place_of(tmp_path))

    status = read_sweep_status(sweep)
    assert status.state == "failed"
    assert "The first says: " in status.error
    assert [trial.state for trial in read_trials(sweep)] == ["failed"] * 5
    assert not recipe_path(sweep).exists()
    assert (sweep.runs / "sweep-trial-000").is_dir()


def test_trials_that_fail_in_a_row_leave_the_others_for_later(tmp_path: Path, smears: Path) -> None:
    sweep = make_sweep(tmp_path, smears, "momentum=0..0.9", trials=20)
    tell_good_trials(sweep, 0.5, trials=1)
    for number in range(1, 20):
        (sweep.runs / sweep.trial_name(number)).mkdir()

    with pytest.raises(UserError, match="The last 5 trials of sweep 'sweep' failed, so it ended"):
        drive(sweep, place_of(tmp_path))

    assert [trial.state for trial in read_trials(sweep)] == ["done"] + ["failed"] * 5
    assert recipe_path(sweep).is_file()


def test_settings_that_were_tried_are_not_trained_again(tmp_path: Path, smears: Path) -> None:
    sweep = make_sweep(tmp_path, smears, "optimizer=adam,sgd", trials=12)
    study = Study(sweep)
    known: dict[Value, float] = {}
    while len(known) < 2:
        number = study.ask()
        optimizer = study.trials()[number].values["optimizer"]
        known.setdefault(optimizer, {"adam": 0.5, "sgd": 0.7}[str(optimizer)])
        study.tell_score(number, Score(known[optimizer], 0.1, 0.9))

    assert drive(sweep, place_of(tmp_path)).state == "done"

    trials = read_trials(sweep)
    assert len(trials) == 12
    assert list_trials(sweep.runs) == []
    for trial in trials:
        assert trial.score == Score(known[trial.values["optimizer"]], 0.1, 0.9)


def test_two_processes_do_not_drive_one_sweep(tmp_path: Path, smears: Path) -> None:
    sweep = make_sweep(tmp_path, smears, "momentum=0..0.9", trials=1)
    code = (
        "import sys; from pathlib import Path; from modelzoo.sweeps.folder import open_sweep; "
        "from modelzoo.runs.lock import hold_run; sweep = open_sweep(Path(sys.argv[1]))\n"
        "with hold_run(sweep.run): print('held', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(sweep.path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=local.ROOT,
    )  # fmt: skip
    assert other.stdout
    assert other.stdout.readline() == "held\n"

    with pytest.raises(UserError, match="Sweep 'sweep' is driven by another process"):
        drive(sweep, place_of(tmp_path))

    other.communicate()
    assert read_trials(sweep) == []
    with hold_run(sweep.run):
        pass
