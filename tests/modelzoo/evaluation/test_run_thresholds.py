"""The operating point of a run folder, and what is kept with it."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from modelzoo import paths
from modelzoo.datasets.splits import Split
from modelzoo.errors import UserError
from modelzoo.evaluation.operating_points import measure
from modelzoo.evaluation.operating_words import describe_choice, describe_kept
from modelzoo.evaluation.run_thresholds import as_kept, find_operating_point, measure_kept
from modelzoo.evaluation.temperature import find_temperature, read_calibrated
from modelzoo.runs.file_names import OPERATING_POINT
from modelzoo.runs.folder import list_runs
from modelzoo.runs.operating_point import keep_point, read_point
from modelzoo.runs.predictions import Predictions, read_predictions, write_predictions
from modelzoo.runs.records import read_split, write_split
from tests.run_folders import CLASSES, make_run

BLASTS = ("Early", "Pre", "Pro")


def test_the_threshold_is_of_validation_and_the_rates_are_of_test(tmp_path: Path) -> None:
    run = make_run(tmp_path, "a", skill=1.0, images=400)
    predictions = read_predictions(run.path)
    validation = predictions.only("validation")
    is_blast = validation.labels > 0
    scores = 1 - validation.probabilities[:, 0].astype(float)

    point = find_operating_point(run, BLASTS, "sensitivity", 0.9)

    assert point.threshold.value is not None
    assert (point.threshold.positives, point.threshold.negatives) == (
        is_blast.sum(),
        (~is_blast).sum(),
    )
    reached = (scores[is_blast] >= point.threshold.value - 1e-6).mean()
    assert point.threshold.sensitivity == pytest.approx(reached)
    assert 0.9 <= reached < 0.9 + 1.5 / is_blast.sum()
    group_by_image = {row.image: row.group for row in read_split(run.path).rows}
    test = predictions.only("test")
    assert point.rates == measure(test, group_by_image, BLASTS, point.threshold.value)
    assert point.share == pytest.approx((test.labels > 0).mean())
    assert point.negative == ("Benign",)
    assert point.notes == ()


def without_part(path: Path, part: str) -> None:
    """Leave the images of one part out of a run, as if there had been none."""
    split, found = read_split(path), read_predictions(path)
    write_split(path, Split(tuple(row for row in split.rows if row.part != part)))
    rows = np.flatnonzero(np.array(found.parts) != part)
    kept = Predictions(
        tuple(found.images[row] for row in rows),
        tuple(found.parts[row] for row in rows),
        found.labels[rows],
        found.classes,
        found.logits[rows],
        found.probabilities[rows],
    )
    write_predictions(path, kept)


def test_without_a_validation_part_a_threshold_can_still_be_typed(tmp_path: Path) -> None:
    run = make_run(tmp_path, "a", images=400)
    without_part(run.path, "validation")

    with pytest.raises(UserError, match="no validation images"):
        find_operating_point(run, BLASTS, "youden")
    assert find_operating_point(run, BLASTS).threshold.value is None
    assert find_operating_point(run, BLASTS, "typed", 0.5).threshold.value == 0.5


def test_a_leaky_choice_is_said(tmp_path: Path) -> None:
    run = make_run(tmp_path, "a", images=400, split="leaky-validation")
    rows = read_split(run.path).rows
    trained = next(row.group for row in rows if row.part == "train")
    first = next(row for row in rows if row.part == "validation")
    write_split(
        run.path,
        Split(
            tuple(
                type(row)(row.image, row.label, trained, row.part) if row == first else row
                for row in rows
            )
        ),
    )

    chosen = find_operating_point(run, BLASTS, "youden").notes
    typed = find_operating_point(run, BLASTS, "typed", 0.5).notes

    assert "changed copies of training images" in chosen[0]
    assert "1 of the 80 validation images shares its group with training images" in chosen[1]
    assert len(typed) == 1


def test_predictions_of_other_images_are_not_measured(tmp_path: Path) -> None:
    run = make_run(tmp_path, "a", images=400)
    split = read_split(run.path)
    left = tuple(row for row in split.rows if row.part != "validation")
    write_split(run.path, Split(left + split.rows[-1:] * (split.rows[-1] not in left)))

    with pytest.raises(UserError, match="validation images"):
        find_operating_point(run, BLASTS, "youden")


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    run = make_run(tmp_path, "a", images=400)
    point = as_kept(find_operating_point(run, BLASTS, "sensitivity", 0.99))
    argmax = as_kept(find_operating_point(run, ("Pro",)))

    assert read_point(run.path) is None
    keep_point(run.path, point)

    assert read_point(run.path) == point
    written = json.loads((run.path / OPERATING_POINT).read_text())
    assert written["schema"] == 1
    assert written["negative"] == ["Benign"]
    assert written["validation_positives"] == point.validation_positives > 0
    keep_point(run.path, argmax)  # in place of the other
    assert read_point(run.path) == argmax
    assert argmax.threshold is None
    assert list_runs(tmp_path)[1] == {}


def test_a_threshold_of_calibrated_scores_is_of_calibrated_images_and_keeps_the_temperature(
    tmp_path: Path,
) -> None:
    run = make_run(tmp_path, "a", skill=1.0, images=400)
    scaled = read_calibrated(run.path)
    validation, test = scaled.only("validation"), scaled.only("test")

    point = find_operating_point(run, BLASTS, "sensitivity", 0.9, calibrated=True)
    plain = find_operating_point(run, BLASTS, "sensitivity", 0.9)

    temperature = find_temperature(run.path).temperature
    assert point.temperature == pytest.approx(temperature)
    assert abs(temperature - 1) > 0.02
    value = point.threshold.value
    assert value is not None
    assert value != plain.threshold.value
    scores = validation.probabilities[:, 1:].sum(1, dtype=float)
    assert (scores[validation.labels > 0] >= value).mean() == point.threshold.sensitivity
    called = test.probabilities[:, 1:].sum(1, dtype=float) >= value
    assert point.rates.found == (called & (test.labels > 0)).sum()
    assert f"sum of the calibrated (temperature {temperature:.2f}) prob" in describe_choice(point)
    assert "calibrated" not in describe_choice(plain)
    assert find_operating_point(run, BLASTS, calibrated=True).temperature is None  # argmax


def test_a_kept_point_is_measured_as_it_was_kept(tmp_path: Path) -> None:
    run = make_run(tmp_path, "a", skill=1.0, images=400)
    point = find_operating_point(run, BLASTS, "sensitivity", 0.9, calibrated=True)
    keep_point(run.path, as_kept(point))
    kept = read_point(run.path)

    assert kept
    assert kept.temperature == point.temperature
    again = measure_kept(run, kept)
    assert again.rates == point.rates
    assert again.threshold.value == point.threshold.value
    assert "where it has" not in describe_choice(again)
    words = f"of calibrated probabilities (temperature {point.temperature:.2f}), by wanted"
    assert words in describe_kept(kept)


@pytest.mark.parametrize("content", ["", "[]", '{"schema": 1}', '{"positive": 3}', "{" * 2000])
def test_a_damaged_record_is_a_sentence(tmp_path: Path, content: str) -> None:
    run = make_run(tmp_path, "a")
    (run.path / OPERATING_POINT).write_text(content)

    with pytest.raises(UserError, match=r"operating_point\.json is damaged"):
        read_point(run.path)


def test_results_that_come_with_the_project_are_not_written_to() -> None:
    run = list_runs(paths.reference_folder())[0][0]
    point = find_operating_point(run, BLASTS)
    before = sorted(run.path.iterdir())

    with pytest.raises(UserError, match="comes with the project"):
        keep_point(run.path, as_kept(point))

    assert sorted(run.path.iterdir()) == before
    assert not math.isnan(point.rates.sensitivity.ci_low)
    assert set(point.choice.positive) | set(point.negative) == set(CLASSES)
