"""Temperatures against simulations of a known one, against a grid, and by hand."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import log_loss

from modelzoo.errors import UserError
from modelzoo.evaluation.temperature import (
    SPREAD,
    calibrate,
    describe_scaling,
    describe_temperature,
    find_temperature,
    fit_run,
    fit_temperature,
    read_calibrated,
    scale_probabilities,
    write_temperature,
)
from modelzoo.runs.file_names import PREDICTIONS, TEMPERATURE
from modelzoo.runs.predictions import Predictions, read_predictions, write_predictions
from modelzoo.runs.records import Temperature, read_temperature, write_record
from tests.run_folders import make_run, predictions_of


def drawn(temperature: float, *, images: int, seed: int = 0) -> Predictions:
    """Validation images whose labels come with the softmax of the logits at this temperature."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(scale=3, size=(images, 4))
    odds = np.exp(logits / temperature)
    above = generator.random(images)[:, None] > (odds / odds.sum(1, keepdims=True)).cumsum(1)
    found = predictions_of(above.sum(1).clip(max=3), logits)
    return replace(found, parts=("validation",) * images)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_a_known_temperature_is_found(temperature: float) -> None:
    found = [
        fit_run(drawn(temperature, images=2000, seed=seed), "net").temperature for seed in range(5)
    ]

    assert np.mean(found) == pytest.approx(temperature, rel=0.03)


@given(st.integers(0, 10**6), st.integers(2, 40), st.sampled_from([SPREAD, math.inf]))
@settings(deadline=None, max_examples=25)
def test_no_temperature_of_a_grid_is_likelier(seed: int, images: int, spread: float) -> None:
    predictions = drawn(1.5, images=images, seed=seed)
    logits, labels = predictions.logits.astype(np.float64), predictions.labels
    if (logits.argmax(1) == labels).all():
        return

    def likelihood(temperature: float) -> float:
        odds = np.exp((logits - logits.max(1, keepdims=True)) / temperature)
        p = np.maximum(odds / odds.sum(1, keepdims=True), 1e-300)
        prior = stats.norm.pdf(math.log(temperature), scale=spread) if spread < 9 else 1
        return float(np.log(p[np.arange(images), labels]).sum() + np.log(prior))

    found = fit_temperature(logits, labels, spread=spread)

    assert likelihood(found) >= max(map(likelihood, np.geomspace(0.05, 20, 200))) - 1e-6


def test_one_error_moves_the_temperature_less_than_it_would_alone_and_many_decide() -> None:
    one = replace(drawn(0.2, images=60), labels=drawn(0.2, images=60).logits.argmax(1))
    one.labels[0] = (one.labels[0] + 1) % 4
    few, many = fit_run(one, "net"), fit_run(drawn(2.5, images=2000), "net")

    assert few.wrong == 1
    assert abs(math.log(few.temperature)) < 0.7 * abs(math.log(few.alone))
    assert many.temperature == pytest.approx(many.alone, rel=0.02)


def test_few_errors_on_validation_do_not_harm_new_images() -> None:
    # Ideally calibrated networks, right on about 97 of 100 images: nothing is to be scaled.
    new = sharp(1000, images=5000)
    before = log_loss(new.labels, new.probabilities)

    def excess(spread: float) -> float:
        worse = []
        for seed in range(60):
            found = sharp(seed, images=100)
            value = fit_temperature(found.logits, found.labels, spread=spread)
            scaled = calibrate(new, Temperature(temperature=value, images=100, wrong=1))
            worse.append(log_loss(new.labels, scaled.probabilities) - before)
        return float(np.mean(worse))

    alone, shrunk = excess(math.inf), excess(SPREAD)

    assert shrunk < 0.25 * alone
    assert shrunk < 0.001


def sharp(seed: int, *, images: int) -> Predictions:
    """As `drawn` at a temperature of 1, of a network that is right on about 97 of 100 images."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(scale=25, size=(images, 4))
    odds = np.exp(logits - logits.max(1, keepdims=True))
    above = generator.random(images)[:, None] > (odds / odds.sum(1, keepdims=True)).cumsum(1)
    found = predictions_of(above.sum(1).clip(max=3), logits)
    return replace(found, parts=("validation",) * images)


def test_all_right_tells_no_temperature_and_all_wrong_a_high_one() -> None:
    logits = np.eye(4) * 3

    right = replace(predictions_of(range(4), logits), parts=("validation",) * 4)
    wrong = replace(right, labels=np.array([1, 2, 3, 0]))

    assert fit_run(right, "net") == Temperature(temperature=1, images=4, wrong=0, alone=1)
    assert describe_temperature(fit_run(right, "net")) == (
        "temperature 1 (no change): all 4 validation images are right, so that none can be fitted"
    )
    found = fit_run(wrong, "net")
    assert found.alone == pytest.approx(20)
    assert 1.5 < found.temperature < 20
    assert describe_temperature(found) == (
        f"temperature {found.temperature:.2f}, fitted on 4 validation images, none of which is "
        "right, drawn towards 1 (without that: 20.00)"
    )
    assert fit_temperature(np.zeros((4, 4)), np.arange(4)) == 1  # the loss is the same everywhere


def test_what_a_temperature_rests_on_is_said() -> None:
    def said(wrong: int) -> str:
        record = Temperature(temperature=1.8, images=302, wrong=wrong, alone=1.8)
        return describe_temperature(record)

    assert said(20) == "temperature 1.80, fitted on 302 validation images"
    assert said(1) == f"{said(20)}, of which only 1 is wrong, so it is rough"


def test_a_sentence_says_which_models_are_scaled_and_with_what() -> None:
    def fitted(value: float, wrong: int = 20) -> Temperature:
        return Temperature(temperature=value, images=302, wrong=wrong, alone=value)

    one = describe_scaling({"A": fitted(1.8)})
    some = describe_scaling({"A": fitted(1.8), "B": "Run 'b' has none."})
    many = describe_scaling(
        {f"M{index}": fitted(0.5 + index, wrong) for index, wrong in enumerate((0, 3, 9, 9, 9))}
    )

    assert one == (
        "Probabilities are scaled with temperature 1.80, fitted on 302 validation images."
    )
    assert some == (
        "Probabilities of A are scaled with temperature 1.80, fitted on 302 validation images. "
        "The probabilities of B are not scaled: Run 'b' has none."
    )
    assert "own temperature (1.50 to 4.50), fitted on its 302 validation images." in many
    assert many.endswith(
        "it is rough, and drawn towards 1: M1. All of these right, none can be fitted, and nothing "
        "changes: M0."
    )


def test_only_validation_images_with_a_label_are_used() -> None:
    validation = drawn(2.0, images=50)
    test = predictions_of([0] * 9, np.ones((9, 4)))
    both = Predictions(
        (*validation.images, *(f"test{image}" for image in test.images)),
        (*validation.parts, *test.parts),
        np.concatenate([validation.labels, test.labels]),
        test.classes,
        np.concatenate([validation.logits, test.logits]),
        np.concatenate([validation.probabilities, test.probabilities]),
    )

    assert fit_run(both, "net") == fit_run(validation, "net")
    with pytest.raises(UserError, match="'net' has no validation image with a label, so no temp"):
        fit_run(test, "net")
    with pytest.raises(UserError, match="no validation image with a label"):
        fit_run(replace(validation, labels=np.full(50, -1)), "net")


@given(
    st.lists(
        st.lists(st.floats(-60, 60, width=32), min_size=3, max_size=3), min_size=1, max_size=8
    ),
    st.floats(0.05, 20),
)
@settings(deadline=None)
def test_the_predicted_class_never_changes(logits: list[list[float]], value: float) -> None:
    predictions = predictions_of([0] * len(logits), logits, classes=("a", "b", "c"))
    temperature = Temperature(temperature=value, images=9, wrong=1)

    whole = calibrate(predictions, temperature).probabilities
    single = scale_probabilities(predictions.probabilities, temperature)

    before = predictions.probabilities.argmax(1).tolist()
    assert whole.argmax(1).tolist() == before
    assert single.argmax(1).tolist() == before
    assert whole.sum(1) == pytest.approx(1, abs=1e-6)


def test_probabilities_scale_as_their_logits_do() -> None:
    predictions = drawn(1.0, images=30)
    temperature = Temperature(temperature=1.7, images=9, wrong=1)
    odds = np.exp(predictions.logits.astype(np.float64) / 1.7)

    scaled = calibrate(predictions, temperature)

    assert scaled.probabilities == pytest.approx(odds / odds.sum(1, keepdims=True), abs=1e-6)
    assert scale_probabilities(predictions.probabilities, temperature) == pytest.approx(
        scaled.probabilities, abs=1e-5
    )
    assert scaled.logits is predictions.logits


def test_a_stored_temperature_is_read_and_one_that_was_never_stored_is_fitted(
    tmp_path: Path,
) -> None:
    path = make_run(tmp_path, "net").path
    predictions = read_predictions(path)
    assert read_temperature(path) is None
    fitted = find_temperature(path)

    write_temperature(path, predictions)

    assert read_temperature(path) == find_temperature(path) == fitted
    assert fitted.images == predictions.parts.count("validation")
    test = read_calibrated(path).only("validation")
    assert log_loss(test.labels, test.probabilities) < log_loss(
        test.labels, predictions.only("validation").probabilities
    )


def test_a_temperature_of_an_older_version_is_fitted_again(tmp_path: Path) -> None:
    path = make_run(tmp_path, "net").path
    fitted = find_temperature(path)
    old = Temperature(temperature=7.0, images=fitted.images, wrong=fitted.wrong)
    write_record(path, TEMPERATURE, old)

    assert find_temperature(path) == fitted
    (path / PREDICTIONS).unlink()
    assert find_temperature(path) == old


def test_a_run_without_validation_images_stores_none_and_says_why(tmp_path: Path) -> None:
    path = make_run(tmp_path, "net").path
    write_temperature(path, read_predictions(path))
    write_predictions(path, read_predictions(path).only("test"))

    write_temperature(path, read_predictions(path))

    assert not (path / TEMPERATURE).exists()
    with pytest.raises(UserError, match="train it again with a validation part"):
        read_calibrated(path)


@pytest.mark.parametrize("content", ["{", '{"temperature": 0}', "[]", "temperature"])
def test_a_damaged_temperature_is_a_sentence(tmp_path: Path, content: str) -> None:
    path = make_run(tmp_path, "net").path
    (path / TEMPERATURE).write_text(content)

    with pytest.raises(UserError, match=f"{TEMPERATURE} is damaged"):
        find_temperature(path)


@pytest.mark.parametrize("value", [0.0, 1e-300, 1e300])
def test_a_temperature_that_no_fit_gives_is_damage(tmp_path: Path, value: float) -> None:
    path = make_run(tmp_path, "net").path
    (path / TEMPERATURE).write_text(
        f'{{"schema": 1, "temperature": {value}, "images": 9, "wrong": 1}}'
    )

    with pytest.raises(UserError, match=f"{TEMPERATURE} is damaged"):
        find_temperature(path)
