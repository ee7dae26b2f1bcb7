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


@dataclass(frozen=True, slots=True)
class ImageResult:
    """One test image, and the predictions of all models for it."""

    image: str
    label: str  # the true class
    by_model: tuple[ModelPrediction, ...]  # in the order of the runs

    @property
    def n_correct(self) -> int:
        """How many models are correct."""
        return sum(saying.is_correct for saying in self.by_model)

    @property
    def wrong_confidence(self) -> float:
        """Mean probability of the wrong predictions; 0 without any."""
        wrong = [saying.probability for saying in self.by_model if not saying.is_correct]
        return sum(wrong) / len(wrong) if wrong else 0.0


def rank_hardest(predictions: Mapping[str, Predictions]) -> list[ImageResult]:
    """The images with a label that every run has predicted, the hardest first.

    Hardest: fewest correct models, then the highest confidence in wrong predictions.

    Args:
        predictions: By run id; of one part of one split.
    """
    by_model = {run_id: _predictions_by_image(run_id, each) for run_id, each in predictions.items()}
    if not by_model:
        return []
    first = next(iter(predictions.values()))
    shared = set.intersection(*(set(by_image) for by_image in by_model.values()))
    judged = [
        ImageResult(
            image,
            first.classes[label],
            tuple(by_image[image] for by_image in by_model.values()),
        )
        for image, label in zip(first.images, first.labels.tolist(), strict=True)
        if image in shared
    ]
    return sorted(judged, key=lambda each: (each.n_correct, -each.wrong_confidence, each.image))


def images_of_entry(
    judged: Sequence[ImageResult], *, label: str, predicted: str
) -> list[ImageResult]:
    """Those of one entry of a confusion matrix.

    Args:
        judged: By one run.
        label: The true class.
        predicted: The predicted class.
    """
    return [
        each for each in judged if (each.label, each.by_model[0].predicted) == (label, predicted)
    ]


def describe_agreement(judged: Sequence[ImageResult]) -> str:
    """On how many images all models are correct, all wrong, and some either; one sentence."""
    if not judged:
        return "No test image has a prediction of every model shown."
    models = len(judged[0].by_model)
    images = count(len(judged), "test image")
    correct = sum(each.n_correct == models for each in judged)
    if models == 1:
        return f"The model is correct on {correct} of {images}."
    wrong = sum(each.n_correct == 0 for each in judged)
    return (
        f"{'Both' if models == 2 else f'All {models}'} models are correct on {correct} of {images} "
        f"and wrong on {wrong}; on {len(judged) - correct - wrong} they differ."
    )


def results_table(judged: Sequence[ImageResult], names: Mapping[str, str]) -> pd.DataFrame:
    """One row per image, and per run two columns: the predicted class and its probability.

    Args:
        judged: In the order of the rows.
        names: By run id.
    """
    return pd.DataFrame(
        [
            {"image": each.image, "true_class": each.label, "models_correct": each.n_correct}
            | {
                f"{names[saying.run_id]}{what}": value
                for saying in each.by_model
                for what, value in (
                    (" predicted", saying.predicted),
                    (" probability", saying.probability),
                )
            }
            for each in judged
        ]
    )


def _predictions_by_image(run_id: str, predictions: Predictions) -> dict[str, ModelPrediction]:
    """By image id, of the images that have a label."""
    said = predictions.probabilities.argmax(1)
    surest = predictions.probabilities.max(1)
    rows = np.flatnonzero(predictions.labels >= 0)
    return {
        predictions.images[row]: ModelPrediction(
            run_id,
            predictions.classes[said[row]],
            float(surest[row]),
            bool(said[row] == predictions.labels[row]),
        )
        for row in rows.tolist()
    }
