"""Accuracy that is left when the least sure images are handed to a person. No files.

Letters: N images, C coverages, G groups.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from modelzoo.evaluation.by_class import share_score
from modelzoo.evaluation.clustered import SENSITIVITY, Floats, share_intervals
from modelzoo.evaluation.intervals import Score, tally
from modelzoo.runs.predictions import Predictions
from modelzoo.text import confidence_interval, percent

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

    def at(self, coverage: float) -> Score:
        """The accuracy at the coverage that is nearest."""
        return self.accuracy[int(np.abs(self.coverage - coverage).argmin())]


def risk_coverage(
    predictions: Predictions, group_by_image: Mapping[str, str]
) -> RiskCoverage | None:
    """The curve by confidence, the highest probability of an image; None without labelled images.

    Images of one confidence are kept or handed over together, as a threshold does, so that a few
    more than asked for may be kept.

    Args:
        predictions: Of one part; images without a label are left out.
        group_by_image: Group of each image id; one that is missing is a group of its own.
    """
    found = tally(predictions, group_by_image)
    N, G = len(found.labels), len(found.groups)
    if not N:
        return None
    confidence = found.probabilities.max(1)
    order = np.argsort(-confidence, kind="stable")
    ordered = confidence[order]
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))  # of each confidence
    ends = last[np.searchsorted(last + 1, COVERAGES * N - ROUNDING)]  # last image kept
    # From which coverage on each image is kept, and then at every larger one.
    since = np.searchsorted(ends, np.arange(N))
    is_wrong = (found.probabilities.argmax(1) != found.labels)[order]
    outcomes = np.zeros((G, len(COVERAGES), 4))
    np.add.at(outcomes, (found.group[order], since, is_wrong.astype(int)), 1)
    shares = share_intervals(outcomes.cumsum(1), SENSITIVITY)
    return RiskCoverage(
        COVERAGES, tuple(share_score(shares, number) for number in range(len(COVERAGES)))
    )


def describe_risk_coverage(curve: RiskCoverage) -> str:
    """The accuracy that is left at a coverage of 90 %, beside that of all images."""
    left, of_all = curve.at(SAID), curve.at(1)
    return (
        f"With the {percent(1 - SAID, 0)} of the test images of the lowest confidence handed to a "
        f"person, accuracy on the other {percent(SAID, 0)} is {_describe(left)}, against "
        f"{_describe(of_all)} on all."
    )


def _describe(accuracy: Score) -> str:
    if np.isnan(accuracy.ci_low):
        return f"{percent(accuracy.value)} (no interval)"
    return f"{percent(accuracy.value)} ({confidence_interval(accuracy.ci_low, accuracy.ci_high)})"
