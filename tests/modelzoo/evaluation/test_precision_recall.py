"""Precision-recall curves; scikit-learn and cases done by hand are the oracles."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from modelzoo.evaluation.areas import Floats
from modelzoo.evaluation.precision_recall import (
    PrecisionRecallCurve,
    macro_precision_recall,
    precision_recall_curve,
)


def area_of(curve: PrecisionRecallCurve) -> float:
    return float(np.diff(curve.recall, prepend=0) @ curve.precision)


def height_of(curve: PrecisionRecallCurve, recall: Floats) -> Floats:
    """The precision of the step that ends at, or goes on over, each recall."""
    return curve.precision[np.searchsorted(curve.recall, recall)]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), min_size=2, max_size=40))
@settings(deadline=None)
def test_curves_are_those_of_scikit_learn(images: list[tuple[int, int]]) -> None:
    labels = np.array([label for label, _ in images])
    score = np.array([tenths / 10 for _, tenths in images])
    probabilities = np.column_stack([(1 - score) / 2, score, (1 - score) / 2])

    curve = precision_recall_curve(labels, probabilities, 1)

    is_inside = labels == 1
    if is_inside.all() or not is_inside.any():
        assert curve is None
        return
    assert curve is not None
    wanted = metrics.average_precision_score(is_inside, score)
    assert curve.average_precision == pytest.approx(wanted)
    assert area_of(curve) == pytest.approx(wanted)
    precision, recall, _ = metrics.precision_recall_curve(is_inside, score)
    rises = recall[:-1] > recall[1:]  # from the lowest threshold up: the last of one recall
    assert height_of(curve, recall[:-1][rises]) == pytest.approx(precision[:-1][rises])
    assert (np.diff(curve.recall) > 0).all()
    assert curve.recall[-1] == 1
    assert curve.chance == is_inside.mean()


def test_a_curve_by_hand() -> None:
    # In order: in, out, in, in. Steps up to a third, two thirds and 1.
    score = np.array([0.9, 0.8, 0.7, 0.6])
    labels = np.array([1, 0, 1, 1])

    curve = precision_recall_curve(labels, np.column_stack([1 - score, score]), 1)

    assert curve is not None
    assert curve.recall.tolist() == pytest.approx([1 / 3, 2 / 3, 1])
    assert curve.precision.tolist() == pytest.approx([1, 2 / 3, 3 / 4])
    assert curve.operating_point == pytest.approx((1, 3 / 4))  # all four are over a half
    assert curve.chance == 0.75


def test_steps_of_one_precision_are_one_and_a_class_never_predicted_has_no_point() -> None:
    score = np.array([0.4, 0.3, 0.2, 0.1])

    curve = precision_recall_curve(np.array([1, 1, 0, 0]), np.column_stack([1 - score, score]), 1)

    assert curve is not None
    assert (curve.recall.tolist(), curve.precision.tolist()) == ([1], [1])
    assert curve.average_precision == 1
    assert curve.operating_point[0] == 0
    assert math.isnan(curve.operating_point[1])


def test_the_macro_curve_has_the_mean_height_and_the_mean_area() -> None:
    generator = np.random.default_rng(1)
    labels = generator.integers(0, 3, 60)
    probabilities = generator.dirichlet(np.ones(3), 60)
    curves = [
        curve for k in range(3) if (curve := precision_recall_curve(labels, probabilities, k))
    ]

    macro = macro_precision_recall(curves)

    wanted = [metrics.average_precision_score(labels == k, probabilities[:, k]) for k in range(3)]
    assert macro.average_precision == pytest.approx(np.mean(wanted))
    assert area_of(macro) == pytest.approx(macro.average_precision)
    recall = np.linspace(0.01, 1, 50)
    assert height_of(macro, recall) == pytest.approx(
        np.mean([height_of(curve, recall) for curve in curves], axis=0)
    )
    predicted = probabilities.argmax(1)
    assert macro.operating_point == pytest.approx(
        (
            metrics.recall_score(labels, predicted, average="macro"),
            metrics.precision_score(labels, predicted, average="macro"),
        )
    )
    assert macro.chance == pytest.approx(1 / 3)
