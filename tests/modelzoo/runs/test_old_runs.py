"""Run folders as version 0.1.0 wrote them: everything in them is read with the names of today."""

import csv
import hashlib
import shutil
from pathlib import Path

import pytest

from modelzoo.config.train_config import read_config
from modelzoo.evaluation.rows import read_leaderboard
from modelzoo.inference.neighbours import read_neighbours
from modelzoo.runs.attribution_tables import read_quality, read_validity
from modelzoo.runs.folder import list_runs
from modelzoo.runs.history import read_history
from modelzoo.runs.old_names import OLD_MEASURES
from modelzoo.runs.predictions import read_predictions
from modelzoo.runs.records import read_environment, read_split, read_weights
from modelzoo.runs.status import read_written_status
from xai.faithfulness.table import MEASURES, Summary

OLD = Path(__file__).parents[2] / "data" / "as_of_0_1"
DONE = ("grouped", "grouped", "background", "given", "random")


def test_every_run_is_listed_with_its_split_and_state() -> None:
    found, damaged = list_runs(OLD / "runs")

    assert damaged == {}
    states = [read_written_status(run.path).state for run in found]
    assert sorted(states) == ["done"] * 5 + ["queued", "stopped"]
    splits = [run.config.split for run, state in zip(found, states, strict=True) if state == "done"]
    assert sorted(splits) == sorted(DONE)


def test_scores_are_those_of_the_predictions_in_the_folder(tmp_path: Path) -> None:
    shutil.copytree(OLD / "runs", tmp_path / "runs")
    found, _ = list_runs(tmp_path / "runs")

    board = read_leaderboard(found)

    assert len(board.rows) == 5
    assert board.problems == {}
    for row in board.rows:
        predictions = read_predictions(tmp_path / "runs" / row.run_id).only("test")
        share = (predictions.logits.argmax(axis=1) == predictions.labels).mean()
        assert row.accuracy.value == pytest.approx(share)


@pytest.mark.parametrize("run", sorted((OLD / "runs").iterdir()), ids=lambda path: path.name)
def test_every_file_that_a_run_has_is_read(run: Path) -> None:
    assert len(read_split(run).rows if (run / "split.csv").exists() else [1]) > 0
    if (run / "history.csv").exists():
        with (run / "history.csv").open() as file:
            assert len(read_history(run)) == len(list(csv.DictReader(file))) > 0
    if (run / "environment.json").exists():
        assert read_environment(run).threads == 0
    if (run / "weights.json").exists():
        assert read_weights(run).kind == "imagenet"
    if (run / "neighbours.safetensors").exists():
        assert read_neighbours(run).images == tuple(read_split(run).ids("train"))


@pytest.mark.parametrize("file", sorted(OLD.glob("runs/*/split.csv")), ids=lambda f: f.parent.name)
def test_the_id_of_a_split_is_that_of_its_file_as_it_was_written(file: Path) -> None:
    assert read_split(file.parent).id == hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def test_measures_of_maps_have_their_new_names() -> None:
    (run,) = (OLD / "runs").glob("*-group-0")
    quality, validity = read_quality(run, Summary), read_validity(run)

    assert quality is not None
    assert validity is not None
    with (run / "quality.csv").open() as file:
        written = list(csv.DictReader(file))
    assert [each.ci_low for each in quality] == [float(row["low"]) for row in written]
    assert [each.win_share for each in quality] == [
        float(row["better"]) if row["better"] else None for row in written
    ]
    assert {each.measure for each in quality} <= set(MEASURES)
    assert {each.measure for each in quality} >= set(OLD_MEASURES.values())
    with (run / "validity.csv").open() as file:
        assert validity == list(csv.DictReader(file))


@pytest.mark.parametrize("file", sorted((OLD / "configs").glob("*.toml")), ids=lambda f: f.name)
def test_configs_of_every_recipe_are_read(file: Path) -> None:
    assert read_config(file).split in DONE
