"""Which runs count as measured of a paper's system, and how their seeds are put together."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from sklearn.metrics import precision_recall_fscore_support
from typer.testing import CliRunner

from modelzoo.__main__ import app
from modelzoo.config.train_config import read_recipe
from modelzoo.evaluation.rows import LeaderboardRow, read_row
from modelzoo.papers.measured import Measured, find_measured
from modelzoo.papers.systems import PAPERS, SYSTEMS, System
from modelzoo.papers.tables import by_split, describe_cell, describe_measured, systems_latex
from modelzoo.runs.predictions import read_predictions
from tests.run_folders import make_run

CNN13 = next(each for each in SYSTEMS if each.key == "anand2025/cnn13/adam")
RESNET50 = next(each for each in SYSTEMS if each.key == "muduli2025/resnet50/adam")


def make_row(folder: Path, system: System, name: str, **changes: Any) -> LeaderboardRow:
    config = read_recipe(system.recipe, backbone=system.backbone, **changes)
    values = {field: getattr(config, field) for field in config.__dataclass_fields__}
    values.pop("data")
    return read_row(make_run(folder, name, **values))


def measure(system: System, *rows: LeaderboardRow) -> tuple[Measured, ...]:
    return find_measured(system, rows)


def test_seeds_of_one_split_are_one_record_and_other_splits_others(tmp_path: Path) -> None:
    rows = [make_row(tmp_path, CNN13, f"r{seed}", seed=seed) for seed in (0, 1, 2)]
    leaky = make_row(tmp_path, CNN13, "leaky", split="leaky-augmented", seed=3)

    first, second = measure(CNN13, *rows, leaky)

    assert (first.split, first.is_leaky, first.seeds) == ("leaky-augmented", True, (3,))
    assert (second.split, second.is_leaky, second.seeds) == ("random", False, (0, 1, 2))
    assert second.runs == ("r0", "r1", "r2")
    score = second.scores["accuracy"]
    accuracies = [row.accuracy for row in rows]
    assert score.value == pytest.approx(sum(each.value for each in accuracies) / 3)
    assert score.lowest == min(each.value for each in accuracies)
    assert score.ci_low == min(each.ci_low for each in accuracies)
    assert score.ci_high == max(each.ci_high for each in accuracies)
    assert describe_measured(second, "accuracy").endswith("), 3 seeds")
    assert by_split(CNN13, (first, second))["paper"] == [first]


def test_two_runs_of_one_seed_are_said_to_be_two(tmp_path: Path) -> None:
    rows = [make_row(tmp_path, CNN13, name, seed=0) for name in ("one", "two")]

    (found,) = measure(CNN13, *rows)

    assert describe_measured(found, "accuracy").endswith("), 2 runs")


def test_another_recipe_backbone_or_class_is_not_the_system(tmp_path: Path) -> None:
    rows = [
        make_row(tmp_path, CNN13, "right"),
        make_row(tmp_path, RESNET50, "of-another-paper"),
        read_row(make_run(tmp_path, "quick", backbone="cnn13", recipe="quick", weights="none")),
    ]

    (found,) = measure(CNN13, *rows)

    assert found.runs == ("right",)
    on_two_classes = next(each for each in SYSTEMS if each.paper == "pushpalatha2024")
    other = make_row(tmp_path, on_two_classes, "four-classes")
    assert measure(on_two_classes, other) == ()


def test_settings_that_are_not_the_recipes_are_said_and_kept_apart(tmp_path: Path) -> None:
    rows = [
        make_row(tmp_path, CNN13, "as-it-is", precision="float32"),
        make_row(tmp_path, CNN13, "smaller", input_px=128, epochs=3),
    ]

    found = measure(CNN13, *rows)

    assert [each.changed for each in found] == [(), ("input px 128 (224)", "epochs 3 (30)")]
    of_random = by_split(CNN13, found)["random"]
    assert of_random[0].runs == ("as-it-is",)
    assert describe_cell(of_random, "accuracy").endswith("(+1 more)")
    assert "more)" not in describe_cell(of_random[:1], "accuracy")


def test_what_comes_with_the_project_stands_behind_a_persons_own(tmp_path: Path) -> None:
    own, shipped = (make_row(tmp_path, RESNET50, name) for name in ("own", "shipped"))

    found = find_measured(RESNET50, [own], [shipped])

    assert [(each.runs, each.is_reference) for each in found] == [
        (("own",), False),
        (("shipped",), True),
    ]


def test_scores_of_a_class_are_scikit_learns(tmp_path: Path) -> None:
    row = make_row(tmp_path, CNN13, "run")
    predictions = read_predictions(tmp_path / "run").only("test")
    predicted = predictions.probabilities.argmax(1)

    (found,) = measure(CNN13, row)

    precision, sensitivity, f1, _ = precision_recall_fscore_support(predictions.labels, predicted)
    for index, word in enumerate(("benign", "early", "pre", "pro")):
        for name, values in (("precision", precision), ("sensitivity", sensitivity), ("f1", f1)):
            score = found.scores[f"{name}_{word}"]
            assert score.value == pytest.approx(values[index])
            assert score.ci_low < score.value <= score.ci_high


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BLASTLENS_HOME", str(tmp_path))
    monkeypatch.setattr("modelzoo.paths.reference_folder", lambda: tmp_path / "none")
    make_row(tmp_path / "runs", CNN13, "cnn", split="leaky-augmented")
    return tmp_path


def run(*arguments: str) -> str:
    answer = CliRunner().invoke(app, ["papers", *arguments])
    assert answer.exit_code == 0, answer.output
    return answer.stdout


@pytest.mark.usefixtures("home")
def test_the_command_gives_one_object_per_system() -> None:
    records = {each["title"]: each for each in json.loads(run("--json"))}
    everything = json.loads(run("--json"))

    assert len(everything) == len(SYSTEMS)
    assert {each["paper"] for each in everything} == set(PAPERS)
    cnn = records["13-layer CNN, Adam"]
    assert cnn["parameters"] == 8_379_892
    assert {"metric": "accuracy", "value": 0.96, "printed": "96 %", "where": "Table 5"} in (
        cnn["claims"]
    )
    (measured,) = cnn["measured"]
    assert (measured["split"], measured["is_leaky"], measured["runs"]) == (
        "leaky-augmented",
        True,
        ["cnn"],
    )
    assert 0 < measured["scores"]["accuracy"]["ci_low"] < measured["scores"]["accuracy"]["value"]
    assert "--recipe anand2025-cnn13 --backbone cnn13" in cnn["command"]
    assert any("not stated" in sentence for sentence in cnn["differs"])


@pytest.mark.usefixtures("home")
def test_the_table_says_what_was_not_trained_and_csv_has_a_line_for_each() -> None:
    lines = run().splitlines()
    rows = list(csv.DictReader(io.StringIO(run("--csv", "--paper", "anand2025"))))

    assert len(lines) == len(SYSTEMS) + 1
    assert sum("not trained yet" in line for line in lines) == len(SYSTEMS) - 1
    assert [row["system"] for row in rows] == ["cnn13", "cnn13", "resnet50", "yolov8"]
    assert float(rows[0]["claimed_accuracy"]) == 0.96
    assert rows[0]["split"] == "leaky-augmented"
    assert rows[1]["accuracy"] == ""


def test_a_split_without_a_column_is_measured_all_the_same(home: Path) -> None:
    make_row(home / "runs", RESNET50, "given", split="given")

    lines = [line for line in run("--paper", "muduli2025").splitlines() if "ResNet50 " in line]

    assert ", given" in lines[0]


@pytest.mark.usefixtures("home")
def test_latex_has_claims_and_what_was_measured() -> None:
    text = run("--latex", "--metric", "f1", "--paper", "anand2025")

    assert text.count(r"\\") == 5
    assert "F1, claimed" in text
    assert r"95.2 \%" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--paper", "smith2020"], "Paper 'smith2020' is unknown; give one of muduli2025"),
        (["--metric", "luck"], "Metric 'luck' is unknown; give one of accuracy"),
        (["--json", "--latex"], "Several of --json, --csv and --latex were given"),
    ],
)
def test_what_is_not_there_is_a_sentence(arguments: list[str], said: str) -> None:
    answer = CliRunner().invoke(app, ["papers", *arguments])

    assert answer.exit_code == 2
    assert said in answer.stderr


def test_a_table_without_any_run_is_still_a_table() -> None:
    assert systems_latex([(each, ()) for each in SYSTEMS], "accuracy").count("not stated") == 2
