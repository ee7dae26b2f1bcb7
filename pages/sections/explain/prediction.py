"""What models say of one image, in words. No Streamlit, no torch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from modelzoo.text import percent

OWN = "each model's own answer"  # in place of a class's name: what is to be explained
OUT_OF_DISTRIBUTION = 95.0  # percentile from which an image is called unlike the training images
OOD_HELP = (
    "How far the image's features are from those of the nearest training image, as a percentile of "
    "how far training images are from each other: 0 is a training image itself, 50 as far as the "
    f"median training image is from the next, 100 farther than any. A warning comes above "
    f"{OUT_OF_DISTRIBUTION:.0f}."
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
        return _say(answers, label)
    whose = "the training images" if len(answers) == 1 else f"what {unlike} of them learned from"
    return f"{_say(answers, label)} But the image is unlike {whose}."


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
            f"This image is unlike what {answer.title} was trained on, farther away than {farther} "
            "of its training images are from each other: rely on neither answer nor map."
        )
    if part == "train":
        doubts.append(
            "This image was in the training part of this run: being right here proves nothing."
        )
    if part == "validation":
        doubts.append(
            "This image was in the validation part of this run, which chose the epoch that is kept."
        )
    if answer.probabilities.max() < UNSURE:
        doubts.append(f"No class reaches {100 * UNSURE:.0f} %: {answer.title} does not know.")
    return doubts


def describe_ood(answer: Prediction) -> str:
    """How unlike the training images the image is, as a number and in words."""
    words = "unlike" if answer.ood_percentile > OUT_OF_DISTRIBUTION else "like"
    return f"**Unlikeness {answer.ood_percentile:.0f}** of 100: {words} its training images"


def _say(answers: Sequence[Prediction], label: str | None) -> str:
    """What the models say, whether they agree, and whether it is true where that is known."""
    by_class: dict[str, list[Prediction]] = {}
    for answer in answers:
        by_class.setdefault(answer.predicted, []).append(answer)
    if len(by_class) == 1:
        said = answers[0].predicted
        who = {1: f"{answers[0].title} says", 2: "Both models say"}.get(
            len(answers), f"All {len(answers)} models say"
        )
        sentence = f"{who} {said} ({_percents(answers)})"
        if label is None:
            return f"{sentence}."
        return f"{sentence}, {'which is true' if said == label else f'but the truth is {label}'}."
    groups = sorted(by_class.items(), key=lambda item: -len(item[1]))
    listed = ", ".join(
        f"{', '.join(answer.title for answer in group)} {'says' if len(group) == 1 else 'say'} "
        f"{said} ({_percents(group)})"
        for said, group in groups
    )
    truth = "" if label is None else f" The truth is {label}."
    return f"The models disagree: {listed}.{truth}"


def _percents(answers: Sequence[Prediction]) -> str:
    low, *_, high = sorted([float(answer.probabilities.max()) for answer in answers] * 2)
    if percent(low, 0) == percent(high, 0):
        return percent(low, 0)
    return f"{percent(low, 0).removesuffix(' %')} to {percent(high, 0)}"
