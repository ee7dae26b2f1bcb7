"""scikit-learn is the oracle; what it has not is done by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.calibration import calibration_curve

from modelzoo.evaluation.losses import (
    brier_score,
    calibration_error,
    confidence_and_outcome,
    expected_calibration_error,
    in_bins,
    log_loss,
)
from modelzoo.evaluation.metrics import METRICS


@pytest.mark.parametrize("classes", [2, 4])
def test_brier_score_and_log_loss_are_those_of_scikit_learn(classes: int) -> None:
    generator = np.random.default_rng(classes)
    labels = generator.integers(0, classes, 150)
    probabilities = generator.dirichlet(np.full(classes, 0.5), 150).astype(np.float32)
    weights = generator.integers(0, 4, (150, 3)).astype(np.float32)

    brier, loss = (measure(labels, probabilities, weights) for measure in (brier_score, log_loss))

    for b in range(3):
        given = {"sample_weight": weights[:, b], "labels": range(classes)}
        exact = probabilities.astype(np.float64)
        exact /= exact.sum(1, keepdims=True)
        assert loss[b] == pytest.approx(metrics.log_loss(labels, exact, **given), abs=1e-5)
        wanted = (
            metrics.brier_score_loss(labels, exact, scale_by_half=True, **given)
            if classes > 2
            else metrics.brier_score_loss(labels, exact[:, 1], sample_weight=weights[:, b])
        )
        assert brier[b] == pytest.approx(wanted, abs=1e-6)


def test_certainty_in_a_wrong_class_has_the_highest_brier_score_and_a_finite_log_loss() -> None:
    labels, once = np.array([0, 1]), np.ones((2, 1))

    wrong, right = np.eye(2, dtype=np.float32)[[1, 0]], np.eye(2, dtype=np.float32)

    assert brier_score(labels, wrong, once).tolist() == [1]
    # As scikit-learn has it for probabilities of this kind.
    assert log_loss(labels, wrong, once)[0] == pytest.approx(metrics.log_loss(labels, wrong))
    assert f"{log_loss(labels, wrong, once)[0]:.1f}" in METRICS["log_loss"].help
    assert brier_score(labels, right, once) == log_loss(labels, right, once) == 0
    assert METRICS["log_loss"].highest == math.inf


@pytest.mark.parametrize("decimals", [1, 6])  # one decimal: many are equally confident
@pytest.mark.parametrize("bins", [1, 4, 10])
def test_bins_are_those_of_scikit_learns_calibration_curve(decimals: int, bins: int) -> None:
    generator = np.random.default_rng(bins)
    confidence = generator.random(130).round(decimals)
    came = generator.random(130) < confidence

    members = in_bins(confidence, bins).astype(float)

    shares, confidences = calibration_curve(came, confidence, n_bins=bins, strategy="quantile")
    assert members @ came / members.sum(1) == pytest.approx(shares)
    assert members @ confidence / members.sum(1) == pytest.approx(confidences)
    assert (members.sum(0) == 1).all()


def test_bins_have_ten_images_or_more_and_are_ten_at_most() -> None:
    confidence = np.random.default_rng(0).random(1000)

    assert [len(in_bins(confidence[:n])) for n in (1, 9, 19, 20, 99, 1000)] == [1, 1, 1, 2, 9, 10]
    assert in_bins(confidence[:95]).sum(1).min() >= 10
    assert len(in_bins(np.full(100, 0.7))) == 1


def test_the_calibration_error_of_two_bins_by_hand() -> None:
    # Ten images at .6 of which 8 are right, twenty at .9 of which 17 are: 10/30 .2 + 20/30 .05.
    confidence = np.repeat([0.6, 0.9], [10, 20])
    outcome = np.concatenate([np.arange(10) < 8, np.arange(20) < 17])

    error = calibration_error(confidence, outcome, np.ones((30, 1)))

    assert error == pytest.approx(0.1)


@given(st.integers(0, 10**6))
@settings(deadline=None, max_examples=30)
def test_weights_count_images_as_often_in_the_bins_of_all_of_them(seed: int) -> None:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 3, 60)
    probabilities = generator.dirichlet(np.ones(3), 60)
    weights = generator.integers(0, 3, (60, 2)).astype(np.float64)

    errors = expected_calibration_error(labels, probabilities, weights)

    confidence, outcome = confidence_and_outcome(labels, probabilities)
    for b in range(2):
        times = weights[:, b].astype(int)
        off = 0.0
        for inside in in_bins(confidence):
            rows = np.repeat(np.flatnonzero(inside), times[inside])
            off += abs((confidence[rows] - outcome[rows]).sum())
        assert errors[b] == pytest.approx(off / times.sum())
        assert 0 <= errors[b] <= 1


def test_a_class_is_right_where_an_image_is_of_it() -> None:
    probabilities = np.array([[0.7, 0.3], [0.4, 0.6]])

    confidence, outcome = confidence_and_outcome(np.array([0, 0]), probabilities, 0)

    assert confidence.tolist() == [0.7, 0.4]
    assert outcome.tolist() == [True, True]
