import dataclasses

import numpy as np
import pytest

from modelzoo.evaluation.hardest import (
    describe_agreement,
    images_of_entry,
    rank_hardest,
    results_table,
)
from modelzoo.runs.predictions import Predictions
from tests.run_folders import predictions_of

LABELS = [0, 0, 1, 1]


def of(*probabilities: tuple[float, float], labels: list[int] = LABELS) -> Predictions:
    """Predictions of two classes, `a` and `b`, with these probabilities."""
    return predictions_of(labels, np.log(probabilities), classes=("a", "b"))


# Image 0: both right. 1: both wrong, at 0.6 and 0.7. 2: only `two` wrong. 3: both wrong, at 0.9.
ONE = of((0.8, 0.2), (0.4, 0.6), (0.3, 0.7), (0.9, 0.1))
TWO = of((0.9, 0.1), (0.3, 0.7), (0.6, 0.4), (0.9, 0.1))


def test_the_hardest_images_come_first_the_confidently_wrong_before_the_unsure() -> None:
    judged = rank_hardest({"one": ONE, "two": TWO})

    assert [each.image for each in judged] == ["0003.jpg", "0001.jpg", "0002.jpg", "0000.jpg"]
    assert [each.n_correct for each in judged] == [0, 0, 1, 2]
    assert [each.wrong_confidence for each in judged] == pytest.approx([0.9, 0.65, 0.6, 0])
    assert [each.label for each in judged] == ["b", "a", "b", "a"]
    split = judged[2]
    assert [(s.run_id, s.predicted, s.is_correct) for s in split.by_model] == [
        ("one", "b", True),
        ("two", "a", False),
    ]


def test_of_images_that_all_predict_correctly_the_least_confident_come_first() -> None:
    sure = of((0.9, 0.1), (0.6, 0.4), (0.2, 0.8), (0.3, 0.7))
    unsure = of((0.7, 0.3), (0.8, 0.2), (0.4, 0.6), (0.1, 0.9))

    ranked = rank_hardest({"sure": sure, "unsure": unsure})

    # Means of the true class: 0.8, 0.7, 0.7, 0.8; equal ones by name.
    assert [each.image for each in ranked] == ["0001.jpg", "0002.jpg", "0000.jpg", "0003.jpg"]
    assert [each.true_probability for each in ranked] == pytest.approx([0.7, 0.7, 0.8, 0.8])


def test_a_wrong_prediction_has_the_probability_of_the_true_class_too() -> None:
    (wrong, *_, correct) = (each.by_model[0] for each in rank_hardest({"one": ONE}))

    assert (wrong.probability, wrong.true_probability) == pytest.approx((0.9, 0.1))
    assert correct.is_correct
    assert correct.probability == correct.true_probability


def test_only_images_that_every_model_was_asked_and_that_have_a_label_count() -> None:
    unlabelled = dataclasses.replace(TWO, labels=np.array([-1, 0, 1, 1]))
    shorter = of((0.8, 0.2), (0.4, 0.6), labels=[0, 0])

    assert {each.image for each in rank_hardest({"one": ONE, "two": unlabelled})} == {
        "0001.jpg",
        "0002.jpg",
        "0003.jpg",
    }
    assert [each.image for each in rank_hardest({"a": ONE, "b": shorter})] == [
        "0001.jpg",
        "0000.jpg",
    ]
    assert rank_hardest({}) == []


def test_a_cell_holds_the_images_of_its_true_class_and_answer() -> None:
    judged = rank_hardest({"two": TWO})

    assert [each.image for each in images_of_entry(judged, label="b", predicted="a")] == [
        "0003.jpg",
        "0002.jpg",
    ]
    assert images_of_entry(judged, label="b", predicted="b") == []


def test_agreement_is_one_sentence() -> None:
    assert describe_agreement(rank_hardest({"one": ONE, "two": TWO})) == (
        "Both models are correct on 1 of 4 test images and wrong on 2; on 1 they differ."
    )
    assert (
        describe_agreement(rank_hardest({"one": ONE}))
        == "The model is correct on 2 of 4 test images."
    )
    assert "No test image" in describe_agreement([])


def test_the_table_has_a_row_an_image_and_three_columns_a_run() -> None:
    table = results_table(rank_hardest({"one": ONE, "two": TWO}), {"one": "One", "two": "Two"})

    assert table.columns.tolist() == [
        "image",
        "true_class",
        "models_correct",
        "One predicted",
        "One probability",
        "One probability of true class",
        "Two predicted",
        "Two probability",
        "Two probability of true class",
    ]
    assert table[["image", "One predicted", "Two predicted"]].values[2].tolist() == [
        "0002.jpg",
        "b",
        "a",
    ]
    assert table["Two probability"].tolist() == pytest.approx([0.9, 0.7, 0.6, 0.9])
