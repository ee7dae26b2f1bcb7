"""scikit-learn, scores without each group and cases done by hand are the oracles."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from modelzoo.evaluation.clustered import wilson_interval
from modelzoo.evaluation.comparison import pair_differences
from modelzoo.evaluation.intervals import evaluate
from modelzoo.evaluation.metrics import METRICS
from modelzoo.runs.predictions import Predictions
from tests.run_folders import guess, predictions_of


def in_groups(predictions: Predictions, size: int) -> dict[str, str]:
    return {image: f"g{index // size:03d}" for index, image in enumerate(predictions.images)}


def test_scores_are_those_of_scikit_learn() -> None:
    predictions = guess(np.random.default_rng(1), images=200)

    evaluation = evaluate(predictions, {})

    predicted = predictions.probabilities.argmax(1)
    assert evaluation.scores["accuracy"].value == metrics.accuracy_score(
        predictions.labels, predicted
    )
    assert evaluation.scores["auc"].value == pytest.approx(
        metrics.roc_auc_score(
            predictions.labels,
            predictions.probabilities / predictions.probabilities.sum(1, keepdims=True),
            multi_class="ovr",
        ),
        abs=1e-6,
    )
    assert (evaluation.confusion == metrics.confusion_matrix(predictions.labels, predicted)).all()
    assert set(evaluation.scores) == set(METRICS)
    assert all(score.ci_low <= score.value <= score.ci_high for score in evaluation.scores.values())


def test_the_same_seed_gives_the_same_interval_and_touches_no_global_one() -> None:
    predictions = guess(np.random.default_rng(2))
    state = np.random.get_state()[1].copy()  # type: ignore[index]  # noqa: NPY002  # the global one

    first, second = evaluate(predictions, {}), evaluate(predictions, {})

    assert first.scores == second.scores
    assert (state == np.random.get_state()[1]).all()  # type: ignore[index]  # noqa: NPY002


def test_images_that_are_right_together_widen_the_interval() -> None:
    labels = np.tile([0, 1], 50)
    wrong = np.arange(100) < 20
    predictions = predictions_of(labels, np.eye(2)[labels ^ wrong], classes=("a", "b"))

    alone = evaluate(predictions, {}).scores["accuracy"]
    together = evaluate(predictions, in_groups(predictions, 10)).scores["accuracy"]

    assert together.value == alone.value == 0.8
    assert together.ci_high - together.ci_low > 2 * (alone.ci_high - alone.ci_low)


def test_a_hundred_percent_leaves_room_for_an_error() -> None:
    labels = np.arange(600) % 2
    predictions = predictions_of(labels, 9 * np.eye(2)[labels], classes=("a", "b"))

    evaluation = evaluate(predictions, in_groups(predictions, 2))

    for name, score in evaluation.scores.items():
        if not METRICS[name].higher_is_better:
            assert 0 < score.value < 1e-3  # certain but for 0.012 %
            continue
        assert score.value == score.ci_high == 1
        assert 0.97 < score.ci_low < 0.9935  # an error among 300 groups is 0.9967


def test_a_score_below_zero_has_an_interval_below_zero() -> None:
    """Two classes that are always taken for each other, and always but for each tenth image."""
    labels = np.arange(200) % 2
    never = predictions_of(labels, np.eye(2)[1 - labels], classes=("a", "b"))
    rarely = predictions_of(
        labels, np.eye(2)[labels ^ (np.arange(200) % 10 > 0)], classes=("a", "b")
    )

    scores, others = evaluate(never, {}).scores, evaluate(rarely, {}).scores

    for name in ("kappa", "mcc"):
        assert scores[name].value == scores[name].ci_low == -1
        assert scores[name].ci_high < -0.9
        assert others[name].ci_low < others[name].value < others[name].ci_high < 0
    assert scores["accuracy"].ci_low == 0


def test_the_interval_of_an_area_is_that_of_scores_without_each_group() -> None:
    predictions = guess(np.random.default_rng(0), images=60)
    groups = in_groups(predictions, 3)

    auc = evaluate(predictions, groups).scores["auc"]

    without = []
    for group in range(20):
        index = [image for image in range(60) if image // 3 != group]
        true, given = predictions.labels[index], predictions.probabilities[index]
        without.append(np.mean([metrics.roc_auc_score(true == k, given[:, k]) for k in range(4)]))
    variance = 19 / 20 * np.square(np.array(without) - np.mean(without)).sum()
    share = auc.value * (1 - auc.value) / variance
    squares = (np.array(without) - np.mean(without)) ** 2
    degrees = 2 * squares.sum() ** 2 / ((squares**2).sum() - squares.sum() ** 2 / 20)
    factor = (stats.norm.ppf(0.975) / stats.t.ppf(0.975, min(degrees, 19))) ** 2
    assert (auc.ci_low, auc.ci_high) == pytest.approx(
        wilson_interval(auc.value, share * factor), abs=1e-5
    )


def test_a_missing_class_leaves_the_auc_undefined_and_says_so() -> None:
    labels = np.array([0, 1, 0, 1, 1])
    predictions = predictions_of(
        labels, np.random.default_rng(0).normal(size=(5, 3)), classes=("a", "b", "c")
    )

    evaluation = evaluate(predictions, {})

    assert np.isnan(evaluation.scores["auc"].value)
    assert evaluation.scores["auc"].note == "AUC is not defined: c has no test images."
    assert not np.isnan(evaluation.scores["sensitivity"].value)


def test_many_missing_classes_are_three_names_and_a_number() -> None:
    names = tuple(f"class {k:02}" for k in range(60))
    predictions = predictions_of([0, 1], np.eye(60)[:2], classes=names)

    assert evaluate(predictions, {}).scores["auc"].note == (
        "AUC is not defined: class 02, class 03, class 04 and 55 more have no test images."
    )


def test_an_auc_of_classes_in_one_group_stands_without_an_interval() -> None:
    """Ten classes of one image."""
    names = tuple("abcdefghij")
    logits = np.random.default_rng(0).normal(size=(10, 10))

    auc = evaluate(predictions_of(np.arange(10), logits, classes=names), {}).scores["auc"]

    assert 0 < auc.value < 1
    assert np.isnan([auc.ci_low, auc.ci_high]).all()
    assert auc.note == "All images of a class belong to one group: no interval is possible."


def test_the_part_is_named_as_people_call_it() -> None:
    predictions = replace(
        predictions_of([0, 0], [[1, 0], [0, 1]], classes=("a", "b")), parts=("train", "train")
    )

    scored = evaluate(predictions, dict.fromkeys(predictions.images, "slide"))

    assert scored.scores["auc"].note == "AUC is not defined: b has no training images."
    assert scored.scores["specificity"].note == "All training images are of one class."
    assert scored.notes[0].startswith("All training images belong to one group")


def test_one_group_has_scores_and_no_interval() -> None:
    predictions = guess(np.random.default_rng(0), images=20)

    evaluation = evaluate(predictions, dict.fromkeys(predictions.images, "slide"))

    accuracy = evaluation.scores["accuracy"]
    assert 0 < accuracy.value < 1
    assert np.isnan([accuracy.ci_low, accuracy.ci_high]).all()
    assert "one group" in accuracy.note
    assert any("one group" in note for note in evaluation.notes)


def test_few_groups_are_said() -> None:
    predictions = guess(np.random.default_rng(0), images=20)

    assert "only 4 groups" in evaluate(predictions, in_groups(predictions, 5)).notes[0]


def test_one_class_and_nothing_at_all_are_said() -> None:
    one = evaluate(predictions_of([0, 0], [[1, 0], [0, 1]], classes=("a", "b")), {})
    none = evaluate(predictions_of([], np.zeros((0, 2)), classes=("a", "b")), {})
    unknown = evaluate(predictions_of([-1, 0, 1, 1], np.eye(4)[:, :2], classes=("a", "b")), {})

    assert one.scores["specificity"].note == "All test images are of one class."
    assert none.images == 0
    assert np.isnan(none.scores["accuracy"].value)
    assert "nothing to score" in none.notes[0]
    assert unknown.images == 3
    assert "1 test image has no known label and cannot be scored." in unknown.notes


def test_gaps_are_paired() -> None:
    """Two models that err on the same images but for ten are told apart, though each is unsure."""
    labels = np.arange(400) % 2
    hard = np.random.default_rng(0).random(400) < 0.3
    also = ~hard & (np.cumsum(~hard) <= 20)
    better = predictions_of(labels, np.eye(2)[labels ^ hard], classes=("a", "b"))
    worse = predictions_of(labels, np.eye(2)[labels ^ (hard | also)], classes=("a", "b"))
    first, second = evaluate(better, {}), evaluate(worse, {})

    (gap,) = pair_differences([first, second])

    assert gap.value == pytest.approx(20 / 400)
    assert gap.is_significant
    assert first.scores["accuracy"].ci_low < second.scores["accuracy"].ci_high
    # By hand: the paired differences are 20 ones among 400.
    error = np.sqrt(0.05 * 0.95 / 400)
    assert gap.ci_high - gap.ci_low == pytest.approx(2 * 1.96 * error, rel=0.1)


def test_equal_models_and_one_group_are_never_told_apart() -> None:
    predictions = guess(np.random.default_rng(0))
    same = evaluate(predictions, {})
    one_group = dict.fromkeys(predictions.images, "slide")
    good = evaluate(predictions, one_group)
    bad = evaluate(guess(np.random.default_rng(0), skill=0), one_group)

    assert not pair_differences([same, same])[0].is_significant
    assert not pair_differences([good, bad])[0].is_significant
