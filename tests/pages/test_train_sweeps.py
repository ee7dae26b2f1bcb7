"""Sweeps on the page Train: the form, what a sweep shows, and what its best becomes."""

import math
import os
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from modelzoo.config.train_config import read_recipe
from modelzoo.evaluation.intervals import Score
from modelzoo.runs.status import State, Status, read_status, this_process, write_status
from modelzoo.runs.trial import Trial, write_trial
from modelzoo.sweeps.best import write_recipe
from modelzoo.sweeps.folder import FOLDER, Sweep, settle_sweep
from modelzoo.sweeps.ranges import parse_all
from modelzoo.sweeps.study import Study
from tests.pages.opened import open_page, text_of
from tests.patience import PATIENCE_SECONDS
from tests.run_folders import make_run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the app looks for runs; there are images too."""
    monkeypatch.setenv("BLASTLENS_HOME", str(tmp_path))
    monkeypatch.setattr(
        "pages.shell.entry.PagesManager", SimpleNamespace(uses_pages_directory=False)
    )
    (tmp_path / "data" / "synthetic-smears").mkdir(parents=True)
    return tmp_path / "runs"


def leave_sweep(folder: Path, state: State = "done", *, scored: int = 6, error: str = "") -> Sweep:
    """A sweep in which the rate decides, with a failed trial at its end."""
    config = read_recipe("quick", data="smears", weights="none")
    over = parse_all(["learning_rate=1e-5..1e-1 log", "optimizer=adam,sgd"], config)
    sweep = settle_sweep(folder, "rates", config, over, trials=scored + 1)
    study = Study(sweep)
    for _ in range(scored):
        number = study.ask()
        value = (math.log10(float(study.trials()[number].values["learning_rate"])) + 3) ** 2 + 0.1
        study.tell_score(number, Score(value, 0.9 * value, 1.1 * value))
    study.tell_failed(study.ask(), "The loss became nan in epoch 1.")
    if scored:
        write_recipe(sweep, study.trials())
    write_status(sweep.path, Status(state=state, phase="trial 6", error=error, **this_process()))
    return sweep


def test_without_a_sweep_the_page_says_how_to_begin_one(folder: Path) -> None:
    app = open_page("train")

    assert not app.exception
    assert "There is no sweep yet" in text_of(app)
    assert not folder.exists()


def test_trials_importance_and_the_best_are_shown(folder: Path) -> None:
    leave_sweep(folder)

    app = open_page("train", sweep="rates")

    assert not app.exception
    text = text_of(app)
    assert "7 trials of 7: 6 done, 1 failed." in text
    assert "A rough guess, since fewer than 20 trials often name the wrong setting" in text
    assert "best of 6 trials that were chosen among by this score, so it is optimistic" in text
    assert "With seed 0 no trial read the test images" in text
    (table,) = (each.value for each in app.dataframe if "Trial" in each.value)
    assert list(table["State"]) == ["done"] * 6 + ["failed"]
    assert table["Note"].iloc[6] == "The loss became nan in epoch 1."
    assert any("--seed 0,1,2" in each.value for each in app.code)
    assert "Train it with seeds 0, 1 and 2 and test" in [button.label for button in app.button]


def test_a_sweep_at_work_can_be_stopped_and_one_that_failed_goes_on(folder: Path) -> None:
    leave_sweep(folder, "training")
    labels = [button.label for button in open_page("train").button]
    assert "Stop the sweep" in labels
    assert "Go on" not in labels

    write_status(
        folder / FOLDER / "rates", Status(state="failed", error="None of the trials was trained.")
    )
    app = open_page("train")

    assert not app.exception
    assert "None of the trials was trained." in [each.value for each in app.error]
    assert "Go on" in [button.label for button in app.button]


def test_the_best_is_queued_with_three_seeds_by_a_click(folder: Path) -> None:
    leave_sweep(folder)
    (folder.parent / "smears").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder.parent)
        app = open_page("train")
        app.button(key="sweep_train").click().run()

    assert not app.exception
    names = [f"rates-best-seed{seed}" for seed in range(3)]
    for name in names:
        pid = read_status(folder / name, now=time.time()).pid
        assert pid not in (0, os.getpid())
        with suppress(psutil.NoSuchProcess):  # there are no images, so it ends soon
            psutil.Process(pid).kill()


def test_a_range_that_cannot_be_used_is_said_in_the_form(folder: Path) -> None:
    query = {"sweep_form": "true", "sweep_settings": "learning_rate", "train_weights": "none"}
    app = open_page("train", **query)
    assert not app.exception
    assert any("--over=learning_rate=0.0003..0.03 log" in each.value for each in app.code) or any(
        "'--over=learning_rate=0.0003..0.03 log'" in each.value for each in app.code
    )

    app = open_page("train", sweep_over_learning_rate="5..50", **query)

    assert not app.exception
    assert "Learning rate 50.0 is out of range; give 1e-08 to 10." in [
        each.value for each in app.error
    ]
    assert not any(each.key == "sweep_start" for each in app.button)


def test_a_sweep_without_images_is_a_sentence_and_leaves_nothing(folder: Path) -> None:
    app = open_page(
        "train", sweep_form="true", sweep_settings="learning_rate", train_weights="none",
        train_device="cpu",
    )  # fmt: skip

    app.button(key="sweep_start").click().run(timeout=PATIENCE_SECONDS)

    assert not app.exception
    assert any("holds no images" in each.value for each in app.error)
    assert not (folder / FOLDER).exists()


def test_a_damaged_sweep_is_a_sentence(folder: Path) -> None:
    sweep = leave_sweep(folder)
    (sweep.path / "sweep.json").write_text("half")

    app = open_page("train")

    assert not app.exception
    assert any("sweep.json" in each.value for each in app.error)


def test_trials_are_not_compared_and_this_is_said(folder: Path) -> None:
    make_run(folder, "mine")
    trial = make_run(folder, "rates-trial-000")
    write_trial(trial.path, Trial(sweep="rates", number=0))

    app = open_page("compare", section="Ranking")

    assert not app.exception
    text = text_of(app)
    assert (
        "1 trial of sweeps is not listed, since trials are scored on validation images only."
        in text
    )
    assert "rates-trial-000" not in text
