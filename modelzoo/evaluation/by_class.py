"""What predictions are worth on each class, with intervals over groups. Records out; no files."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from modelzoo.evaluation.intervals import Resampled, Score, score
from modelzoo.evaluation.metrics import (
    auc_by_class,
    average_precision_by_class,
    precision_by_class,
    sensitivity_by_class,
)

_NOT_DEFINED = "The class has no image here, or is never predicted, or there is no other class."


@dataclass(frozen=True, slots=True)
class ClassScores:
    """The scores of one class on one part."""

    name: str
    images: int
    groups: int  # that hold them
    predicted: int  # images of any class that are predicted as it
    sensitivity: Score
    precision: Score  # not defined where it is never predicted
    auc: Score  # against the rest, as the next
    average_precision: Score


def score_classes(drawn: Resampled, classes: Sequence[str]) -> list[ClassScores]:
    """The scores of each class with 95 % intervals, by the bootstrap over groups of `evaluate`.

    Resamples without an image of the class (of those predicted as it, for precision) are left out.
    A class whose images all belong to one group has no interval.

    Args:
        drawn: From `resample`.
        classes: (K,), names.
    """
    images, predicted = drawn.confusion.sum(1), drawn.confusion.sum(0)
    is_here = drawn.confusion_by_group.sum(2) > 0  # (G, K), groups that hold the class
    is_said = drawn.confusion_by_group.sum(1) > 0  # and in which it is predicted
    is_other = drawn.confusion_by_group.sum((1, 2))[:, None] > drawn.confusion_by_group.sum(2)
    holding, said, others = is_here.sum(0), is_said.sum(0), is_other.sum(0)
    sensitivity = sensitivity_by_class(drawn.confusion), sensitivity_by_class(drawn.confusions)
    precision = precision_by_class(drawn.confusion), precision_by_class(drawn.confusions)
    once = np.ones((len(drawn.labels), 1))
    ranked = [
        (measure(drawn.labels, drawn.probabilities, once)[:, 0], drawn.of_probabilities(measure))
        for measure in (auc_by_class, average_precision_by_class)
    ]
    return [
        ClassScores(
            name,
            int(images[k]),
            int(holding[k]),
            int(predicted[k]),
            score(float(sensitivity[0][k]), sensitivity[1][:, k], int(holding[k]), _NOT_DEFINED),
            score(float(precision[0][k]), precision[1][:, k], int(said[k]), _NOT_DEFINED),
            *(
                score(float(whole[k]), resampled[k], int(min(holding[k], others[k])), _NOT_DEFINED)
                for whole, resampled in ranked
            ),
        )
        for k, name in enumerate(classes)
    ]
