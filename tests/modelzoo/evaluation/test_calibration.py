"""Reliability against binomial arithmetic, published numbers and simulations of known truth."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import softmax
from sklearn.calibration import calibration_curve

from modelzoo.evaluation.calibration import (
    describe_calibration,
    measure_reliability,
    squared_errors,
)
from modelzoo.evaluation.calibration_interval import (
    correlation_within,
    error_interval,
    simulate_ideal,
)
from modelzoo.evaluation.intervals import evaluate, tally
from modelzoo.evaluation.losses import in_bins
from modelzoo.runs.predictions import Predictions
from tests.run_folders import guess, predictions_of


def two_by_two(predictions: Predictions) -> dict[str, str]:
    return {image: f"g{index // 2}" for index, image in enumerate(predictions.images)}


def truthful(images: int, *, seed: int, sharpness: float = 1.0) -> Predictions:
    """Labels drawn from the softmax of the logits; `sharpness` above 1: it is overconfident."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(scale=2, size=(images, 4))
    odds = np.exp(logits)
    drawn = generator.random(images)[:, None] > (odds / odds.sum(1, keepdims=True)).cumsum(1)
    return predictions_of(drawn.sum(1).clip(max=3), logits * sharpness)


def test_the_published_example_of_the_debiased_error() -> None:
    # (n, confidence, accuracy): 10, .6, .8 and 20, .9, .85 give .01500, debiased .00460.
    confidence = np.repeat([0.6, 0.9], [10, 20])
    outcome = np.concatenate([np.arange(10) < 8, np.arange(20) < 17])

    squared, debiased = squared_errors(confidence, outcome, in_bins(confidence))

    assert squared == pytest.approx(0.015)
    assert debiased == pytest.approx(0.0046, abs=5e-6)


def test_a_bin_of_one_image_has_nothing_taken_off() -> None:
    squared, debiased = squared_errors(np.array([0.75]), np.array([True]), np.array([[True]]))

    assert squared == debiased == 0.0625


@pytest.mark.parametrize(("images", "wanted"), [(20, 0.0513), (100, 0.0237)])
def test_ideal_calibration_of_one_bin_is_that_of_the_binomial(images: int, wanted: float) -> None:
    confidence = np.full(images, 0.9)
    right = np.arange(images + 1)
    off = np.abs(right / images - 0.9)
    chance = stats.binom.pmf(right, images, 0.9)
    in_order = np.argsort(off)
    at_most = off[in_order][np.searchsorted(chance[in_order].cumsum(), 0.975)]

    ideal = simulate_ideal(confidence, np.arange(images), 0.3, simulations=20_000)

    assert chance @ off == pytest.approx(wanted, abs=5e-5)
    assert ideal.mean == pytest.approx(wanted, rel=0.02)
    assert ideal.highest == pytest.approx(at_most, abs=1e-6)


def test_groups_that_are_all_right_or_all_wrong_are_as_uncertain_as_so_many_images() -> None:
    confidence = np.full(100, 0.9)
    of_groups = np.arange(100) // 5

    whole = simulate_ideal(confidence, of_groups, 1.0, simulations=20_000)
    alone = simulate_ideal(np.full(20, 0.9), np.arange(20), 0.0, simulations=20_000)

    assert whole.mean == pytest.approx(alone.mean, rel=0.03)
    assert whole.highest == pytest.approx(alone.highest, abs=1e-6)


def test_the_correlation_within_groups_is_found() -> None:
    generator = np.random.default_rng(0)
    group = np.repeat(np.arange(600), 4)
    shared = generator.random(2400) < np.sqrt(0.4)
    drawn = np.where(shared, generator.random(600)[group], generator.random(2400))
    confidence = generator.uniform(0.3, 0.9, 600)[group]

    found = correlation_within(confidence, drawn < confidence, in_bins(confidence).argmax(0), group)

    assert found == pytest.approx(0.4, abs=0.04)


def of_law(
    generator: np.random.Generator, groups: int, temperature: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Confidence, outcome and group of images of a known law, and its true error."""
    group = np.repeat(np.arange(groups), 3)
    logits = generator.normal(scale=2, size=(20_000, 4))
    top = softmax(logits, 1).max(1)
    true = softmax(logits / temperature, 1)[np.arange(20_000), logits.argmax(1)]
    drawn = np.where(
        generator.random(len(group)) < 0.5,
        generator.random(groups)[group],
        generator.random(len(group)),
    )
    few = len(group)
    return top[:few], drawn < true[:few], group, float(np.abs(top - true).mean())


@pytest.mark.parametrize("temperature", [1.0, 1.3, 2.5])
def test_the_interval_holds_the_true_error(temperature: float) -> None:
    # `benchmarks.calibration` has 1,000 data sets of each; the jackknife held none of the first.
    generator = np.random.default_rng(int(10 * temperature))
    held = []
    for _ in range(60):
        confidence, outcome, group, error = of_law(generator, 50, temperature)
        found = error_interval(confidence, outcome, group)
        held.append(found.low - 1e-9 <= error <= found.high)
        assert found.low <= found.debiased <= found.high

    # 52 or fewer of 60 come by chance once in 300, were 95 % held.
    assert sum(held) > 52


def test_the_interval_of_one_class_begins_at_zero_only_where_it_cannot_be_told() -> None:
    generator = np.random.default_rng(3)
    p = generator.beta(0.4, 1.2, 300)
    ideal = generator.random(300) < p
    off = generator.random(300) < 0.5 + 0.3 * (p - 0.5)

    of_ideal, of_off = (
        error_interval(p, outcome, np.arange(300), of_class=True) for outcome in (ideal, off)
    )

    assert of_ideal.low == 0
    assert of_ideal.debiased < 0.02
    assert of_off.low > 0.1
    assert of_off.low < of_off.debiased < of_off.high


def test_the_diagram_is_that_of_scikit_learn_for_the_prediction_and_for_a_class() -> None:
    predictions = guess(np.random.default_rng(0), images=200)
    drawn = tally(predictions, two_by_two(predictions))
    p, labels = predictions.probabilities, predictions.labels

    for target, confidence, outcome in (
        (None, p.max(1), p.argmax(1) == labels),
        (2, p[:, 2], labels == 2),
    ):
        found = measure_reliability(drawn, target)

        assert found
        shares, confidences = calibration_curve(outcome, confidence, n_bins=10, strategy="quantile")
        assert [each.share.value for each in found.bins] == pytest.approx(shares)
        assert [each.confidence for each in found.bins] == pytest.approx(confidences, abs=1e-6)
        assert found.images == 200
        weights = np.array([each.images for each in found.bins]) / 200
        assert found.ece.value == pytest.approx(weights @ np.abs(shares - confidences), abs=1e-6)
        for each in found.bins:
            assert each.share.ci_low <= each.share.value <= each.share.ci_high
            assert each.share.ci_low < each.share.ci_high
            assert each.groups <= each.images


def test_the_error_is_that_of_the_table_of_metrics() -> None:
    predictions = guess(np.random.default_rng(1), images=150)
    groups = two_by_two(predictions)

    found = measure_reliability(tally(predictions, groups))

    assert found
    assert found.ece == evaluate(predictions, groups).scores["ece"]


def test_a_truthful_model_is_seldom_above_ideal_and_an_overconfident_one_mostly() -> None:
    above = {
        sharpness: sum(
            "lies above ideal" in describe_calibration("net", found)
            for seed in range(60)
            if (
                found := measure_reliability(
                    tally(truthful(200, seed=seed, sharpness=sharpness), {})
                )
            )
        )
        for sharpness in (1.0, 2.0)
    }

    # One in forty is 1.5 of 60, and 6 or more of 60 come by chance once in 200.
    assert above[1.0] < 6
    assert above[2.0] > 50


def test_debiased_errors_of_truthful_models_are_zero_in_the_mean() -> None:
    errors = []
    for seed in range(200):
        drawn = tally(truthful(100, seed=seed), {})
        confidence = drawn.probabilities.max(1)
        outcome = drawn.probabilities.argmax(1) == drawn.labels
        errors.append(squared_errors(confidence, outcome, in_bins(confidence)))
    squared, debiased = np.mean(errors, axis=0)

    error = np.std(errors, axis=0)[1] / np.sqrt(len(errors))
    assert squared > 10 * error
    assert abs(debiased) < 4 * error


def test_the_sentence_says_no_more_than_was_computed() -> None:
    drawn = tally(truthful(200, seed=0, sharpness=3), {})
    found = measure_reliability(drawn)

    assert found
    sentence = describe_calibration("net", found)
    assert sentence.startswith("net: the ECE of 0.")
    assert " lies above ideal calibration on 200 images: chance alone gives an ideally" in sentence
    assert "in 97.5 % of such test sets. Less what chance adds it is about 0." in sentence
    truthful_one = measure_reliability(tally(truthful(200, seed=0), {}))
    assert truthful_one
    sentence = describe_calibration("net", truthful_one)
    assert " cannot be told from ideal calibration on 200 images: chance alone gives" in sentence
    assert sentence.endswith("(upper end of its 95 % CI).")


def test_without_a_label_there_is_no_diagram() -> None:
    predictions = predictions_of([-1, -1], np.zeros((2, 4)))

    assert measure_reliability(tally(predictions, {})) is None


def test_two_images_have_one_bin_and_one_group_no_interval() -> None:
    predictions = predictions_of([0, 1], [[2, 0, 0, 0], [2, 0, 0, 0]])

    found = measure_reliability(tally(predictions, dict.fromkeys(predictions.images, "one")))

    assert found
    assert [each.share.value for each in found.bins] == [0.5]
    assert np.isnan(found.bins[0].share.ci_low)
    assert "one group" in found.ece.note
