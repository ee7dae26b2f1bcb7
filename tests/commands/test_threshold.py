"""`python -m modelzoo threshold`."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from modelzoo import paths
from modelzoo.__main__ import app as zoo
from modelzoo.evaluation.predictive_values import predictive_values
from modelzoo.evaluation.run_thresholds import find_operating_point
from modelzoo.runs.file_names import OPERATING_POINT
from modelzoo.runs.operating_point import read_point
from modelzoo.runs.predictions import read_predictions, write_predictions
from tests.modelzoo.evaluation.test_run_thresholds import without_part
from tests.run_folders import make_run

BLASTS = ("Early", "Pre", "Pro")


def threshold(run: Path, *arguments: str) -> Result:
    return CliRunner().invoke(zoo, ["threshold", str(run), *arguments])


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path, "a", skill=1.0, images=400).path


def test_json_has_what_the_page_shows(run: Path) -> None:
    from modelzoo.runs.folder import read_run

    point = find_operating_point(read_run(run), BLASTS, "sensitivity", 0.99)
    values = predictive_values(point.rates, 0.1)

    classes = ("--positive", "Early,Pre, Pro")
    answer = threshold(run, *classes, "--sensitivity", "0.99", "--prevalence", "0.1", "--json")

    found = json.loads(answer.stdout)
    assert answer.exit_code == 0
    assert found["positive"] == list(BLASTS)
    assert found["negative"] == ["Benign"]
    assert found["threshold"] == point.threshold.value
    assert (found["criterion"], found["wanted"]) == ("sensitivity", 0.99)
    assert found["validation_positives"] == point.threshold.positives
    assert found["sensitivity"] == point.rates.sensitivity.value
    assert found["ppv"] == values.ppv.value
    assert (found["npv_ci_low"], found["npv_ci_high"]) == (values.npv.ci_low, values.npv.ci_high)
    assert found["prevalence_is_set"] is True
    assert not (run / OPERATING_POINT).exists()


def test_what_is_printed_names_the_sets_and_the_limits(run: Path) -> None:
    answer = threshold(run, "--youden")

    assert answer.exit_code == 0
    lines = answer.stdout.splitlines()
    assert "on the validation images (60 positive, 20 negative)" in lines[0]
    assert lines[1].split() == ["on", "the", "test", "images", "value", "(95", "%", "CI)"]
    assert any(line.startswith("At 75.0 %, the share among the test images, ") for line in lines)
    assert any(line.startswith("Of 1,000 patients, 750 of whom") for line in lines)
    assert any("Images are not patients" in line for line in lines)


def test_what_is_kept_is_what_the_next_call_begins_with(run: Path) -> None:
    kept = threshold(run, "--positive", "Pro", "--specificity", "0.9", "--keep")
    again = json.loads(threshold(run, "--json").stdout)
    other = json.loads(threshold(run, "--json", "--at", "0.25").stdout)
    default = json.loads(threshold(run, "--json", "--positive", ",".join(BLASTS)).stdout)

    assert "Kept with run a." in kept.output
    record = read_point(run)
    assert record
    assert (again["positive"], again["threshold"]) == (["Pro"], record.threshold)
    assert (other["positive"], other["threshold"]) == (["Pro"], 0.25)
    assert (default["criterion"], default["threshold"]) == ("argmax", None)


def test_a_calibrated_threshold_is_kept_and_taken_again_with_its_temperature(run: Path) -> None:
    typed = ("--sensitivity", "0.9", "--calibrated", "--json")

    kept = json.loads(threshold(run, *typed, "--keep").stdout)
    again = json.loads(threshold(run, "--json").stdout)
    plain = json.loads(threshold(run, "--sensitivity", "0.9", "--json").stdout)

    assert kept["temperature"] > 0
    assert (again["threshold"], again["temperature"]) == (kept["threshold"], kept["temperature"])
    assert plain["temperature"] is None
    assert plain["threshold"] != kept["threshold"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--positive", "Late"], "Class 'Late' is unknown; the classes are Benign, Early, Pre and"),
        (["--positive", ""], "No class is positive"),
        (["--sensitivity", "99"], "A sensitivity of 99 was given; it lies between 0 and 1."),
        (["--at", "1.5"], "A threshold of 1.5 was given; it lies between 0 and 1."),
        (["--youden", "--at", "0.5"], "--youden and --at were given; give one of them."),
        (["--prevalence", "0"], "At a prevalence of 0 % every negative result is right"),
        (["--prevalence", "10"], "A prevalence of 10 was given; it lies between 0 and 1, as 0.1"),
    ],
)
def test_what_cannot_be_is_a_sentence(run: Path, arguments: list[str], sentence: str) -> None:
    answer = threshold(run, *arguments, "--keep")

    assert answer.exit_code == 2
    assert sentence in answer.stderr
    assert len(answer.stderr.splitlines()) == 1
    assert not answer.stdout
    assert not (run / OPERATING_POINT).exists()


def test_a_run_without_validation_images_is_a_sentence(run: Path) -> None:
    without_part(run, "validation")

    answer = threshold(run, "--sensitivity", "0.9")

    assert answer.exit_code == 2
    assert "There are no validation images with a label" in answer.stderr


def test_classes_that_are_not_known_have_to_be_given(run: Path) -> None:
    from dataclasses import replace

    from modelzoo.runs.file_names import SPLIT

    names = ("cat", "dog, large", "Pre", "Pro")
    split = (run / SPLIT).read_text().replace(",Benign,", ",cat,")
    (run / SPLIT).write_text(split.replace(",Early,", ',"dog, large",'))
    write_predictions(run, replace(read_predictions(run), classes=names))

    unknown, one = threshold(run), threshold(run, "--positive", "dog, large", "--json")

    assert unknown.exit_code == 2
    assert "give them, as --positive cat." in unknown.stderr
    assert json.loads(one.stdout)["positive"] == ["dog, large"]


def test_results_that_come_with_the_project_are_not_written_to() -> None:
    run = paths.reference_folder() / "lite0-grouped"

    answer = threshold(run, "--keep")

    assert answer.exit_code == 2
    assert "comes with the project" in answer.stderr
    assert not (run / OPERATING_POINT).exists()
