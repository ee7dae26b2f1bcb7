"""Thresholds of a group of classes, against scikit-learn and cases by hand."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics

from modelzoo.errors import UserError
from modelzoo.evaluation.operating_points import (
    Criterion,
    call_positive,
    choose,
    choose_threshold,
    group_scores,
    measure,
    suggest_positive,
)
from modelzoo.runs.predictions import Predictions
from tests.run_folders import CLASSES, guess, predictions_of

BLASTS = ("Early", "Pre", "Pro")
HEM = ("all", "hem")


def scored(scores: list[float], labels: list[int]) -> Predictions:
    """Predictions of `all` against `hem` in which `all`, label 0, has these probabilities."""
    found = predictions_of(labels, np.zeros((len(labels), 2)), classes=HEM)
    both = np.column_stack([scores, 1 - np.array(scores)]).astype(np.float32)
    return Predictions(found.images, found.parts, found.labels, HEM, found.logits, both)


@pytest.mark.parametrize(
    ("classes", "positive"),
    [
        (CLASSES, BLASTS),
        (("Benign", "[Malignant] early Pre-B", "[Malignant] Pre-B", "[Malignant] Pro-B"), None),
        (HEM, ("all",)),
        (("ALL", "HEM"), ("ALL",)),
        (("Benign", "prostate"), ()),
        (("Benign", "Normal", "Pro"), ()),
        (("basophil", "promyelocyte"), ()),
        (("all", "hem", "other"), ()),
    ],
)
def test_only_data_sets_that_are_known_have_a_grouping(
    classes: tuple[str, ...], positive: tuple[str, ...] | None
) -> None:
    assert suggest_positive(classes) == (classes[1:] if positive is None else positive)


@pytest.mark.parametrize(
    ("positive", "criterion", "wanted", "sentence"),
    [
        (["Late"], "argmax", None, "Class 'Late' is unknown; the classes are Benign, Early, Pre"),
        ([], "argmax", None, "No class is positive"),
        (CLASSES, "youden", None, "All classes are positive"),
        (["Pro"], "sensitivity", None, "No sensitivity was given; give one between 0 and 1."),
        (["Pro"], "specificity", 99, "A specificity of 99 was given; it lies between 0 and 1."),
        (["Pro"], "typed", -0.1, "A threshold of -0.1 was given; it lies between 0 and 1."),
        (["Pro"], "typed", math.nan, "A threshold of nan was given"),
    ],
)
def test_a_choice_that_cannot_be_computed_is_a_sentence(
    positive: list[str], criterion: Criterion, wanted: float | None, sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        choose(CLASSES, positive, criterion, wanted)


def test_positive_classes_stand_in_the_order_of_the_classes() -> None:
    assert choose(CLASSES, ["Pro", "Early", "Pro"]).positive == ("Early", "Pro")


def test_a_score_is_the_sum_over_the_positive_classes() -> None:
    found = guess(np.random.default_rng(0))

    scores = group_scores(found, BLASTS)

    assert scores == pytest.approx(1 - found.probabilities[:, 0].astype(float), abs=1e-6)
    assert scores.max() <= 1


@st.composite
def validations(draw: st.DrawFn) -> Predictions:
    """With images on both sides, and many ties."""
    n = draw(st.integers(2, 30))
    scores = draw(st.lists(st.sampled_from([0, 0.25, 0.5, 0.75, 1]), min_size=n, max_size=n))
    labels = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))
    return scored(scores, [0, 1, *labels[2:]])


@given(validations(), st.integers(0, 100).map(lambda percent: percent / 100))
def test_a_wanted_rate_is_reached_as_scikit_learn_counts_it(
    validation: Predictions, wanted: float
) -> None:
    is_positive = validation.labels == 0
    scores = validation.probabilities[:, 0].astype(float)
    fpr, tpr, thresholds = metrics.roc_curve(is_positive, scores, drop_intermediate=False)
    fpr, tpr, thresholds = fpr[1:], tpr[1:], thresholds[1:]  # the first calls nothing positive

    sensitive = choose_threshold(choose(HEM, ["all"], "sensitivity", wanted), validation)

    enough = tpr >= wanted - 1e-9
    assert sensitive.value == thresholds[enough].max()
    at = list(thresholds).index(sensitive.value)
    assert (sensitive.sensitivity, sensitive.specificity) == pytest.approx((tpr[at], 1 - fpr[at]))
    assert (sensitive.positives, sensitive.negatives) == (is_positive.sum(), (~is_positive).sum())

    specific = choose(HEM, ["all"], "specificity", wanted)
    enough = 1 - fpr >= wanted - 1e-9
    if enough.any():
        assert choose_threshold(specific, validation).value == thresholds[enough].min()
    else:
        with pytest.raises(UserError, match="only by calling none positive"):
            choose_threshold(specific, validation)


@given(validations())
def test_youdens_j_is_the_largest_there_is(validation: Predictions) -> None:
    scores = validation.probabilities[:, 0].astype(float)
    fpr, tpr, thresholds = metrics.roc_curve(validation.labels == 0, scores)

    found = choose_threshold(choose(HEM, ["all"], "youden"), validation)

    j = found.sensitivity + found.specificity - 1
    assert j == pytest.approx(max((tpr - fpr).max(), (tpr - fpr)[1:].max()))
    best = [at for at, each in enumerate((tpr - fpr)[1:], 1) if each == pytest.approx(j)]
    assert found.value == thresholds[best].max()


def test_thresholds_by_hand() -> None:
    validation = scored([0.9, 0.8, 0.8, 0.6, 0.3], [0, 0, 1, 0, 1])

    def threshold(criterion: Criterion, wanted: float | None = None) -> float | None:
        return choose_threshold(choose(HEM, ["all"], criterion, wanted), validation).value

    assert threshold("sensitivity", 0.33) == pytest.approx(0.9)
    assert threshold("sensitivity", 0.34) == pytest.approx(0.8)
    assert threshold("sensitivity", 1) == pytest.approx(0.6)
    assert threshold("specificity", 1) == pytest.approx(0.9)
    assert threshold("specificity", 0.5) == pytest.approx(0.6)
    assert threshold("youden") == pytest.approx(0.6)  # 1 + 0.5 - 1
    assert threshold("typed", 0.7) == 0.7
    assert threshold("argmax") is None


@pytest.mark.parametrize(
    ("criterion", "labels", "sentence"),
    [
        ("youden", [], "There are no validation images with a label"),
        ("youden", [-1, -1], "There are no validation images with a label"),
        ("youden", [0, 0], "No validation image is negative, .* by Youden's J; type one"),
        ("sensitivity", [1, 1], "No validation image is positive, .* by its sensitivity"),
        ("specificity", [0, 0], "No validation image is negative"),
        ("specificity", [1, 0], "only by calling none positive"),
    ],
)
def test_validation_images_that_do_not_say_are_a_sentence(
    criterion: Criterion, labels: list[int], sentence: str
) -> None:
    validation = scored([0.9, 0.8][: len(labels)], labels)
    choice = choose(HEM, ["all"], criterion, None if criterion == "youden" else 1.0)

    with pytest.raises(UserError, match=sentence):
        choose_threshold(choice, validation)


def test_one_group_of_classes_is_enough_where_the_other_does_not_count() -> None:
    found = choose_threshold(
        choose(HEM, ["all"], "sensitivity", 1.0), scored([0.9, 0.8, 0.1], [0, 0, -1])
    )

    assert found.value == pytest.approx(0.8)
    assert (found.positives, found.negatives) == (2, 0)
    assert math.isnan(found.specificity)


def test_rates_are_those_of_scikit_learns_confusion_matrix() -> None:
    test = guess(np.random.default_rng(3), images=200, skill=1.0)
    is_positive = np.isin(np.array(CLASSES)[test.labels], BLASTS)

    for threshold in (None, 0.6):
        called = call_positive(test, BLASTS, threshold)
        tn, fp, fn, tp = metrics.confusion_matrix(is_positive, called).ravel().tolist()

        rates = measure(test, {}, BLASTS, threshold)

        assert (rates.found, rates.alarms) == (tp, fp)
        assert (rates.positives, rates.negatives) == (tp + fn, tn + fp)
        assert rates.sensitivity.value == pytest.approx(tp / (tp + fn))
        assert rates.specificity.value == pytest.approx(tn / (tn + fp))


def test_without_a_threshold_the_predicted_class_decides() -> None:
    # Benign is the most probable class, and the three leukaemias have more together.
    divided = predictions_of([1], [[1.0, 0.5, 0.5, 0.5]])

    assert group_scores(divided, BLASTS)[0] > 0.6
    assert not call_positive(divided, BLASTS, None)[0]
    assert call_positive(divided, BLASTS, 0.5)[0]


def test_a_score_that_equals_the_threshold_is_positive() -> None:
    tied = scored([0.5, 0.5, 0.25], [0, 1, 1])

    assert call_positive(tied, ["all"], 0.5).tolist() == [True, True, False]


@given(validations())
def test_a_higher_threshold_never_finds_more(test: Predictions) -> None:
    found = [measure(test, {}, ["all"], at / 8) for at in range(9)]

    for low, high in pairwise(found):
        assert high.found <= low.found
        assert high.alarms <= low.alarms


def test_intervals_are_of_the_groups_that_hold_such_images() -> None:
    test = scored([0.9] * 12 + [0.1] * 4, [0] * 12 + [1] * 4)
    group_by_image = {image: str(at // 2) for at, image in enumerate(test.images)}

    rates = measure(test, group_by_image, ["all"], 0.5)

    # 12 and 4 images that count as 1 / 1.3 each, two to a group: Student's t of 5 and of 1.
    for rate, images, groups in ((rates.sensitivity, 12, 6), (rates.specificity, 4, 2)):
        t2 = stats.t.ppf(0.975, groups - 1) ** 2
        assert (rate.ci_low, rate.ci_high) == pytest.approx((1 - t2 / (images / 1.3 + t2), 1))


def test_images_of_one_group_have_no_interval_and_none_no_rate() -> None:
    one_sided = scored([0.9, 0.2, 0.7], [0, 0, -1])

    rates = measure(one_sided, dict.fromkeys(one_sided.images, "patient"), ["all"], 0.5)

    assert rates.sensitivity.value == 0.5
    assert math.isnan(rates.sensitivity.ci_low)
    assert "one group" in rates.sensitivity.note
    assert math.isnan(rates.specificity.value)
    assert rates.specificity.note == "No test image is negative."
    assert (rates.positives, rates.negatives) == (2, 0)


def test_images_drawn_together_have_wider_intervals() -> None:
    test = guess(np.random.default_rng(5), images=240, skill=1.0)
    # Errors come in groups: the images of one are of one class, and all right or all wrong.
    is_positive = np.isin(np.array(CLASSES)[test.labels], BLASTS)
    is_right = call_positive(test, BLASTS, 0.5) == is_positive
    order = np.lexsort([is_right, is_positive])
    together = {test.images[image]: str(at // 6) for at, image in enumerate(order)}

    alone, grouped = (measure(test, by, BLASTS, 0.5).sensitivity for by in ({}, together))

    assert grouped.value == alone.value
    assert grouped.ci_high - grouped.ci_low > 1.5 * (alone.ci_high - alone.ci_low)
