from typing import Any

import numpy as np
import pytest

from pages.sections.explain.maps import probability_bars
from pages.sections.explain.prediction import (
    describe_doubts,
    describe_ood_models,
    describe_predictions,
)
from pages.shell.prediction import Prediction

CLASSES = ("Benign", "Early", "Pre", "Pro")


def answer(title: str, says: str, probability: float, **changes: Any) -> Prediction:
    probabilities = np.full(4, (1 - probability) / 3, np.float32)
    probabilities[CLASSES.index(says)] = probability
    values: dict[str, Any] = {
        "run_id": title.lower(),
        "title": title,
        "classes": CLASSES,
        "probabilities": probabilities,
        "ood_percentile": 50.0,
    }
    return Prediction(**values | changes)


@pytest.mark.parametrize(
    ("answers", "label", "said"),
    [
        ([("VGG16", "Pro", 0.8)], None, "VGG16 predicts Pro (80 %)."),
        ([("VGG16", "Pro", 0.8)], "Pro", "VGG16 predicts Pro (80 %), which is correct."),
        (
            [("VGG16", "Pro", 0.8), ("VGG19", "Pro", 0.999)],
            "Pre",
            "Both models predict Pro (80 to 99.9 %), but the true class is Pre.",
        ),
        (
            [("VGG16", "Pro", 0.8), ("VGG19", "Pro", 0.8), ("ResNet50", "Pro", 0.8)],
            "Pro",
            "All 3 models predict Pro (80 %), which is correct.",
        ),
        (
            [("VGG16", "Pre", 0.8), ("VGG19", "Pro", 0.9), ("ResNet50", "Pro", 0.7)],
            "Pro",
            "The models disagree: VGG19, ResNet50 predict Pro (70 to 90 %), VGG16 predicts Pre "
            "(80 %). "
            "The true class is Pro.",
        ),
    ],
)
def test_the_sentence_says_who_says_what_and_whether_it_is_true(
    answers: list[tuple[str, str, float]], label: str | None, said: str
) -> None:
    assert describe_predictions([answer(*each) for each in answers], label) == said


def test_many_models_are_counted() -> None:
    answers = [answer(f"Net {n}", "Pro" if n else "Pre", 0.8) for n in range(11)]

    assert describe_predictions(answers, None) == "11 models disagree: 10 Pro, 1 Pre."
    assert describe_predictions(answers[1:], None) == "All 10 models predict Pro (80 %)."
    assert describe_predictions(answers, "Pre") == (
        "1 of 11 models is correct; the true class is Pre."
    )
    assert describe_predictions(answers, "Early") == (
        "None of 11 models are correct; the true class is Early."
    )


def test_out_of_distribution_is_said_with_the_models_that_it_holds_for() -> None:
    inside, outside = answer("A", "Pro", 0.8), answer("B", "Pro", 0.8, ood_percentile=99.0)

    assert describe_ood_models([inside]) == ""
    assert describe_ood_models([outside]) == (
        "Out of distribution for this model: do not interpret prediction and map."
    )
    assert describe_ood_models([outside] * 11).startswith("Out of distribution for 11 of 11 models")
    assert describe_ood_models([inside, outside]) == (
        "Out of distribution for 1 of 2 models (B): do not interpret their predictions and maps."
    )


def test_doubts_are_said_for_what_weakens_an_answer_and_for_nothing_else() -> None:
    assert describe_doubts(answer("VGG16", "Pro", 0.8), "test") == []
    assert describe_doubts(answer("VGG16", "Pro", 0.8, ood_percentile=95.0), None) == []
    (unlike,) = describe_doubts(answer("VGG16", "Pro", 0.8, ood_percentile=97.4), None)
    assert "farther from its nearest training image than 97 % of the training images" in unlike
    (farthest,) = describe_doubts(answer("VGG16", "Pro", 0.8, ood_percentile=100.0), None)
    assert "than all of the training images" in farthest
    (learned,) = describe_doubts(answer("VGG16", "Pro", 0.8), "train")
    assert "in the training set of this run" in learned
    (chosen_by,) = describe_doubts(answer("VGG16", "Pro", 0.8), "validation")
    assert "in the validation set" in chosen_by
    (unsure,) = describe_doubts(answer("VGG16", "Pro", 0.4), None)
    assert "Low confidence" in unsure


def test_bars_mark_the_true_class_and_let_no_class_name_write_html() -> None:
    odd = answer("VGG16", "Pro", 0.8, classes=("Benign", "Early", "<b>Pre", "Pro"))

    drawn = probability_bars(odd, "Pro")

    assert "Pro (true)" in drawn
    assert "&lt;b&gt;Pre" in drawn
    assert "<b>" not in drawn
    assert "80 %" in drawn
