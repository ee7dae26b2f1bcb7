"""`evaluate --calibrated` and `predict --calibrated`."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import log_loss
from typer.testing import CliRunner

from modelzoo.__main__ import app
from modelzoo.evaluation.temperature import read_calibrated
from modelzoo.runs.file_names import TEMPERATURE
from modelzoo.runs.predictions import read_predictions, write_predictions
from modelzoo.runs.records import Temperature, write_record
from tests.run_folders import make_run


def test_evaluate_scales_what_uses_probabilities_and_says_with_what(tmp_path: Path) -> None:
    run = make_run(tmp_path, "net", skill=1)
    scaled = read_calibrated(run.path).only("test")

    answers = [
        CliRunner().invoke(app, ["evaluate", str(run.path), *form])
        for form in (["--json"], ["--json", "--calibrated"], ["--calibrated"])
    ]

    assert [answer.exit_code for answer in answers] == [0, 0, 0]
    plain, calibrated = (json.loads(answer.stdout) for answer in answers[:2])
    before, after = (
        {each["name"]: each["value"] for each in found["scores"]} for found in (plain, calibrated)
    )
    assert after["log_loss"] == pytest.approx(log_loss(scaled.labels, scaled.probabilities))
    assert after["log_loss"] != before["log_loss"]
    assert after["accuracy"] == before["accuracy"]
    assert calibrated["calibration"]["ece"] == after["ece"]
    assert sum(each["images"] for each in calibrated["calibration"]["bins"]) == plain["images"]
    assert calibrated["notes"][0].startswith("Probabilities are scaled with temperature")
    assert "note: Probabilities are scaled with temperature" in answers[2].stdout
    assert not any("scaled" in note for note in plain["notes"])


def test_scores_on_the_images_of_the_fit_are_called_so(tmp_path: Path) -> None:
    run = make_run(tmp_path, "net")

    answer = CliRunner().invoke(
        app, ["evaluate", str(run.path), "--calibrated", "--part", "validation"]
    )

    assert "These are the images that it was fitted on." in answer.stdout.replace("\n", " ")


def test_without_validation_images_nothing_is_scaled(tmp_path: Path) -> None:
    run = make_run(tmp_path, "net")
    found = read_predictions(run.path)
    parts = tuple("train" if part == "validation" else part for part in found.parts)
    write_predictions(run.path, replace(found, parts=parts))

    answer = CliRunner().invoke(app, ["evaluate", str(run.path), "--calibrated"])

    assert answer.exit_code != 0
    assert "'net' has no validation image with a label" in f"{answer.exception}{answer.stderr}"


def test_predict_scales_and_says_with_what(small_home: Path, tmp_path: Path) -> None:
    run = tmp_path / "lite0-64"
    shutil.copytree(small_home / "runs" / "lite0-64", run)
    write_record(run, TEMPERATURE, Temperature(temperature=2.0, images=302, wrong=20, alone=2.0))
    typed = ["predict", "--run", str(run), str(small_home / "data" / "Pro"), "--json"]

    plain, answer = (CliRunner().invoke(app, [*typed, *more]) for more in ([], ["--calibrated"]))

    pairs = list(zip(json.loads(plain.stdout), json.loads(answer.stdout), strict=True))
    assert pairs
    for before, after in pairs:
        assert before["predicted"] == after["predicted"]
        p = np.sqrt(list(before["probabilities"].values()))  # to the power of 1 / temperature
        assert list(after["probabilities"].values()) == pytest.approx(p / p.sum(), abs=1e-5)
    assert "scaled with temperature 2.00, fitted on 302 validation images." in answer.stderr
    assert "scaled" not in plain.stderr
