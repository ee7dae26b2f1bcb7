"""Hardest test images: the prediction of every model for each. Arrays in, records out; no files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from modelzoo.runs.predictions import Predictions
from modelzoo.text import count


@dataclass(frozen=True, slots=True)
class ModelPrediction:
    """The prediction of one model for one image."""

    run_id: str
    predicted: str  # the likeliest class
    probability: float  # of that class
    is_correct: bool
    true_probability: float  # of the true class


@dataclass(frozen=True, slots=True)
class ImageResult:
    """One test image, and the predictions of all models for it."""

    image: str
    label: str  # the true class
    by_model: tuple[ModelPrediction, ...]  # in the order of the runs

    @property
    def n_correct(self) -> int:
        """How many models are correct."""
        return sum(prediction.is_correct for prediction in self.by_model)

    @property
    def wrong_confidence(self) -> float:
        """Mean probability of the wrong predictions; 0 without any."""
        wrong = [
            prediction.probability for prediction in self.by_model if not prediction.is_correct
        ]
        return sum(wrong) / len(wrong) if wrong else 0.0

    @property
    def true_probability(self) -> float:
        """Mean probability of the true class."""
        return sum(each.true_probability for each in self.by_model) / len(self.by_model)


def rank_hardest(predictions: Mapping[str, Predictions]) -> list[ImageResult]:
    """The images with a label that every run has predicted, the hardest first.

    Hardest: fewest correct models, then the highest confidence in wrong predictions, then the
    lowest probability of the true class.

    Args:
        predictions: By run id; of one part of one split.
    """
    by_model = {run_id: _predictions_by_image(run_id, each) for run_id, each in predictions.items()}
    if not by_model:
        return []
    first = next(iter(predictions.values()))
    shared = set.intersection(*(set(by_image) for by_image in by_model.values()))
    results = [
        ImageResult(
            image,
            first.classes[label],
            tuple(by_image[image] for by_image in by_model.values()),
        )
        for image, label in zip(first.images, first.labels.tolist(), strict=True)
        if image in shared
    ]
    return sorted(
        results,
        key=lambda each: (
            each.n_correct,
            -each.wrong_confidence,
            each.true_probability,
            each.image,
        ),
    )


def images_of_entry(
    results: Sequence[ImageResult], *, label: str, predicted: str
) -> list[ImageResult]:
    """The images of one entry of a confusion matrix.

    Args:
        results: By one run.
        label: The true class.
        predicted: The predicted class.
    """
    return [
        each for each in results if (each.label, each.by_model[0].predicted) == (label, predicted)
    ]


def describe_agreement(results: Sequence[ImageResult]) -> str:
    """On how many images all models are correct, all wrong, and some either; one sentence."""
    if not results:
        return "No test image has a prediction of every model shown."
    models = len(results[0].by_model)
    images = count(len(results), "test image")
    correct = sum(each.n_correct == models for each in results)
    if models == 1:
        return f"The model is correct on {correct} of {images}."
    wrong = sum(each.n_correct == 0 for each in results)
    return (
        f"{'Both' if models == 2 else f'All {models}'} models are correct on {correct} of {images} "
        f"and wrong on {wrong}; on {len(results) - correct - wrong} they differ."
    )


def results_table(results: Sequence[ImageResult], names: Mapping[str, str]) -> pd.DataFrame:
    """One row per image, and per run three columns: predicted class, its probability, true class's.

    Args:
        results: In the order of the rows.
        names: By run id.
    """
    return pd.DataFrame(
        [
            {"image": each.image, "true_class": each.label, "models_correct": each.n_correct}
            | {
                f"{names[prediction.run_id]}{what}": value
                for prediction in each.by_model
                for what, value in (
                    (" predicted", prediction.predicted),
                    (" probability", prediction.probability),
                    (" probability of true class", prediction.true_probability),
                )
            }
            for each in results
        ]
    )


def _predictions_by_image(run_id: str, predictions: Predictions) -> dict[str, ModelPrediction]:
    """By image id, of the images that have a label."""
    index = predictions.probabilities.argmax(1)
    probability = predictions.probabilities.max(1)
    rows = np.flatnonzero(predictions.labels >= 0)
    return {
        predictions.images[row]: ModelPrediction(
            run_id,
            predictions.classes[index[row]],
            float(probability[row]),
            bool(index[row] == predictions.labels[row]),
            float(predictions.probabilities[row, predictions.labels[row]]),
        )
        for row in rows.tolist()
    }
