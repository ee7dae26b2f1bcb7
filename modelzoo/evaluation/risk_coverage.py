"""Accuracy that is left when the least sure, or the most unlike, images are handed to a person.

No files. Letters: N images, C coverages, G groups, B weightings.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from modelzoo.evaluation.clustered import Floats, jackknife_interval
from modelzoo.evaluation.intervals import ONE_GROUP, Score, Tally, score_accuracy, tally
from modelzoo.runs.predictions import Predictions
from modelzoo.text import confidence_interval, fraction, percent

By = Literal["confidence", "ood"]
BY_WORDS: dict[By, str] = {
    "confidence": "least sure first",
    "ood": "most out-of-distribution first",
}
COVERAGES = np.linspace(0.05, 1, 96)  # in steps of 1 %; of fewer images nothing can be said
ROUNDING = 1e-9  # of a share times a count
SAID = 0.9  # coverage of the sentence


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single answer to ==
class RiskCoverage:
    """Accuracy on the images that a model is left with, by their share (El-Yaniv, Wiener 2010).

    The risk of the paper is 1 - accuracy. Intervals are pointwise: of each coverage by itself.
    """

    coverage: Floats  # (C,), rises to 1
    accuracy: tuple[Score, ...]  # of each coverage
    aurc: Score  # area under the curve of the risk, [0, 1]; less is better
    excess: Score  # of it over that of the same errors in the ideal order, all of them last
    by: By = "confidence"  # in which order images are handed to a person

    def at(self, coverage: float) -> Score:
        """The accuracy at the coverage that is nearest."""
        return self.accuracy[int(np.abs(self.coverage - coverage).argmin())]


def risk_coverage(
    predictions: Predictions,
    group_by_image: Mapping[str, str],
    ood_by_image: Mapping[str, float] | None = None,
) -> RiskCoverage | None:
    """The curve by confidence, the highest probability of an image, or by OOD percentile.

    Images of one confidence are kept or handed over together, as a threshold does, so that a few
    more than asked for may be kept.

    Args:
        predictions: Of one part; images without a label are left out.
        group_by_image: Group of each image id; one that is missing is a group of its own.
        ood_by_image: OOD percentiles, which then decide; None: confidence does.

    Returns:
        None where no image has a label, or one that has lacks a percentile.
    """
    found = tally(predictions, group_by_image)
    N, G = len(found.labels), len(found.groups)
    if not N:
        return None
    sureness = found.probabilities.max(1).astype(np.float64)
    if ood_by_image is not None:
        pairs = zip(predictions.images, predictions.labels, strict=True)
        kept = [-ood_by_image.get(image, math.nan) for image, label in pairs if label >= 0]
        sureness = np.array(kept)
        if np.isnan(sureness).any():
            return None
    order = np.argsort(-sureness, kind="stable")
    ordered = sureness[order]
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))  # of each confidence
    ends = last[np.searchsorted(last + 1, COVERAGES * N - ROUNDING)]  # last image kept
    # From which coverage on each image is kept, and then at every larger one.
    since = np.searchsorted(ends, np.arange(N))
    is_wrong = (found.probabilities.argmax(1) != found.labels)[order]
    counts = np.zeros((2, len(COVERAGES), G), np.int64)
    np.add.at(counts, (is_wrong.astype(int), since, found.group[order]), 1)
    rights, wrongs = counts.cumsum(1)
    aurc, excess = _areas(found, order, last, is_wrong)
    return RiskCoverage(
        COVERAGES,
        tuple(
            score_accuracy(right, right + wrong)
            for right, wrong in zip(rights, wrongs, strict=True)
        ),
        aurc,
        excess,
        "confidence" if ood_by_image is None else "ood",
    )


def _areas(
    found: Tally,
    order: npt.NDArray[np.intp],
    last: npt.NDArray[np.intp],
    is_wrong: npt.NDArray[np.bool_],
) -> tuple[Score, Score]:
    """AURC and its excess, each with the jackknife's interval over groups.

    Args:
        found: The images.
        order: (N,), from the surest to the least sure.
        last: The last of each confidence, as places in that order.
        is_wrong: (N,), in that order.
    """
    # What ties is in no order: each image counts as the share of them that is wrong.
    starts = np.append(0, last[:-1] + 1)
    mean = np.add.reduceat(is_wrong.astype(float), starts) / np.diff(np.append(starts, len(order)))
    tied = np.repeat(mean, np.diff(np.append(starts, len(order))))
    area, ideal = risk_areas(tied, np.ones((len(order), 1)))
    whole = float(area[0]), float(area[0] - ideal[0])
    G = len(found.groups)
    if G < 2:
        return tuple(Score(value, math.nan, math.nan, ONE_GROUP) for value in whole)  # type: ignore[return-value]  # two of them
    weights = (found.group[order][:, None] != np.arange(G)).astype(float)
    areas, ideals = risk_areas(tied, weights)
    return (
        Score(whole[0], *jackknife_interval(whole[0], areas, G)),
        Score(whole[1], *jackknife_interval(whole[1], areas - ideals, G)),
    )


def risk_areas(is_wrong: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """AURC, and that of the ideal order, (B,) each (Geifman et al. 2019, arXiv:1805.08206).

    The mean over the images of the share that is wrong among those as sure or surer. In the ideal
    order all errors come last.

    Args:
        is_wrong: (N,), the surest first; between 0 and 1 where images tie.
        weights: (N, B), 1 or 0: which images count.
    """
    images = weights.sum(0)
    kept = np.maximum(weights.cumsum(0), 1)
    area = (weights * (weights * is_wrong[:, None]).cumsum(0) / kept).sum(0) / images
    wrong = (weights * is_wrong[:, None]).sum(0)
    # The image of place i, from 1, has max(0, i - right) errors among those up to it.
    late = np.maximum(weights.cumsum(0) - (images - wrong), 0)
    return area, (weights * late / kept).sum(0) / images


def describe_risk_coverage(curve: RiskCoverage) -> str:
    """The accuracy that is left at a coverage of 90 %, beside that of all images, and the area."""
    left, of_all = curve.at(SAID), curve.at(1)
    which = {
        "confidence": "of the lowest confidence",
        "ood": "that are the most out of distribution",
    }[curve.by]
    return (
        f"With the {percent(1 - SAID, 0)} of the test images {which} handed to a "
        f"person, accuracy on the other {percent(SAID, 0)} is {_describe(left)}, against "
        f"{_describe(of_all)} on all. {describe_areas(curve)}"
    )


def describe_areas(curve: RiskCoverage) -> str:
    """AURC and its excess over the ideal order."""
    return (
        f"AURC, the mean share of errors over all coverages, is {_area(curve.aurc)}, which is "
        f"{_area(curve.excess)} more than in the ideal order, with all errors last."
    )


def _area(score: Score) -> str:
    if np.isnan(score.ci_low):
        return f"{fraction(score.value)} (no interval)"
    low, high = fraction(score.ci_low), fraction(score.ci_high)
    return f"{fraction(score.value)} (95 % CI {low}–{high})"


def _describe(accuracy: Score) -> str:
    if np.isnan(accuracy.ci_low):
        return f"{percent(accuracy.value)} (no interval)"
    return f"{percent(accuracy.value)} ({confidence_interval(accuracy.ci_low, accuracy.ci_high)})"
