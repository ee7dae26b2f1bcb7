"""Accuracy by coverage, against counting by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelzoo.evaluation.intervals import evaluate
from modelzoo.evaluation.risk_coverage import (
    describe_risk_coverage,
    risk_areas,
    risk_coverage,
)
from modelzoo.runs.predictions import Predictions
from tests.run_folders import guess, predictions_of


def sure(confidences: list[float], are_right: list[bool]) -> Predictions:
    """Predictions of the first of two classes with these probabilities, right or not."""
    labels = [0 if is_right else 1 for is_right in are_right]
    found = predictions_of(labels, np.zeros((len(labels), 2)), classes=("a", "b"))
    both = np.column_stack([confidences, 1 - np.array(confidences)]).astype(np.float32)
    return Predictions(found.images, found.parts, found.labels, ("a", "b"), found.logits, both)


def test_by_hand() -> None:
    curve = risk_coverage(sure([0.99, 0.9, 0.8, 0.7, 0.6], [True, True, False, True, False]), {})

    assert curve
    assert curve.at(0.2).value == 1
    assert curve.at(0.4).value == 1
    assert curve.at(0.41).value == pytest.approx(2 / 3)  # a third image is needed
    assert curve.at(0.6).value == pytest.approx(2 / 3)
    assert curve.at(0.8).value == pytest.approx(3 / 4)
    assert curve.at(1).value == pytest.approx(3 / 5)


@given(
    st.lists(
        st.tuples(st.sampled_from([0.5, 0.625, 0.75, 1.0]), st.booleans()), min_size=1, max_size=30
    )
)
def test_the_surest_images_are_kept_and_ties_together(images: list[tuple[float, bool]]) -> None:
    curve = risk_coverage(sure(*map(list, zip(*images, strict=True))), {})

    assert curve
    for coverage in (0.05, 0.5, 0.9, 1.0):
        for threshold in sorted({confidence for confidence, _ in images}, reverse=True):
            kept = [is_right for confidence, is_right in images if confidence >= threshold]
            if len(kept) >= coverage * len(images) - 1e-9:
                break
        assert curve.at(coverage).value == pytest.approx(sum(kept) / len(kept))


def test_all_images_have_the_accuracy_and_interval_of_the_leaderboard() -> None:
    found = guess(np.random.default_rng(1), images=200, skill=1.5)
    group_by_image = {image: str(at // 4) for at, image in enumerate(found.images)}

    curve = risk_coverage(found, group_by_image)

    assert curve
    whole = evaluate(found, group_by_image).scores["accuracy"]
    assert curve.at(1).value == pytest.approx(whole.value)
    assert (curve.at(1).ci_low, curve.at(1).ci_high) == pytest.approx((whole.ci_low, whole.ci_high))
    assert curve.at(0.5).value > whole.value  # guesses are surer where they are right


def test_the_interval_at_a_coverage_is_that_of_resampled_images() -> None:
    found = guess(np.random.default_rng(2), images=150, skill=1.5)
    confidence = found.probabilities.max(1)
    is_right = found.probabilities.argmax(1) == found.labels
    generator = np.random.default_rng(3)

    curve = risk_coverage(found, {})

    again = []
    for _ in range(1000):
        rows = generator.integers(0, 150, 150)
        kept = rows[np.argsort(-confidence[rows])[: math.ceil(0.8 * 150)]]
        again.append(is_right[kept].mean())
    assert curve
    found_ends = (curve.at(0.8).ci_low, curve.at(0.8).ci_high)
    assert found_ends == pytest.approx(tuple(np.quantile(again, [0.025, 0.975])), abs=0.03)


def test_one_group_has_no_interval_and_no_label_no_curve() -> None:
    found = guess(np.random.default_rng(1), images=40)
    nothing = predictions_of([-1, -1], np.zeros((2, 4)))

    curve = risk_coverage(found, dict.fromkeys(found.images, "patient"))

    assert curve
    assert math.isnan(curve.at(0.9).ci_low)
    assert "(no interval), against" in describe_risk_coverage(curve)
    assert risk_coverage(nothing, {}) is None


def test_what_is_said_of_90_percent() -> None:
    rights = [True] * 90 + [False] * 5 + [True] * 5
    curve = risk_coverage(sure(list(np.linspace(0.99, 0.6, 100)), rights), {})

    assert curve
    words = describe_risk_coverage(curve)
    assert words.startswith(
        "With the 10 % of the test images of the lowest confidence handed to a person, accuracy on "
        "the other 90 % is 100.0 % (95 % CI "
    )
    assert "against 95.0 % (95 % CI " in words
    assert "AURC, the mean share of errors over all coverages, is 0." in words


def test_the_area_of_geifman_by_hand_and_the_ideal_order() -> None:
    # Risks of 1 to 5 kept images: 0, 0, 1/3, 1/4, 2/5; in the ideal order 0, 0, 0, 1/4, 2/5.
    curve = risk_coverage(sure([0.99, 0.9, 0.8, 0.7, 0.6], [True, True, False, True, False]), {})

    assert curve
    assert curve.aurc.value == pytest.approx((1 / 3 + 1 / 4 + 2 / 5) / 5)
    assert curve.excess.value == pytest.approx(1 / 15)


def test_the_ideal_area_nears_the_papers_formula_and_ties_are_in_no_order() -> None:
    wrong = np.arange(20_000) >= 17_000  # in the ideal order

    area, ideal = risk_areas(wrong.astype(float), np.ones((20_000, 1)))
    tied = risk_coverage(sure([0.9] * 40, [True] * 30 + [False] * 10), {})

    assert area[0] == pytest.approx(ideal[0])
    assert ideal[0] == pytest.approx(0.15 + 0.85 * math.log(0.85), abs=1e-4)
    assert tied
    assert tied.aurc.value == pytest.approx(0.25)


def test_out_of_distribution_images_can_be_handed_over_first() -> None:
    found = sure([0.6, 0.7, 0.8, 0.9], [False, True, True, True])
    percentile = dict(zip(found.images, [99.0, 1.0, 2.0, 3.0], strict=True))

    curve = risk_coverage(found, {}, percentile)
    reverse = risk_coverage(found, {}, {image: -at for image, at in percentile.items()})

    assert curve
    assert reverse
    assert curve.at(0.75).value == 1
    assert reverse.at(0.25).value == 0
    assert curve.excess.value == pytest.approx(0)
    assert "that are the most out of distribution" in describe_risk_coverage(curve)
    assert risk_coverage(found, {}, {found.images[0]: 3.0}) is None


def test_the_interval_of_the_area_holds_it() -> None:
    generator = np.random.default_rng(5)

    def draw(images: int) -> Predictions:
        p = generator.uniform(0.5, 1, images)
        return sure(p.tolist(), (generator.random(images) < p).tolist())

    large = draw(40_000)
    truth = risk_coverage(large, dict.fromkeys(large.images, "one"))
    held = 0
    for _ in range(60):
        found = risk_coverage(draw(90), {f"{at:04d}.jpg": str(at // 3) for at in range(90)})
        assert found
        assert truth
        held += found.aurc.ci_low <= truth.aurc.value <= found.aurc.ci_high

    assert held > 52  # 52 or fewer come by chance once in 300, were 95 % held
