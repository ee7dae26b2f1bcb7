"""A slow bootstrap, cases done by hand and a small simulation are the oracles."""

import time
from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics

from modelzoo.evaluation.comparison import accuracy_differences
from modelzoo.evaluation.intervals import draw_groups, evaluate, wilson_interval
from modelzoo.evaluation.metrics import METRICS
from modelzoo.runs.predictions import Predictions
from tests.run_folders import guess, predictions_of


def in_groups(predictions: Predictions, size: int) -> dict[str, str]:
    return {image: f"g{index // size:03d}" for index, image in enumerate(predictions.images)}


def test_the_interval_is_that_of_a_loop_over_resamples() -> None:
    predictions = guess(np.random.default_rng(0), images=60)
    groups = in_groups(predictions, 3)

    evaluation = evaluate(predictions, groups, resamples=200)

    draws = draw_groups(20, resamples=200, seed=0)
    predicted = predictions.probabilities.argmax(1)
    slow: dict[str, list[float]] = {
        name: [] for name in ("accuracy", "f1", "auc", "average_precision", "kappa", "mcc")
    }
    for resample in draws.T:
        index = [
            image
            for group, count in enumerate(resample)
            for image in list(range(3 * group, 3 * group + 3)) * int(count)
        ]
        true, given = predictions.labels[index], predicted[index]
        slow["accuracy"].append(metrics.accuracy_score(true, given))
        slow["f1"].append(
            metrics.f1_score(true, given, average="macro", labels=np.unique(true), zero_division=0)
        )
        areas = [
            metrics.roc_auc_score(true == k, predictions.probabilities[index, k])
            for k in np.unique(true)
        ]
        slow["auc"].append(float(np.mean(areas)))
        means = [
            metrics.average_precision_score(true == k, predictions.probabilities[index, k])
            for k in np.unique(true)
        ]
        slow["average_precision"].append(float(np.mean(means)))
        slow["kappa"].append(metrics.cohen_kappa_score(true, given))
        slow["mcc"].append(metrics.matthews_corrcoef(true, given))
    for name, values in slow.items():
        score = evaluation.scores[name]
        assert [score.ci_low, score.ci_high] == pytest.approx(
            np.quantile(values, [0.025, 0.975]).tolist(), abs=1e-6
        )


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
        assert score.value == score.ci_high == 1
        share_below = (1 - score.ci_low) / (1 - METRICS[name].lowest)
        assert share_below == pytest.approx(3.84 / (300 + 3.84), rel=1e-3)
        assert "300 groups" in score.note


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
    # It is -1 in every resample, which kappa is not: Wilson's, on a range of length 2.
    assert 1 + scores["mcc"].ci_high == pytest.approx(2 * 3.84 / (200 + 3.84), rel=1e-3)
    assert scores["accuracy"].ci_low == 0


def test_wilson_interval_by_hand() -> None:
    # Brown, Cai and DasGupta 2001: 10 of 100 gives 0.0552 to 0.1744.
    assert wilson_interval(0.1, 100) == pytest.approx((0.0552, 0.1744), abs=1e-4)


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


def test_resamples_without_a_class_are_left_out_of_the_interval_of_the_auc() -> None:
    """Of 12 images 2 are of class c: one resample in nine has none of them."""
    labels = np.array([0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 2, 2])
    logits = np.random.default_rng(1).normal(size=(12, 3)) + np.eye(3)[labels]
    predictions = predictions_of(labels, logits, classes=("a", "b", "c"))

    auc = evaluate(predictions, {}, resamples=300).scores["auc"]

    areas, without = [], 0
    for resample in draw_groups(12, resamples=300, seed=0).T:
        index = np.repeat(np.arange(12), resample.astype(int))
        if set(labels[index]) != {0, 1, 2}:
            without += 1
            continue
        true, given = labels[index], predictions.probabilities[index]
        areas.append(np.mean([metrics.roc_auc_score(true == k, given[:, k]) for k in range(3)]))
    assert without > 20
    assert auc.note == f"{without} of 300 resamples lack a class and are left out of the interval."
    assert [auc.ci_low, auc.ci_high] == pytest.approx(
        np.quantile(areas, [0.025, 0.975]).tolist(), abs=1e-6
    )


def test_an_auc_that_hardly_any_resample_has_stands_without_an_interval() -> None:
    """Ten classes of one image: a resample has them all with a chance of 10! / 10^10."""
    names = tuple("abcdefghij")
    logits = np.random.default_rng(0).normal(size=(10, 10))

    auc = evaluate(predictions_of(np.arange(10), logits, classes=names), {}).scores["auc"]

    assert 0 < auc.value < 1
    assert np.isnan([auc.ci_low, auc.ci_high]).all()
    assert auc.note == "1,000 of 1,000 resamples lack a class: no interval."


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


def test_intervals_hold_what_they_promise() -> None:
    """Coverage over 200 data sets of 40 groups with a group effect: 95 %, less a little."""
    generator = np.random.default_rng(3)
    covered = 0
    for _ in range(200):
        skill = generator.beta(8, 2, size=40).repeat(5)  # mean 0.8
        right = generator.random(200) < skill
        labels = np.arange(200) % 2
        predictions = predictions_of(labels, np.eye(2)[labels ^ ~right], classes=("a", "b"))
        accuracy = evaluate(predictions, in_groups(predictions, 5), resamples=400).scores[
            "accuracy"
        ]
        covered += accuracy.ci_low <= 0.8 <= accuracy.ci_high

    assert 0.88 <= covered / 200 <= 0.99


def test_gaps_are_paired() -> None:
    """Two models that err on the same images but for ten are told apart, though each is unsure."""
    labels = np.arange(400) % 2
    hard = np.random.default_rng(0).random(400) < 0.3
    also = ~hard & (np.cumsum(~hard) <= 20)
    better = predictions_of(labels, np.eye(2)[labels ^ hard], classes=("a", "b"))
    worse = predictions_of(labels, np.eye(2)[labels ^ (hard | also)], classes=("a", "b"))
    first, second = evaluate(better, {}), evaluate(worse, {})

    (gap,) = accuracy_differences(first, [second])

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

    assert not accuracy_differences(same, [same])[0].is_significant
    assert not accuracy_differences(good, [bad])[0].is_significant
    assert accuracy_differences(same, []) == []


def test_ten_comparisons_find_no_difference_by_chance() -> None:
    generator = np.random.default_rng(5)
    false_alarms = 0
    for _ in range(60):
        models = [evaluate(guess(generator, images=120), {}, resamples=300) for _ in range(8)]
        gaps = accuracy_differences(models[0], models[1:], resamples=300)
        false_alarms += any(gap.is_significant or gap.ci_high < 0 for gap in gaps)

    assert false_alarms <= 9  # 5 % of 60 is 3; 10 or more has a chance below 0.1 %


@pytest.mark.slow
def test_a_thousand_images_take_a_moment() -> None:
    predictions = guess(np.random.default_rng(0), images=1000)
    started = time.process_time()

    evaluate(predictions, {})

    assert time.process_time() - started < 1.0  # of the processor; 0.03 seen
