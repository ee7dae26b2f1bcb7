"""Asking and telling against objectives whose truth is known; nothing is trained."""

import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest

from modelzoo.config.train_config import TrainConfig, read_recipe
from modelzoo.errors import UserError
from modelzoo.evaluation.intervals import Score
from modelzoo.runs.folder import create_run
from modelzoo.sweeps.best import (
    describe_best,
    describe_importance,
    find_best,
    recipe_path,
    train_command,
    write_recipe,
)
from modelzoo.sweeps.folder import (
    JOURNAL,
    Sweep,
    extend_sweep,
    find_sweep,
    list_sweeps,
    settle_sweep,
)
from modelzoo.sweeps.ranges import parse_all
from modelzoo.sweeps.study import Study, TrialFacts, mend_journal, read_trials

CONFIG = TrainConfig(data="smears", epochs=20)
OVER = ("learning_rate=1e-5..1e-1 log", "momentum=0..0.9", "optimizer=adam,sgd")


def make_sweep(runs: Path, *over: str, metric: str = "log_loss", trials: int = 20) -> Sweep:
    ranges = parse_all(over or OVER, CONFIG)
    return settle_sweep(runs, "study", CONFIG, ranges, metric=metric, trials=trials)


def loss_of_rate(trial: TrialFacts) -> float:
    """A parabola with its lowest point at a rate of 1e-3, and a little of the momentum."""
    return (math.log10(float(trial.values["learning_rate"])) + 3) ** 2 + 0.01 * float(
        trial.values["momentum"]
    )


def tell_all(study: Study, loss: Callable[[TrialFacts], float], trials: int) -> None:
    for _ in range(trials):
        number = study.ask()
        value = loss(study.trials()[number])
        study.tell_score(number, Score(value, value - 0.1, value + 0.1))


def test_importance_names_the_setting_that_matters_and_the_best_is_near_the_truth(
    tmp_path: Path,
) -> None:
    sweep = make_sweep(tmp_path)
    study = Study(sweep)

    tell_all(study, loss_of_rate, 30)

    importance, trials = study.importance(), study.trials()
    assert max(importance, key=lambda name: importance[name]) == "learning_rate"
    assert importance["learning_rate"] > 0.8
    assert sum(importance.values()) == pytest.approx(1)
    assert describe_importance(importance, trials).startswith("Learning rate matters most")
    assert describe_importance(importance, trials[:19]).startswith("A rough guess, since fewer")
    best = find_best(sweep, trials)
    assert best is not None
    assert 3e-4 < float(best.values["learning_rate"]) < 3e-3
    assert best.score is not None
    assert best.score.value == min(trial.score.value for trial in trials if trial.score)


def test_a_score_that_is_better_when_higher_is_maximised(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path, metric="balanced_accuracy")
    study = Study(sweep)

    tell_all(study, lambda trial: math.exp(-loss_of_rate(trial)), 25)

    best = find_best(sweep, study.trials())
    assert best is not None
    assert 3e-4 < float(best.values["learning_rate"]) < 3e-3


def test_a_sweep_that_was_interrupted_asks_for_what_it_would_have_asked_for(tmp_path: Path) -> None:
    whole, parts = make_sweep(tmp_path / "whole"), make_sweep(tmp_path / "parts")
    tell_all(Study(whole), loss_of_rate, 14)

    for _ in range(14):  # a new process after each trial
        tell_all(Study(parts), loss_of_rate, 1)

    assert read_trials(parts) == read_trials(whole)


@pytest.mark.parametrize("metric", ["log_loss", "accuracy"])
def test_a_trial_is_hopeless_where_its_lowest_loss_is_above_the_median(
    tmp_path: Path, metric: str
) -> None:
    study = Study(make_sweep(tmp_path, metric=metric))
    lowest = [0.4, 0.5, 0.6, 0.9]
    for loss in lowest:
        number = study.ask()
        assert not study.report(number, dict.fromkeys(range(1, 11), loss))
        study.tell_score(number, Score(loss, math.nan, math.nan))

    def is_hopeless(losses: dict[int, float]) -> bool:
        number = study.ask()
        said = study.report(number, losses)
        study.tell_pruned(number)
        return said

    assert median(lowest) == pytest.approx(0.55)
    assert not is_hopeless({4: 0.9})  # the first quarter of 20 epochs says nothing
    assert is_hopeless({4: 0.9, 5: 0.9, 6: 0.56})
    assert not is_hopeless({4: 0.9, 5: 0.54, 6: 0.9})  # its best epoch counts, not its last


def test_readers_add_nothing_to_the_journal_and_a_cut_line_is_mended(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path)
    study = Study(sweep)
    tell_all(study, loss_of_rate, 2)
    study.ask()
    file = sweep.path / JOURNAL
    content = file.read_bytes()

    assert len(read_trials(sweep)) == 3
    assert file.read_bytes() == content
    file.write_bytes(content[:-7])  # killed while it wrote the last setting
    mend_journal(sweep)
    again = Study(sweep)

    assert len(again.trials()) == 3
    assert len(again.trials()[2].values) < len(OVER)
    again.tell_failed(2, "It was interrupted.")
    assert [trial.state for trial in read_trials(sweep)] == ["done", "done", "failed"]


@pytest.mark.parametrize(
    "content", [b"\n", b"{}\n", b"[1]\n", b"no json\n{}\n", b'{"op_code": 4, "study_id": 9}\n']
)
def test_a_damaged_journal_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    sweep = make_sweep(tmp_path)
    tell_all(Study(sweep), loss_of_rate, 1)
    with (sweep.path / JOURNAL).open("ab") as file:
        file.write(content + json.dumps({"op_code": 99}).encode() + b"\n")

    with pytest.raises(UserError, match="is damaged or cannot be used"):
        read_trials(sweep)


def test_two_processes_on_one_journal_lose_no_trial(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path)
    Study(sweep)
    children = []
    for _ in range(2):
        if (child := os.fork()) == 0:
            tell_all(Study(sweep), loss_of_rate, 6)
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]

    trials = read_trials(sweep)
    assert [trial.number for trial in trials] == list(range(12))
    assert {trial.state for trial in trials} == {"done"}


def test_the_best_is_a_recipe_that_says_where_it_is_from(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path)
    study = Study(sweep)
    tell_all(study, loss_of_rate, 5)
    trials = study.trials()

    write_recipe(sweep, trials)

    best = find_best(sweep, trials)
    assert best is not None
    recipe = read_recipe(str(recipe_path(sweep)), data="others")
    assert {name: getattr(recipe, name) for name in best.values} == best.values
    assert (recipe.epochs, recipe.data, recipe.seed) == (20, "others", 0)
    text = recipe_path(sweep).read_text()
    assert f"# Trial {best.number} of the sweep study" in text
    assert "best of 5 trials that were chosen among by this score, so it is optimistic" in text
    assert "With seed 0 no trial read the test images" in text
    assert train_command(sweep)[-2:] == ["--seed", "0,1,2"]


def test_without_scores_nothing_is_claimed(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path)

    assert read_trials(sweep) == []
    assert Study(sweep).importance() == {}
    assert describe_best(sweep, []) == "No trial has been scored so far."


def test_a_sweep_goes_on_with_the_same_settings_only(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path, trials=3)

    assert make_sweep(tmp_path, trials=3) == sweep
    assert extend_sweep(sweep, 9) == find_sweep(tmp_path, "study")
    with pytest.raises(UserError, match=r"is there with other settings \(--over\)"):
        make_sweep(tmp_path, "momentum=0..0.5")
    with pytest.raises(UserError, match=r"is there with other settings \(--metric\)"):
        make_sweep(tmp_path, metric="accuracy")
    assert list_sweeps(tmp_path) == ["study"]


def test_a_name_that_trials_have_already_is_refused(tmp_path: Path) -> None:
    create_run(tmp_path, "study-trial-000", CONFIG)

    with pytest.raises(UserError, match="'study-trial-000' has a name that trials"):
        make_sweep(tmp_path)
    with pytest.raises(UserError, match="Sweep 'none' was not found"):
        find_sweep(tmp_path, "none")
