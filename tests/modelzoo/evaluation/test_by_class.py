"""Scores of each class against scikit-learn, a loop over resamples, and cases done by hand."""

import math

import numpy as np
import pytest
from sklearn import metrics

from modelzoo.evaluation import by_class
from modelzoo.evaluation.by_class import ClassScores
from modelzoo.evaluation.intervals import RESAMPLES, draw_groups, resample, wilson_interval
from modelzoo.runs.predictions import Predictions
from tests.run_folders import guess, predictions_of


def score_classes(
    predictions: Predictions, groups: dict[str, str], resamples: int = RESAMPLES
) -> list[ClassScores]:
    drawn = resample(predictions, groups, resamples=resamples)
    return by_class.score_classes(drawn, predictions.classes)


def test_scores_of_a_class_are_those_of_scikit_learn() -> None:
    predictions = guess(np.random.default_rng(0), images=80)
    true, given = predictions.labels, predictions.probabilities.argmax(1)

    found = score_classes(predictions, {})

    assert [each.name for each in found] == list(predictions.classes)
    assert [each.sensitivity.value for each in found] == pytest.approx(
        metrics.recall_score(true, given, average=None).tolist()
    )
    assert [each.precision.value for each in found] == pytest.approx(
        metrics.precision_score(true, given, average=None).tolist()
    )
    assert [each.auc.value for each in found] == pytest.approx(
        [metrics.roc_auc_score(true == k, predictions.probabilities[:, k]) for k in range(4)]
    )
    assert [each.average_precision.value for each in found] == pytest.approx(
        [
            metrics.average_precision_score(true == k, predictions.probabilities[:, k])
            for k in range(4)
        ]
    )
    assert [each.predicted for each in found] == np.bincount(given).tolist()


def test_intervals_are_those_of_a_loop_over_the_resamples_that_have_the_class() -> None:
    predictions = guess(np.random.default_rng(3), images=36, skill=1)
    groups = {image: f"g{index // 3:02}" for index, image in enumerate(predictions.images)}

    rare = score_classes(predictions, groups, resamples=200)[1]

    sensitivities, precisions, areas, means = [], [], [], []
    for drawn in draw_groups(12, resamples=200, seed=0).T:
        weight = np.repeat(drawn, 3).astype(int)
        index = np.repeat(np.arange(36), weight)
        is_it = predictions.labels[index] == 1
        is_said = predictions.probabilities[index].argmax(1) == 1
        if is_it.any():
            sensitivities.append(is_said[is_it].mean())
            areas.append(metrics.roc_auc_score(is_it, predictions.probabilities[index, 1]))
            means.append(
                metrics.average_precision_score(is_it, predictions.probabilities[index, 1])
            )
        if is_said.any():
            precisions.append(is_it[is_said].mean())
    for score, values in (
        (rare.sensitivity, sensitivities),
        (rare.precision, precisions),
        (rare.auc, areas),
        (rare.average_precision, means),
    ):
        assert [score.ci_low, score.ci_high] == pytest.approx(
            np.quantile(values, [0.025, 0.975]).tolist(), abs=1e-6
        )


def test_a_class_that_is_never_wrong_has_the_interval_of_wilson_for_its_own_groups() -> None:
    labels = np.array([0] * 8 + [1] * 4)
    predictions = predictions_of(labels, 9 * np.eye(2)[labels], classes=("a", "b"))
    groups = {image: f"g{index // 2}" for index, image in enumerate(predictions.images)}

    common, rare = score_classes(predictions, groups)

    assert (common.images, common.groups, rare.images, rare.groups) == (8, 4, 4, 2)
    for each in (common, rare):
        limits = wilson_interval(1.0, each.groups)
        assert (each.sensitivity.ci_low, each.sensitivity.ci_high) == pytest.approx(limits)
    for score in (rare.auc, rare.average_precision):
        assert score.ci_low == pytest.approx(wilson_interval(1.0, 2)[0])


def test_classes_that_are_missing_alone_or_never_predicted() -> None:
    # a: in one group; b: never predicted; c: no image, predicted once.
    labels = [0, 0, 1, 1, 1]
    logits = np.eye(3)[[0, 0, 0, 0, 2]]
    predictions = predictions_of(labels, logits, classes=("a", "b", "c"))
    groups = dict(zip(predictions.images, ["g", "g", "h", "i", "j"], strict=True))

    a, b, c = score_classes(predictions, groups)

    assert (a.sensitivity.value, a.precision.value) == (1, 0.5)
    assert math.isnan(a.sensitivity.ci_low)
    assert a.sensitivity.note == "All images belong to one group: no interval is possible."
    assert (b.sensitivity.value, b.predicted) == (0, 0)
    assert math.isnan(b.precision.value)
    assert (c.images, c.groups, c.predicted, c.precision.value) == (0, 0, 1, 0)
    assert math.isnan(c.sensitivity.value)
    assert math.isnan(c.auc.value)


def test_without_images_nothing_is_defined() -> None:
    found = score_classes(predictions_of([], np.zeros((0, 2)), classes=("a", "b")), {})

    assert all(math.isnan(each.sensitivity.value) for each in found)
    assert all(math.isnan(each.auc.value) for each in found)
