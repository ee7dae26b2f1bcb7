"""Every listing command: JSON whose keys stay, CSV, and no harm from damaged runs."""

import csv
import io
import json
import shutil
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.commands.conftest import Command
from tests.damages import DAMAGES, spoil_copies
from xai.faithfulness.table import Summary

SCORES = (
    *("accuracy", "balanced_accuracy", "precision", "sensitivity", "specificity", "f1", "f2"),
    *("auc", "average_precision", "kappa", "mcc", "brier", "log_loss", "ece"),
)
ENDS = ("", "_ci_low", "_ci_high")
# Other programs read these: a key is added, never renamed or removed.
KEYS = {
    "modelzoo weights": {"backbone", "state", "path", "size_bytes", "weights", "licence"},
    "modelzoo data data": {
        "path", "layout", "id", "images", "classes", "notes", "skipped", "origins", "bytes",
        "doubts", "groups", "of_subjects", "largest_groups", "parts", "formats", "copies",
        "overlaps", "crossings", "repeats", "left_out",
    },
    "modelzoo runs": {
        "run", "date", "state", "title", "backbone", "recipe", "mode", "weights", "data", "split",
        "split_id", "seed", "per", "test_units", "test_images", "test_groups",
        "ms_per_image", "parameters", "seconds", "features",
        "notes", *(f"{score}{end}" for score in SCORES for end in ENDS),
    },
    "modelzoo evaluate lite0-64": {
        "run", "part", "per", "units", "images", "groups", "scores", "by_class", "classes",
        "confusion", "calibration", "notes",
    },
    "modelzoo images --run lite0-64 --run lite0-32": {
        "image", "true_class", "n_correct", "predictions",
    },
    "modelzoo predict --run lite0-64 data/Pro": {
        "image", "predicted", "ood_percentile", "probabilities", "reason",
    },
    "xai methods": {
        "method", "title", "unit", "is_signed", "forward_passes", "cost", "reads", "not_valid",
        "paper", "url",
    },
}  # fmt: skip
NUMBERS = {
    "size_bytes", "images", "units", "seed", "test_units", "test_images", "test_groups", "groups",
    "n_correct", "ood_percentile", "forward_passes",
}  # fmt: skip


def refuse(constant: str) -> Any:
    raise AssertionError(f"{constant} is no JSON")


@pytest.mark.parametrize("typed", KEYS)
def test_json_parses_and_its_keys_stay(command: Command, typed: str) -> None:
    answer = command(*typed.split(" "), "--json")

    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout, parse_constant=refuse)
    records = found if isinstance(found, list) else [found]
    assert records
    for record in records:
        assert set(record) == KEYS[typed]
        for key in NUMBERS & set(record):
            assert isinstance(record[key], int | float), key


@pytest.mark.parametrize("typed", KEYS)
def test_csv_has_one_row_per_record(command: Command, typed: str) -> None:
    answer = command(*typed.split(" "), "--csv")

    assert answer.exit_code == 0, answer.output
    header, *rows = csv.reader(io.StringIO(answer.stdout))
    assert rows
    assert all(len(row) == len(header) for row in rows)


def test_scores_in_csv_carry_what_a_reader_must_know(command: Command, small_home: Path) -> None:
    as_json, as_csv = (
        command("modelzoo", "evaluate", "lite0-64", form).stdout for form in ("--json", "--csv")
    )

    notes = json.loads(as_json)["notes"]
    assert notes
    assert {row["notes"] for row in csv.DictReader(io.StringIO(as_csv))} == {" ".join(notes)}


def test_people_are_told_the_default_scores_and_where_the_others_are(command: Command) -> None:
    answer = command("modelzoo", "evaluate", "lite0-64")
    scores = json.loads(command("modelzoo", "evaluate", "lite0-64", "--json").stdout)["scores"]

    table = answer.stdout.partition("note:")[0]
    assert "Balanced accuracy" in table
    assert "Cohen's kappa" not in table
    assert (
        "(F2, Average precision, Cohen's kappa, MCC, Brier score, Log loss and ECE: --csv"
        in answer.stderr
    )
    assert {each["name"] for each in scores} == set(SCORES)


def test_classes_of_given_parts_are_counted_by_part(command: Command, tmp_path: Path) -> None:
    for place, (name, n) in enumerate((("train/a", 3), ("train/b", 1), ("test/a", 2))):
        (tmp_path / "set" / name).mkdir(parents=True)
        noise = np.random.default_rng(place).integers(0, 256, (n, 32, 32, 3), np.uint8)
        for index, pixels in enumerate(noise):
            Image.fromarray(pixels).save(tmp_path / "set" / name / f"{index}.png")

    asked = ("data", str(tmp_path / "set"), "--store", str(tmp_path / "store"))
    as_text, as_csv = (command("modelzoo", *asked, *form) for form in ((), ("--csv",)))

    rows = list(csv.DictReader(io.StringIO(as_csv.stdout)))
    assert [(row["class"], row["train"], row["validation"], row["test"]) for row in rows] == [
        ("a", "3", "0", "2"),
        ("b", "1", "0", "0"),
    ]
    lines = [line.split() for line in as_text.stdout.splitlines()]
    header = lines.index(["class", "train", "validation", "test"])
    assert lines[header + 1 : header + 3] == [["a", "3", "0", "2"], ["b", "1", "0", "0"]]


def test_quality_lists_what_it_writes(command: Command, small_home: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(small_home / "runs" / "lite0-64", run)

    asked = ("quality", "--run", str(run), "--methods", "grad-cam", "--n", "1")
    as_json, as_csv = (command("xai", *asked, form) for form in ("--json", "--csv"))

    records = json.loads(as_json.stdout, parse_constant=refuse)
    assert set(records[0]) == {field.name for field in fields(Summary)}
    rows = list(csv.DictReader(io.StringIO(as_csv.stdout)))
    assert [row["measure"] for row in rows] == [each["measure"] for each in records]
    assert {each["ci_low"] for each in records} == {None}  # one image, one group


def test_no_run_at_all_is_an_empty_list(command: Command, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()

    answer = command("modelzoo", "runs", "--runs", str(tmp_path / "none"), "--json")

    assert (answer.exit_code, json.loads(answer.stdout)) == (0, [])
    assert command("modelzoo", "runs", "--runs", str(tmp_path / "none")).exit_code == 2
    assert command("modelzoo", "runs", "--runs", str(tmp_path / "gone"), "--json").exit_code == 2


def test_both_forms_at_once_are_refused(command: Command) -> None:
    for typed in KEYS:
        answer = command(*typed.split(" "), "--json", "--csv")

        assert (answer.exit_code, answer.stdout) == (2, "")


def test_a_run_given_twice_is_one_and_two_of_one_name_are_refused(
    command: Command, small_home: Path, tmp_path: Path
) -> None:
    run = small_home / "runs" / "lite0-64"
    other = tmp_path / "lite0-64"
    shutil.copytree(run, other, ignore=shutil.ignore_patterns("*.safetensors"))

    twice = command("modelzoo", "images", "--run", "lite0-64", "--run", str(run), "--json")
    alike = command("modelzoo", "images", "--run", "lite0-64", "--run", str(other), "--json")

    assert [len(each["predictions"]) for each in json.loads(twice.stdout)][:1] == [1]
    assert (alike.exit_code, alike.stdout) == (2, "")
    assert "Two runs of one name" in alike.stderr


@pytest.mark.parametrize("typed", ["weights", "runs", "data data"])
def test_a_line_of_a_listing_has_80_columns_at_most(command: Command, typed: str) -> None:
    answer = command("modelzoo", *typed.split(" "))

    # Sentences, which are no rows of a listing, are as long as they are.
    rows = [line for line in answer.stdout.splitlines() if not line.startswith("  - ")]
    assert max(map(len, rows)) <= 80


def test_damaged_runs_are_sentences_and_the_others_are_listed(
    command: Command, small_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tmp_path / "runs" / "whole"
    shutil.copytree(
        small_home / "runs" / "lite0-64", whole, ignore=shutil.ignore_patterns("*.safetensors")
    )
    # Each damage beside each reader is in tests of runs; here a seventh of them, for their time.
    spoil_copies(DAMAGES[::7], whole, tmp_path / "runs")
    monkeypatch.setenv("BLASTLENS_HOME", str(tmp_path))

    for form in ((), ("--json",), ("--csv",)):
        answer = command("modelzoo", "runs", *form)

        assert answer.exit_code == 0, answer.exception
        assert "whole" in answer.stdout
        assert form != ("--json",) or json.loads(answer.stdout)
    for typed in ("evaluate whole", "images --run whole"):
        assert command("modelzoo", *typed.split(" ")).exit_code == 0


def test_a_damaged_run_that_is_asked_for_is_one_sentence_or_its_scores(
    command: Command, small_home: Path, tmp_path: Path
) -> None:
    some = DAMAGES[1::5]  # of every kind; all of them are in tests of runs
    for damage, copy in zip(
        some, spoil_copies(some, small_home / "runs" / "unfinished", tmp_path), strict=True
    ):
        for typed in ("evaluate", "images --run", "predict data --run"):
            answer = command("modelzoo", *typed.split(" "), str(copy))

            assert answer.exit_code in (0, 2), (damage.name, typed, answer.exception)
            assert answer.exit_code == 0 or answer.stderr.count("\n") == 1


def test_every_option_of_version_0_1_is_there() -> None:
    from typer.main import get_command

    from modelzoo.__main__ import app as zoo
    from xai.__main__ import app as xai

    file = Path(__file__).parents[1] / "data" / "as_of_0_1" / "options.json"
    groups = {"modelzoo": get_command(zoo), "xai": get_command(xai)}
    for typed, options in json.loads(file.read_text()).items():
        module, name = typed.split(" ")
        parameters = groups[module].commands[name].params  # type: ignore[attr-defined]  # a group
        known = {each for one in parameters for each in (*one.opts, *one.secondary_opts)}

        assert {option.strip("<>") for option in options} <= known, typed
