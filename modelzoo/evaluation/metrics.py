"""Metrics from confusion matrices and probabilities; one row per metric. No files.

Letters: N images, K classes, B weightings of the images: all, or some left out.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from modelzoo.evaluation.areas import (
    Floats,
    Integers,
    divide,
    macro_auc,
    macro_auc_without_each,
    macro_average_precision,
)
from modelzoo.evaluation.calibration_interval import ece_interval
from modelzoo.evaluation.clustered import (
    F1,
    F2,
    PRECISION,
    SENSITIVITY,
    SPECIFICITY,
    Share,
)
from modelzoo.evaluation.losses import brier_score, expected_calibration_error, log_loss
from modelzoo.text import fraction, percent


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One score, in [lowest, highest]: how it is computed, what it is called, how it is written.

    One of the two functions is given. Both return float64, NaN where the score is not defined.
    """

    name: str
    title: str
    help: str
    # Confusion matrices (..., K, K) float64, true class by predicted class -> (...).
    from_confusion: Callable[[Floats], Floats] | None = None
    # True classes (N,), probabilities (N, K), N > 0, how often each image counts in each
    # weighting (N, B) -> (B,).
    from_probabilities: Callable[[Integers, Floats, Floats], Floats] | None = None
    # The first two and each image's group (N,) -> what the score of all is without each group in
    # turn, (G,); None: by as many weightings.
    without_each: Callable[[Integers, Floats, npt.NDArray[np.intp]], Floats] | None = None
    share: Share | None = None  # of a class, where the score is the mean of it over the classes
    # The first two and each image's group (N,), of two or more -> both ends; None: the jackknife's.
    interval: Callable[[Integers, Floats, npt.NDArray[np.intp]], tuple[float, float]] | None = None
    higher_is_better: bool = True
    unit: Literal["%", ""] = "%"  # "": a fraction, as areas are given
    lowest: float = 0.0  # -1 for an agreement that may be worse than by chance
    highest: float = 1.0  # infinite for a loss that has no upper bound
    is_default: bool = True  # in tables for people that have no room for every score

    def describe(self, value: float) -> str:
        """`95.8 %`, or `0.995` of a fraction."""
        return percent(value) if self.unit == "%" else fraction(value)

    def describe_interval(self, low: float, high: float) -> str:
        """`91.2–98.7`, without the unit; `0.120 to 0.340` where the first is negative."""
        dash = " to " if low < 0 else "–"
        return dash.join(self.describe(end).removesuffix(" %") for end in (low, high))

    @property
    def full_help(self) -> str:
        """The help text, with the direction where lower is better."""
        return self.help if self.higher_is_better else f"{self.help} Lower is better."


def scores_of_confusion(confusion: npt.ArrayLike) -> dict[str, Floats]:
    """Every metric that follows from confusion matrices (..., K, K), each (...) float64."""
    cells = np.asarray(confusion, np.float64)
    return {
        metric.name: metric.from_confusion(cells)
        for metric in METRICS.values()
        if metric.from_confusion
    }


def accuracy(confusion: Floats) -> Floats:
    """Share of the images whose true class is predicted; NaN without images."""
    return divide(_correct(confusion).sum(-1), confusion.sum((-2, -1)))


def macro_sensitivity(confusion: Floats) -> Floats:
    """Mean over the classes that occur of the share that is predicted as such.

    scikit-learn's `balanced_accuracy_score` is the same.
    """
    return _mean_over_present(sensitivity_by_class(confusion), confusion)


def sensitivity_by_class(confusion: Floats) -> Floats:
    """(..., K), the share of each class that is predicted as such; NaN without images of it."""
    return divide(_correct(confusion), confusion.sum(-1))


def macro_precision(confusion: Floats) -> Floats:
    """Mean over the classes that occur; a class that is never predicted has a precision of 0."""
    by_class = precision_by_class(confusion)
    return _mean_over_present(np.where(np.isnan(by_class), 0.0, by_class), confusion)


def precision_by_class(confusion: Floats) -> Floats:
    """(..., K), the share of what is predicted as a class that belongs to it; NaN if nothing is."""
    return divide(_correct(confusion), confusion.sum(-2))


def macro_specificity(confusion: Floats) -> Floats:
    """Mean over the classes that occur; NaN where there is only one."""
    outside = confusion.sum((-2, -1))[..., None] - confusion.sum(-1)
    false_positives = confusion.sum(-2) - _correct(confusion)
    return _mean_over_present(divide(outside - false_positives, outside), confusion)


def f_by_class(confusion: Floats, *, beta: float = 1) -> Floats:
    """(..., K), the F score of each class; `beta` is how much sensitivity counts."""
    true, predicted = confusion.sum(-1), confusion.sum(-2)
    return divide((1 + beta**2) * _correct(confusion), beta**2 * true + predicted)


def macro_f1(confusion: Floats) -> Floats:
    """Mean of the F1 scores over the classes that occur."""
    return _macro_f(confusion, beta=1)


def macro_f2(confusion: Floats) -> Floats:
    """Mean of the F2 scores over the classes that occur (van Rijsbergen 1979, beta = 2)."""
    return _macro_f(confusion, beta=2)


def cohen_kappa(confusion: Floats) -> Floats:
    """Agreement with the true classes beyond chance (Cohen 1960), in [-1, 1], unweighted.

    NaN where the images are of one class; scikit-learn gives 0 there unless all are predicted so.
    """
    total = confusion.sum((-2, -1))
    by_chance = (confusion.sum(-1) * confusion.sum(-2)).sum(-1)  # times the images, as the next
    agreed = _correct(confusion).sum(-1) * total
    return _of_two_classes(divide(agreed - by_chance, total**2 - by_chance), confusion)


def matthews_correlation(confusion: Floats) -> Floats:
    """Matthews correlation coefficient of several classes (Gorodkin 2004), in [-1, 1].

    0 where one class is predicted for every image, as scikit-learn has it; NaN, for which it gives
    0, where the images are of one class.
    """
    total = confusion.sum((-2, -1))
    true, predicted = confusion.sum(-1), confusion.sum(-2)
    covariance = _correct(confusion).sum(-1) * total - (true * predicted).sum(-1)
    variances = (total**2 - (true**2).sum(-1)) * (total**2 - (predicted**2).sum(-1))
    correlation = divide(covariance, np.sqrt(variances))
    return _of_two_classes(np.where(variances > 0, correlation, 0.0), confusion)


def _macro_f(confusion: Floats, *, beta: float) -> Floats:
    """Mean of the F scores over the classes that occur."""
    return _mean_over_present(f_by_class(confusion, beta=beta), confusion)


def _of_two_classes(score: Floats, confusion: Floats) -> Floats:
    """`score` (...), NaN where the images are of fewer than two classes."""
    return np.where((confusion.sum(-1) > 0).sum(-1) > 1, score, np.nan)


def _correct(confusion: Floats) -> Floats:
    """(..., K), the images of each class that are predicted as such."""
    return np.diagonal(confusion, axis1=-2, axis2=-1)


def _mean_over_present(by_class: Floats, confusion: Floats) -> Floats:
    """The mean of (..., K) over the classes of which there are images."""
    is_present = confusion.sum(-1) > 0
    return divide(np.where(is_present, by_class, 0.0).sum(-1), is_present.sum(-1))


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            name="accuracy",
            title="Accuracy",
            help="Share of the test images whose true class is predicted.",
            from_confusion=accuracy,
        ),
        Metric(
            name="balanced_accuracy",
            title="Balanced accuracy",
            help="Mean over the classes of the share that is predicted correctly: rare classes "
            "count as much as common ones.",
            from_confusion=macro_sensitivity,
            share=SENSITIVITY,
        ),
        Metric(
            name="precision",
            title="Precision",
            help="Of the images predicted as a class, the share that belongs to it; mean over the "
            "classes.",
            from_confusion=macro_precision,
            share=PRECISION,
        ),
        Metric(
            name="sensitivity",
            title="Sensitivity",
            help="Of the images of a class, the share that is predicted as it; mean over the "
            "classes, which makes it equal to balanced accuracy.",
            from_confusion=macro_sensitivity,
            share=SENSITIVITY,
        ),
        Metric(
            name="specificity",
            title="Specificity",
            help="Of the images of all other classes, the share that is not predicted as this one; "
            "mean over the classes.",
            from_confusion=macro_specificity,
            share=SPECIFICITY,
        ),
        Metric(
            name="f1",
            title="F1",
            help="Harmonic mean of precision and sensitivity; mean over the classes.",
            from_confusion=macro_f1,
            share=F1,
        ),
        Metric(
            name="f2",
            title="F2",
            help="As F1, with sensitivity weighted twice as much as precision; mean over the "
            "classes.",
            from_confusion=macro_f2,
            share=F2,
            is_default=False,
        ),
        Metric(
            name="auc",
            title="AUC",
            help="Area under the ROC curve: the chance that an image of a class gets a higher "
            "probability for it than an image of another one; mean over the classes, not defined "
            "where one has no test image. 0.5 is guessing, 1 no error at any threshold.",
            from_probabilities=macro_auc,
            without_each=macro_auc_without_each,
            unit="",
        ),
        Metric(
            name="average_precision",
            title="Average precision",
            help="Area under the precision-recall curve, in steps: the mean precision over the "
            "thresholds at which one more image of a class is found; mean over the classes, not "
            "defined where one has no test image. Guessing gives the share of the class.",
            from_probabilities=macro_average_precision,
            unit="",
            is_default=False,
        ),
        Metric(
            name="kappa",
            title="Cohen's kappa",
            help="Agreement of predicted and true classes beyond what chance gives for the same "
            "class shares, unweighted: 0 is chance, 1 full agreement, below 0 less than chance.",
            from_confusion=cohen_kappa,
            unit="",
            lowest=-1.0,
            is_default=False,
        ),
        Metric(
            name="mcc",
            title="MCC",
            help="Matthews correlation coefficient of predicted and true classes, from the whole "
            "confusion matrix: 0 is guessing, 1 no error, below 0 worse than guessing.",
            from_confusion=matthews_correlation,
            unit="",
            lowest=-1.0,
            is_default=False,
        ),
        Metric(
            name="brier",
            title="Brier score",
            help="Mean squared error of the probabilities, halved: 0 where every image gets "
            "probability 1 for its true class, 1 where each gets it for another one.",
            from_probabilities=brier_score,
            higher_is_better=False,
            unit="",
            is_default=False,
        ),
        Metric(
            name="log_loss",
            title="Log loss",
            help="Mean of minus the natural logarithm of the probability of the true class: 0 is "
            "certainty in it, and there is no upper bound; a probability below 0.00000012 counts "
            "as that, so one image adds 15.9 at most.",
            from_probabilities=log_loss,
            higher_is_better=False,
            unit="",
            highest=math.inf,
            is_default=False,
        ),
        Metric(
            name="ece",
            title="ECE",
            help="Expected calibration error: how far the probability of the predicted class is "
            "from the share predicted correctly, mean over up to ten bins of equally many images. "
            "Few images raise it above 0 even where a model is well calibrated; an interval that "
            "begins at 0 says that it cannot be told from ideal calibration.",
            from_probabilities=expected_calibration_error,
            interval=ece_interval,
            higher_is_better=False,
            unit="",
            is_default=False,
        ),
    )
}
