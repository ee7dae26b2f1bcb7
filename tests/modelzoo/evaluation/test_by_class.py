"""Scores of each class against scikit-learn, and cases done by hand."""

import math

import numpy as np
import pytest
from sklearn import metrics

from modelzoo.evaluation import by_class
from modelzoo.evaluation.by_class import ClassScores
from modelzoo.evaluation.clustered import jackknife_interval
from modelzoo.evaluation.intervals import tally
from modelzoo.runs.predictions import Predictions
from tests.run_folders import guess, predictions_of


def score_classes(predictions: Predictions, groups: dict[str, str]) -> list[ClassScores]:
    return by_class.score_classes(tally(predictions, groups), predictions.classes)


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


def test_intervals_of_areas_are_those_of_scores_without_each_group() -> None:
    predictions = guess(np.random.default_rng(3), images=36, skill=1)
    groups = {image: f"g{index // 3:02}" for index, image in enumerate(predictions.images)}

    rare = score_classes(predictions, groups)[1]

    for score, measure in (
        (rare.auc, metrics.roc_auc_score),
        (rare.average_precision, metrics.average_precision_score),
    ):
        without = []
        for group in range(12):
            left = np.arange(36) // 3 != group
            is_it = predictions.labels[left] == 1
            without.append(measure(is_it, predictions.probabilities[left, 1]))
        holding = len({index // 3 for index in np.flatnonzero(predictions.labels == 1)})
        ends = jackknife_interval(score.value, np.array(without), holding)
        assert (score.ci_low, score.ci_high) == pytest.approx(ends, abs=1e-5)


def test_a_class_that_is_never_wrong_rests_on_its_own_groups() -> None:
    labels = np.array([0] * 8 + [1] * 4)
    predictions = predictions_of(labels, 9 * np.eye(2)[labels], classes=("a", "b"))
    groups = {image: f"g{index // 2}" for index, image in enumerate(predictions.images)}

    common, rare = score_classes(predictions, groups)

    assert (common.images, common.groups, rare.images, rare.groups) == (8, 4, 4, 2)
    for each in (common, rare):
        assert each.sensitivity.value == each.sensitivity.ci_high == 1
    # Images of two groups tell less than those of four, and less than an error among four or two.
    assert rare.sensitivity.ci_low < common.sensitivity.ci_low < 0.75
    for score in (rare.auc, rare.average_precision):
        assert score.value == 1
        assert score.ci_low < 0.5


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
