"""Where models disagree: what each says of each test image. Arrays in, records out; no files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from modelzoo.runs.predictions import Predictions
from modelzoo.text import count


@dataclass(frozen=True, slots=True)
class Saying:
    """What one model says of one image."""

    run_id: str
    says: str  # the likeliest class
    probability: float  # of that class
    is_right: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """One test image, and what every model says of it."""

    image: str
    label: str  # the true class
    sayings: tuple[Saying, ...]  # in the order of the runs

    @property
    def right(self) -> int:
        """How many models are right."""
        return sum(saying.is_right for saying in self.sayings)

    @property
    def wrong_confidence(self) -> float:
        """Mean probability that the models that are wrong give to their answers; 0 without any."""
        wrong = [saying.probability for saying in self.sayings if not saying.is_right]
        return sum(wrong) / len(wrong) if wrong else 0.0


def judge_images(predictions: Mapping[str, Predictions]) -> list[Judged]:
    """The images with a label that every run has predicted, the hardest first.

    Hardest: fewest models right, then the most confident in what is wrong.

    Args:
        predictions: By run id; of one part of one split.
    """
    sayings = {run_id: _sayings(run_id, each) for run_id, each in predictions.items()}
    if not sayings:
        return []
    first = next(iter(predictions.values()))
    shared = set.intersection(*(set(by_image) for by_image in sayings.values()))
    judged = [
        Judged(
            image,
            first.classes[label],
            tuple(by_image[image] for by_image in sayings.values()),
        )
        for image, label in zip(first.images, first.labels.tolist(), strict=True)
        if image in shared
    ]
    return sorted(judged, key=lambda each: (each.right, -each.wrong_confidence, each.image))


def images_of_cell(judged: Sequence[Judged], *, label: str, says: str) -> list[Judged]:
    """Those of one cell of a confusion matrix.

    Args:
        judged: By one run.
        label: The true class.
        says: The class that the run says.
    """
    return [each for each in judged if (each.label, each.sayings[0].says) == (label, says)]


def say_agreement(judged: Sequence[Judged]) -> str:
    """On how many images all models are right, all wrong, and some either; one sentence."""
    if not judged:
        return "No test image was answered by every model shown."
    models = len(judged[0].sayings)
    images = count(len(judged), "test image")
    right = sum(each.right == models for each in judged)
    if models == 1:
        return f"The model is right on {right} of {images}."
    wrong = sum(each.right == 0 for each in judged)
    return (
        f"{'Both' if models == 2 else f'All {models}'} models are right on {right} of {images} and "
        f"wrong on {wrong}; on {len(judged) - right - wrong} they differ."
    )


def judged_table(judged: Sequence[Judged], names: Mapping[str, str]) -> pd.DataFrame:
    """`judged` as a table: a row an image, and two columns a run, what it says and how surely.

    Args:
        judged: In the order of the rows.
        names: By run id.
    """
    return pd.DataFrame(
        [
            {"image": each.image, "true_class": each.label, "models_right": each.right}
            | {
                f"{names[saying.run_id]}{what}": value
                for saying in each.sayings
                for what, value in ((" says", saying.says), (" probability", saying.probability))
            }
            for each in judged
        ]
    )


def _sayings(run_id: str, predictions: Predictions) -> dict[str, Saying]:
    """By image id, of the images that have a label."""
    said = predictions.probabilities.argmax(1)
    surest = predictions.probabilities.max(1)
    rows = np.flatnonzero(predictions.labels >= 0)
    return {
        predictions.images[row]: Saying(
            run_id,
            predictions.classes[said[row]],
            float(surest[row]),
            bool(said[row] == predictions.labels[row]),
        )
        for row in rows.tolist()
    }
