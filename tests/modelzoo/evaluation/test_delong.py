"""Areas of grouped images against published figures, scikit-learn and a permutation."""

import math

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from modelzoo.evaluation.delong import area_differences, holm, place, variance

# Patients with the scores of their positive and negative images.
PATIENTS = (
    ((0.9, 0.8), (0.3,)),
    ((0.7,), (0.6, 0.2)),
    ((0.4,), (0.5,)),
    ((), (0.1, 0.35)),
)


def images() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, probabilities of two classes and groups of `PATIENTS`."""
    found = [
        (label, score, patient)
        for patient, scores in enumerate(PATIENTS)
        for label, of_label in zip((1, 0), scores, strict=True)
        for score in of_label
    ]
    labels, scores, groups = (np.array(each) for each in zip(*found, strict=True))
    return labels, np.stack([1 - scores, scores], 1), groups


def test_area_and_variances_are_the_published_ones() -> None:
    labels, probabilities, groups = images()

    grouped = place(labels, probabilities, groups, [1])
    alone = place(labels, probabilities, np.arange(10), [1])

    assert grouped.areas == pytest.approx([0.916667], abs=1e-6)
    # Of patients: three hold positive images, four negative ones.
    clustered = variance(grouped.inside, grouped.outside, (3 / 2, 4 / 3, 4 / 3))
    assert clustered == pytest.approx(0.017088, abs=1e-6)
    # DeLong's: 4 positive and 6 negative images, each a group.
    delong = variance(alone.inside, alone.outside, (4 / 3, 6 / 5, 0.0))
    assert delong == pytest.approx(0.009722, abs=1e-6)


def test_differences_are_those_of_scikit_learn_and_not_found_between_equal_models() -> None:
    random = np.random.default_rng(0)
    found = 0
    for number in range(200):
        labels = np.concatenate([[0, 1, 2], random.integers(0, 3, 57)])
        groups = np.repeat(np.arange(30), 2)
        shared = random.normal(size=(60, 3)) + random.normal(size=(30, 3))[groups]
        models = [2 * np.eye(3)[labels] + shared + random.normal(size=(60, 3)) for _ in range(3)]
        pairs = area_differences(labels, models, groups)
        found += any(pair.p < 0.05 for pair in pairs)
        if number == 0:
            areas = [
                np.mean([roc_auc_score(labels == k, model[:, k]) for k in range(3)])
                for model in models
            ]
            for pair in pairs:
                assert pair.value == pytest.approx(areas[pair.first] - areas[pair.second])
                assert pair.ci_low < pair.value < pair.ci_high

    assert found <= 20  # 5 % of 200 are 10


def test_one_pair_of_single_images_is_delongs_test() -> None:
    random = np.random.default_rng(3)
    labels = random.integers(0, 2, 400)
    scores = [random.normal(size=400) + skill * labels for skill in (1.5, 0.8)]

    (pair,) = area_differences(
        labels, [np.stack([-each, each], 1) for each in scores], np.arange(400), 1
    )

    v10, v01 = [], []
    for each in scores:
        own, others = each[labels == 1], each[labels == 0]
        v10.append([(others < value).mean() for value in own])
        v01.append([(own > value).mean() for value in others])
    s10, s01 = np.cov(v10), np.cov(v01)
    covariance = s10 / (labels == 1).sum() + s01 / (labels == 0).sum()
    error = math.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    assert pair.p == pytest.approx(2 * stats.norm.sf(pair.value / error), rel=0.4)
    assert pair.ci_high - pair.ci_low == pytest.approx(2 * 1.96 * error, rel=0.02)


def test_without_images_on_both_sides_or_a_second_group_nothing_is_tested() -> None:
    labels, probabilities, groups = images()

    assert area_differences(np.zeros(10, int), [probabilities] * 2, groups, 1) == []
    (same,) = area_differences(labels, [probabilities] * 2, groups, 1)
    (one_group,) = area_differences(labels, [probabilities, probabilities**9], 0 * groups, 1)
    assert same.value == 0
    assert math.isnan(same.p)
    assert math.isnan(one_group.p)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, math.nan, 0.9])[0] == 1
    assert math.isnan(holm([0.5, math.nan])[1])
    assert holm([]) == []
