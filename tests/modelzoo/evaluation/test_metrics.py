"""scikit-learn is the oracle; what it leaves undefined is done by hand."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from modelzoo.evaluation.areas import (
    Integers,
    auc_by_class,
    average_precision_by_class,
    macro_auc_without_each,
)
from modelzoo.evaluation.metrics import METRICS, scores_of_confusion
from modelzoo.evaluation.roc import macro_roc, roc_curve


def counted(labels: Integers, predicted: Integers, weights: Integers, classes: int) -> Integers:
    cells = np.zeros((classes, classes), np.int64)
    np.add.at(cells, (labels, predicted), weights)
    return cells


@pytest.mark.parametrize("classes", [2, 4, 7])
@pytest.mark.parametrize("weighted", [False, True])
def test_scores_are_those_of_scikit_learn(classes: int, weighted: bool) -> None:
    generator = np.random.default_rng(classes)
    labels = generator.integers(0, classes, 200)
    predicted = np.where(generator.random(200) < 0.7, labels, generator.integers(0, classes, 200))
    weights = generator.integers(0, 4, 200) if weighted else np.ones(200, np.int64)

    scores = scores_of_confusion(counted(labels, predicted, weights, classes))

    precision, sensitivity, f1, _ = metrics.precision_recall_fscore_support(
        labels, predicted, sample_weight=weights, average="macro", zero_division=0
    )
    assert scores["accuracy"] == pytest.approx(
        metrics.accuracy_score(labels, predicted, sample_weight=weights)
    )
    assert scores["balanced_accuracy"] == pytest.approx(
        metrics.balanced_accuracy_score(labels, predicted, sample_weight=weights)
    )
    assert scores["precision"] == pytest.approx(precision)
    assert scores["sensitivity"] == pytest.approx(sensitivity)
    assert scores["f1"] == pytest.approx(f1)
    assert scores["f2"] == pytest.approx(
        metrics.fbeta_score(labels, predicted, beta=2, sample_weight=weights, average="macro")
    )
    assert scores["kappa"] == pytest.approx(
        metrics.cohen_kappa_score(labels, predicted, sample_weight=weights)
    )
    assert scores["mcc"] == pytest.approx(
        metrics.matthews_corrcoef(labels, predicted, sample_weight=weights)
    )
    specificity = [
        metrics.recall_score(labels != k, predicted != k, sample_weight=weights)
        for k in range(classes)
    ]
    assert scores["specificity"] == pytest.approx(np.mean(specificity))


def test_many_matrices_are_scored_as_each_alone() -> None:
    cells = np.random.default_rng(0).integers(0, 9, (5, 3, 3))

    together = scores_of_confusion(cells)

    for name, values in together.items():
        alone = [float(scores_of_confusion(one)[name]) for one in cells]
        assert values == pytest.approx(alone)


def test_a_class_without_images_is_left_out_of_the_means_and_hurts_precision_of_none() -> None:
    confusion = [[3, 0, 1], [0, 4, 0], [0, 0, 0]]

    scores = scores_of_confusion(confusion)

    assert scores["sensitivity"] == pytest.approx((3 / 4 + 1) / 2)
    assert scores["precision"] == pytest.approx(1.0)
    assert scores["f1"] == pytest.approx((6 / 7 + 1) / 2)


def test_a_class_never_predicted_has_precision_zero() -> None:
    scores = scores_of_confusion([[5, 0], [5, 0]])

    assert scores["precision"] == pytest.approx(0.25)


def test_what_no_image_can_tell_is_nan() -> None:
    assert all(np.isnan(value) for value in scores_of_confusion(np.zeros((3, 3))).values())
    assert np.isnan(scores_of_confusion([[4, 1], [0, 0]])["specificity"])


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=30))
@settings(deadline=None)
def test_agreement_of_any_predictions_is_that_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    labels, predicted = np.array(pairs).T

    scores = scores_of_confusion(counted(labels, predicted, np.ones(len(pairs), np.int64), 3))

    for name in ("kappa", "mcc"):
        assert np.isnan(scores[name]) == (len(np.unique(labels)) == 1)
        assert not abs(scores[name]) > 1 + 1e-12
    if len(np.unique(labels)) > 1:
        assert scores["kappa"] == pytest.approx(metrics.cohen_kappa_score(labels, predicted))
        assert scores["mcc"] == pytest.approx(metrics.matthews_corrcoef(labels, predicted))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class that is predicted and has no image
        wanted = metrics.fbeta_score(
            labels, predicted, beta=2, average="macro", labels=np.unique(labels)
        )
    assert scores["f2"] == pytest.approx(wanted)


def test_agreement_by_hand() -> None:
    # 35 of 50 agree, and by chance 25 would: (0.7 - 0.5) / (1 - 0.5).
    assert scores_of_confusion([[20, 5], [10, 15]])["kappa"] == pytest.approx(0.4)
    # 6 of 8 and 3 of 4 are found, in 7 and 5 predictions: 6 by 3 less 1 by 2 is 16.
    assert scores_of_confusion([[6, 2], [1, 3]])["mcc"] == pytest.approx(
        16 / np.sqrt(7 * 8 * 4 * 5)
    )
    # Precision 6 / 7 and 3 / 5, sensitivity 6 / 8 and 3 / 4.
    f2 = np.mean([5 * p * s / (4 * p + s) for p, s in ((6 / 7, 6 / 8), (3 / 5, 3 / 4))])
    assert scores_of_confusion([[6, 2], [1, 3]])["f2"] == pytest.approx(f2)
    for name in ("kappa", "mcc"):
        assert scores_of_confusion([[0, 5], [5, 0]])[name] == METRICS[name].lowest == -1
        assert scores_of_confusion(np.diag([7, 11, 13]))[name] == 1
        assert scores_of_confusion([[5, 0], [5, 0]])[name] == 0
        assert np.isnan(scores_of_confusion([[4, 1], [0, 0]])[name])


@pytest.mark.parametrize("decimals", [1, 6])  # one decimal: many ties
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_weighted_average_precision_is_that_of_scikit_learn(
    decimals: int, kind: type[np.floating]
) -> None:
    generator = np.random.default_rng(decimals)
    labels = generator.integers(0, 3, 150)
    probabilities = generator.dirichlet(np.ones(3), 150).round(decimals)
    weights = generator.integers(0, 3, (150, 4)).astype(kind)
    weights[:, 3] *= generator.random(150).astype(kind)

    means = average_precision_by_class(labels, probabilities, weights)

    for k in range(3):
        for b in range(4):
            expected = metrics.average_precision_score(
                labels == k, probabilities[:, k], sample_weight=weights[:, b]
            )
            assert means[k, b] == pytest.approx(expected, abs=1e-6)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=2, max_size=20))
@settings(deadline=None)
def test_average_precision_with_any_ties_is_that_of_scikit_learn(
    images: list[tuple[bool, int]],
) -> None:
    labels = np.array([int(is_inside) for is_inside, _ in images])
    score = np.array([tenths / 10 for _, tenths in images])

    _, found = average_precision_by_class(
        labels, np.column_stack([1 - score, score]), np.ones((len(images), 1))
    )

    if len(set(labels)) == 2:
        assert found[0] == pytest.approx(metrics.average_precision_score(labels, score))
    else:
        assert np.isnan(found[0])


def test_average_precision_by_hand() -> None:
    # In order: in, out, in. Precision 1 at the first, 2 / 3 at the second of the two.
    score = np.array([0.9, 0.6, 0.3])
    probabilities = np.column_stack([1 - score, score])
    weights = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 1.0]])  # the second lacks the first image

    _, found = average_precision_by_class(np.array([1, 0, 1]), probabilities, weights)

    assert found.tolist() == pytest.approx([(1 + 2 / 3) / 2, 1 / 2])


def test_the_average_precision_of_a_missing_class_is_nan() -> None:
    means = average_precision_by_class(np.array([0, 0, 1]), np.eye(3), np.ones((3, 1)))

    assert np.isnan(means[2, 0])
    assert not np.isnan(means[:2]).any()


@pytest.mark.parametrize("decimals", [1, 6])  # one decimal: many ties
def test_weighted_areas_are_those_of_scikit_learn(decimals: int) -> None:
    generator = np.random.default_rng(decimals)
    labels = generator.integers(0, 3, 150)
    probabilities = generator.dirichlet(np.ones(3), 150).round(decimals)
    weights = generator.integers(0, 3, (150, 4)).astype(float)

    areas = auc_by_class(labels, probabilities, weights)

    for k in range(3):
        for b in range(4):
            expected = metrics.roc_auc_score(
                labels == k, probabilities[:, k], sample_weight=weights[:, b]
            )
            assert areas[k, b] == pytest.approx(expected)


@pytest.mark.parametrize("decimals", [1, 6])
def test_areas_without_each_group_are_those_of_scikit_learn(decimals: int) -> None:
    generator = np.random.default_rng(decimals)
    labels = generator.integers(0, 3, 60)
    probabilities = generator.dirichlet(np.ones(3), 60).round(decimals)
    group = np.concatenate([np.arange(7), generator.integers(0, 7, 53)])

    areas = macro_auc_without_each(labels, probabilities, group)

    for g in range(7):
        rest = group != g
        of_classes = [
            metrics.roc_auc_score(labels[rest] == k, probabilities[rest, k]) for k in range(3)
        ]
        assert areas[g] == pytest.approx(np.mean(of_classes))


def test_the_area_without_the_only_group_of_a_class_is_nan() -> None:
    labels, group = np.array([0, 0, 1, 0]), np.array([0, 1, 2, 2])

    areas = macro_auc_without_each(labels, np.eye(4)[:, :2], group)

    assert np.isnan(areas).tolist() == [False, False, True]


def test_the_area_of_a_missing_class_is_nan() -> None:
    areas = auc_by_class(np.array([0, 0, 1]), np.eye(3), np.ones((3, 1)))

    assert np.isnan(areas[2, 0])
    assert not np.isnan(areas[:2]).any()


@pytest.mark.parametrize("decimals", [1, 6])
def test_roc_curves_are_those_of_scikit_learn(decimals: int) -> None:
    generator = np.random.default_rng(decimals)
    labels = generator.integers(0, 3, 80)
    probabilities = generator.dirichlet(np.ones(3), 80).round(decimals)

    curve = roc_curve(labels, probabilities, 1)

    assert curve is not None
    rate, sensitivity, _ = metrics.roc_curve(labels == 1, probabilities[:, 1])
    assert curve.area == pytest.approx(metrics.auc(rate, sensitivity))
    assert np.interp(rate + 1e-9, curve.false_positive_rate, curve.sensitivity) == pytest.approx(
        np.interp(rate + 1e-9, rate, sensitivity), abs=1e-6
    )


def test_the_operating_point_is_that_of_the_answers_given() -> None:
    generator = np.random.default_rng(3)
    labels = generator.integers(0, 3, 80)
    probabilities = generator.dirichlet(np.ones(3), 80)
    cells = metrics.confusion_matrix(labels, probabilities.argmax(1))

    curves = [curve for k in range(3) if (curve := roc_curve(labels, probabilities, k))]

    for k, curve in enumerate(curves):
        found = cells[k, k] / cells[k].sum()
        let_in = (cells[:, k].sum() - cells[k, k]) / (cells.sum() - cells[k].sum())
        assert curve.operating_point == pytest.approx((let_in, found))
        below = np.interp(let_in + 1e-9, curve.false_positive_rate, curve.sensitivity)
        assert found <= below + 1e-6
    assert macro_roc(curves).operating_point == pytest.approx(
        np.mean([curve.operating_point for curve in curves], axis=0)
    )


def test_a_roc_curve_needs_images_on_both_sides() -> None:
    assert roc_curve(np.array([1, 1]), np.eye(2), 1) is None
    assert roc_curve(np.array([1, 1]), np.eye(2), 0) is None


def test_the_macro_curve_has_the_mean_height_and_the_mean_area() -> None:
    generator = np.random.default_rng(1)
    labels = generator.integers(0, 3, 60)
    probabilities = generator.dirichlet(np.ones(3), 60)
    curves = [curve for k in range(3) if (curve := roc_curve(labels, probabilities, k))]

    macro = macro_roc(curves)

    drawn = np.trapezoid(macro.sensitivity, macro.false_positive_rate)
    assert macro.area == pytest.approx(np.mean([curve.area for curve in curves]))
    assert drawn == pytest.approx(macro.area)
    assert (np.diff(macro.sensitivity) >= -1e-12).all()
