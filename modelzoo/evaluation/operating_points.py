"""Some classes against the rest at one threshold: how it is chosen, what it finds. No files.

An image's score is the sum of the probabilities of the positive classes. Its threshold is chosen on
validation images and measured on test images. Letters: N images, G groups, K classes.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from modelzoo.errors import UserError
from modelzoo.evaluation.areas import Floats
from modelzoo.evaluation.by_class import share_score
from modelzoo.evaluation.clustered import SENSITIVITY, share_intervals
from modelzoo.evaluation.intervals import Score
from modelzoo.runs.predictions import Predictions
from modelzoo.text import join_few, one_line, shorten

Criterion = Literal["argmax", "sensitivity", "specificity", "youden", "typed"]
CRITERIA: tuple[Criterion, ...] = get_args(Criterion)
ROUNDING = 1e-9  # of a share times a count: 0.55 times 20 is above 11
BLAST = re.compile(r"(?i)(?<![a-z])(early|pre|pro)(?![a-z])")  # a word of its own
NAME_LETTERS = 60  # of a class, in a sentence


@dataclass(frozen=True, slots=True)
class Choice:
    """Which classes are positive, and by what their threshold is chosen; from `choose`."""

    positive: tuple[str, ...]
    criterion: Criterion = "argmax"
    wanted: float | None = None  # a sensitivity, a specificity, or the threshold typed, in [0, 1]


@dataclass(frozen=True, slots=True)
class Threshold:
    """A threshold, and what it does on the validation images that it was chosen on."""

    value: float | None  # an image is positive from here on; None: by its predicted class
    positives: int = 0  # validation images; 0 where it was not chosen on any, as the next
    negatives: int = 0
    sensitivity: float = math.nan  # on them; NaN where there is none to count, as the next
    specificity: float = math.nan


@dataclass(frozen=True, slots=True)
class Rates:
    """What a threshold does on the test images, with 95 % intervals over groups."""

    positives: int  # test images
    negatives: int
    found: int  # true positives
    alarms: int  # false positives
    sensitivity: Score
    specificity: Score


def suggest_positive(classes: Sequence[str]) -> tuple[str, ...]:
    """The positive classes of data sets whose classes are known; none for others.

    Of the ALL image data set (Aria et al. 2021) every leukaemia, whose classes hold early, pre or
    pro, against benign; of C-NMC (Gupta et al. 2019) `all` against `hem`.
    """
    if {name.casefold() for name in classes} == {"all", "hem"}:
        return tuple(name for name in classes if name.casefold() == "all")
    blasts = tuple(name for name in classes if BLAST.search(name))
    others = [name for name in classes if name not in blasts]
    is_known = len(others) == 1 and "benign" in others[0].casefold()
    return blasts if blasts and is_known else ()


def choose(
    classes: Sequence[str],
    positive: Sequence[str],
    criterion: Criterion = "argmax",
    wanted: float | None = None,
) -> Choice:
    """A choice that can be computed, with the positive classes in the order of `classes`.

    Raises:
        UserError: A class is unknown, no class or every class is positive, or what is wanted is
            missing or outside [0, 1].
    """
    if unknown := [name for name in positive if name not in classes]:
        raise UserError(
            f"Class {shorten(unknown[0], NAME_LETTERS)!r} is unknown; the classes are "
            f"{join_few([one_line(name) for name in classes])}."
        )
    if not positive or len(set(positive)) == len(set(classes)):
        raise UserError(
            f"{'No class is' if not positive else 'All classes are'} positive, so there is nothing "
            f"to tell apart; choose some of {join_few([one_line(name) for name in classes])}."
        )
    if criterion in ("sensitivity", "specificity", "typed"):
        what = "threshold" if criterion == "typed" else criterion
        if wanted is None:
            raise UserError(f"No {what} was given; give one between 0 and 1.")
        if not 0 <= wanted <= 1:  # nor is NaN
            raise UserError(f"A {what} of {wanted:g} was given; it lies between 0 and 1.")
    else:
        wanted = None
    return Choice(tuple(name for name in classes if name in positive), criterion, wanted)


def group_scores(predictions: Predictions, positive: Sequence[str]) -> Floats:
    """(N,) float64 in [0, 1], the sum of the probabilities of the positive classes."""
    is_positive = np.isin(np.array(predictions.classes), list(positive))
    summed = predictions.probabilities[:, is_positive].sum(1, dtype=np.float64)
    return np.asarray(np.minimum(summed, 1.0))  # rows sum to 1 up to rounding


def choose_threshold(choice: Choice, validation: Predictions | None) -> Threshold:
    """The threshold that `choice` asks for, among the scores of the validation images.

    A wanted sensitivity gives the highest threshold that reaches it, a wanted specificity the
    lowest, and Youden's J (Youden 1950) the largest sensitivity + specificity - 1, of several the
    highest. An image whose score equals the threshold is positive.

    Args:
        choice: From `choose`.
        validation: Images without a label are left out; None: there are none.

    Raises:
        UserError: The validation images do not say: there are none, or none of a group that
            counts, or the specificity wanted is reached only by calling nothing positive.
    """
    if choice.criterion == "argmax":
        return Threshold(None)
    if choice.criterion == "typed":
        return Threshold(choice.wanted)
    is_positive, scores = _labelled(validation, choice.positive)
    positives = int(is_positive.sum())
    negatives = len(is_positive) - positives
    _require_validation(choice, positives, negatives)
    thresholds, images = np.unique(-scores, return_counts=True)
    called = np.cumsum(images)  # at or above each threshold, the highest first
    in_order = is_positive[np.argsort(-scores, kind="stable")].astype(np.int64)
    found = np.cumsum(in_order)[called - 1]
    at = _pick(choice, found, called - found)
    return Threshold(
        float(-thresholds[at]),
        positives,
        negatives,
        found[at] / positives if positives else math.nan,
        1 - (called - found)[at] / negatives if negatives else math.nan,
    )


def _labelled(
    predictions: Predictions | None, positive: Sequence[str]
) -> tuple[npt.NDArray[np.bool_], Floats]:
    """Which labelled images are positive, and their scores."""
    if predictions is None:
        return np.zeros(0, bool), np.zeros(0)
    has_label = predictions.labels >= 0
    names = np.array(predictions.classes)[predictions.labels[has_label]]
    return np.isin(names, list(positive)), group_scores(predictions, positive)[has_label]


def _require_validation(choice: Choice, positives: int, negatives: int) -> None:
    """Raise a UserError where so many validation images cannot say."""
    instead = "type one, or take the predicted class (argmax)"
    if not positives + negatives:
        raise UserError(
            f"There are no validation images with a label to choose a threshold on; {instead}."
        )
    by = "Youden's J" if choice.criterion == "youden" else f"its {choice.criterion}"
    for images, group, rate in (
        (positives, "positive", "sensitivity"),
        (negatives, "negative", "specificity"),
    ):
        if not images and choice.criterion in (rate, "youden"):
            raise UserError(
                f"No validation image is {group}, so no threshold can be chosen by {by}; {instead}."
            )


def _pick(choice: Choice, found: npt.NDArray[np.int64], alarms: npt.NDArray[np.int64]) -> int:
    """Index of the threshold chosen.

    Args:
        choice: By a wanted sensitivity or specificity, or by Youden's J.
        found: (T,), positive images at or above each threshold, from the highest to the lowest.
        alarms: (T,), negative ones.
    """
    positives, negatives = found[-1], alarms[-1]
    if choice.criterion == "youden":
        return int(np.argmax(found * negatives - alarms * positives))  # whole: ties are ties
    wanted = choice.wanted or 0.0
    if choice.criterion == "sensitivity":
        return int(np.searchsorted(found, wanted * positives - ROUNDING))
    enough = np.flatnonzero(negatives - alarms >= wanted * negatives - ROUNDING)
    if not len(enough):
        raise UserError(
            f"A specificity of {wanted:g} is reached on the validation images only by calling none "
            "positive, since the highest score is a negative image's; give a lower one."
        )
    return int(enough[-1])


def call_positive(
    predictions: Predictions, positive: Sequence[str], threshold: float | None
) -> npt.NDArray[np.bool_]:
    """(N,), which images are called positive; without a threshold those predicted as such."""
    if threshold is not None:
        return np.asarray(group_scores(predictions, positive) >= threshold)
    if not len(predictions.images):
        return np.zeros(0, bool)
    predicted = np.array(predictions.classes)[predictions.probabilities.argmax(1)]
    return np.isin(predicted, list(positive))


def measure(
    test: Predictions,
    group_by_image: Mapping[str, str],
    positive: Sequence[str],
    threshold: float | None,
) -> Rates:
    """What a threshold does on the test images, with 95 % intervals over groups.

    Args:
        test: Images without a label are left out.
        group_by_image: Group of each image id; one that is missing is a group of its own.
        positive: The positive classes.
        threshold: As `Threshold.value`.
    """
    has_label = test.labels >= 0
    is_positive, _ = _labelled(test, positive)
    is_called = call_positive(test, positive, threshold)[has_label]
    images = [image for image, has in zip(test.images, has_label, strict=True) if has]
    names = np.array([group_by_image.get(image, image) for image in images], np.str_)
    groups, group = np.unique(names, return_inverse=True)
    # (G, negative or positive, called so or not, and nothing else)
    tallies = np.zeros((len(groups), 2, 4))
    np.add.at(tallies, (group, is_positive.astype(int), (is_positive != is_called).astype(int)), 1)
    shares = share_intervals(tallies, SENSITIVITY)
    specificity, sensitivity = (
        replace(share_score(shares, row), note=f"No test image is {name}.")
        if math.isnan(shares.value[row])
        else share_score(shares, row)
        for row, name in enumerate(("negative", "positive"))
    )
    whole = tallies[..., :2].sum(0).astype(int)
    (cleared, alarms), (found, missed) = whole.tolist()
    return Rates(found + missed, cleared + alarms, found, alarms, sensitivity, specificity)
