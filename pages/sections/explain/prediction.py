"""Predictions of models for one image, in words. No Streamlit, no torch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from modelzoo.text import ordinal, percent

OWN = "predicted class"  # of each model, in place of a class's name: what is to be explained
OUT_OF_DISTRIBUTION = 95.0  # percentile from which an image is called unlike the training images
OOD_HELP = (
    "Distance of the features of the image to those of the nearest training image, as a percentile "
    "of the same distance of the training images to the nearest of another group: 50 is as far as "
    f"the median training image, 100 farther than any. Above {OUT_OF_DISTRIBUTION:.0f} the image "
    "is called out of distribution, which is said of about 5 % of ordinary images, too."
)
UNSURE = 0.5  # probability below which a model's answer is called unsure


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # arrays have no single answer to ==
class Prediction:
    """One model's answer to one image."""

    run_id: str
    title: str  # of the model, as people read it
    classes: tuple[str, ...]
    probabilities: npt.NDArray[np.float32]  # (K,)
    ood_percentile: float  # percentile of the training images' own distances, [0, 100]

    @property
    def predicted(self) -> str:
        """Name of the likeliest class."""
        return self.classes[int(self.probabilities.argmax())]

    def class_to_explain(self, wanted: str) -> str:
        """The class that a person wants explained: the one named, or what this model says."""
        return self.predicted if wanted == OWN else wanted

    def with_probabilities(self, probabilities: npt.NDArray[np.float32]) -> "Prediction":
        """The same model's answer to the image after a change."""
        return replace(self, probabilities=probabilities)


def describe_predictions(answers: Sequence[Prediction], label: str | None) -> str:
    """What the models say, whether they agree, whether it is true, and whether to rely on it.

    Args:
        answers: At least one.
        label: The true class; None where nobody knows.
    """
    unlike = sum(answer.ood_percentile > OUT_OF_DISTRIBUTION for answer in answers)
    if not unlike:
        return _describe(answers, label)
    whose = "this model" if len(answers) == 1 else f"{unlike} of {len(answers)} models"
    return f"{_describe(answers, label)} The image is out of distribution for {whose}."


def describe_doubts(answer: Prediction, part: str | None) -> list[str]:
    """Why not to rely on an answer; one sentence each.

    Args:
        answer: Of one model.
        part: Where the image was in the model's training; None: nowhere.
    """
    doubts = []
    if answer.ood_percentile > OUT_OF_DISTRIBUTION:
        farther = "any" if answer.ood_percentile >= 100 else f"{answer.ood_percentile:.0f} %"
        doubts.append(
            f"This image is out of distribution for {answer.title}: it is farther from the "
            "training "
            f"images than {farther} of them from their nearest neighbour of another group. "
            "Prediction and map may mean little."
        )
    if part == "train":
        doubts.append(
            "This image is in the training set of this run, so a correct prediction shows nothing."
        )
    if part == "validation":
        doubts.append(
            "This image is in the validation set of this run, which chose its best epoch."
        )
    if answer.probabilities.max() < UNSURE:
        doubts.append(
            f"Low confidence: the highest probability of {answer.title} is under "
            f"{100 * UNSURE:.0f} %."
        )
    return doubts


def describe_ood(answer: Prediction) -> str:
    """How far out of distribution the image is, as a number and in words."""
    is_out = answer.ood_percentile > OUT_OF_DISTRIBUTION
    words = "out of distribution" if is_out else "in distribution"
    return f"**OOD score: {ordinal(answer.ood_percentile)} percentile**, {words}"


def _describe(answers: Sequence[Prediction], label: str | None) -> str:
    """What the models say, whether they agree, and whether it is true where that is known."""
    by_class: dict[str, list[Prediction]] = {}
    for answer in answers:
        by_class.setdefault(answer.predicted, []).append(answer)
    if len(by_class) == 1:
        said = answers[0].predicted
        who = {1: f"{answers[0].title} predicts", 2: "Both models predict"}.get(
            len(answers), f"All {len(answers)} models predict"
        )
        sentence = f"{who} {said} ({_percents(answers)})"
        if label is None:
            return f"{sentence}."
        verdict = "which is correct" if said == label else f"but the true class is {label}"
        return f"{sentence}, {verdict}."
    groups = sorted(by_class.items(), key=lambda item: -len(item[1]))
    listed = ", ".join(
        f"{', '.join(answer.title for answer in group)} "
        f"{'predicts' if len(group) == 1 else 'predict'} "
        f"{said} ({_percents(group)})"
        for said, group in groups
    )
    truth = "" if label is None else f" The true class is {label}."
    return f"The models disagree: {listed}.{truth}"


def _percents(answers: Sequence[Prediction]) -> str:
    low, *_, high = sorted([float(answer.probabilities.max()) for answer in answers] * 2)
    if percent(low, 0) == percent(high, 0):
        return percent(low, 0)
    return f"{percent(low, 0).removesuffix(' %')} to {percent(high, 0)}"
