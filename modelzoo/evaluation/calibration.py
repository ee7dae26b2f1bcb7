"""Whether probabilities can be taken at their word: reliability diagrams. No files.

Letters: N images, K classes, M bins, G groups.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelzoo.evaluation.by_class import share_score
from modelzoo.evaluation.calibration_interval import IdealCalibration, error_interval
from modelzoo.evaluation.clustered import SENSITIVITY, share_intervals
from modelzoo.evaluation.intervals import ONE_GROUP, Score, Tally
from modelzoo.evaluation.losses import (
    Floats,
    calibration_error,
    confidence_and_outcome,
    in_bins,
)
from modelzoo.text import count, fraction


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Images that are about equally confident: one point of the diagram."""

    confidence: float  # mean probability of the outcome
    share: Score  # of the images, in which it came
    images: int
    groups: int


@dataclass(frozen=True, slots=True)
class Reliability:
    """What a reliability diagram shows, of the predicted class or of one class against the rest."""

    bins: tuple[ReliabilityBin, ...]  # the least confident first
    ece: Score  # its interval begins at 0 where it cannot be told from ideal calibration
    debiased_ece: float  # less what chance adds to it; NaN where there is no interval
    ideal: IdealCalibration
    squared_error: float  # mean over images of the squared distance of their bin
    # The same less what chance adds to it (Kumar et al. 2019, arXiv:1909.10155); may be negative.
    debiased_squared_error: float

    @property
    def images(self) -> int:
        """Of all bins."""
        return sum(each.images for each in self.bins)


def measure_reliability(
    found: Tally, target: int | None = None, *, seed: int = 0
) -> Reliability | None:
    """The bins and errors of the labelled images of one part; None: there are none.

    Args:
        found: From `tally`.
        target: One class against the rest; None: the predicted class, which is right or wrong.
        seed: Of the simulated test sets.
    """
    if not len(found.labels):
        return None
    confidence, outcome = confidence_and_outcome(found.labels, found.probabilities, target)
    members = in_bins(confidence)
    error = float(calibration_error(confidence, outcome, np.ones((len(outcome), 1)))[0])
    interval = error_interval(
        confidence, outcome, found.group, of_class=target is not None, seed=seed
    )
    note = ONE_GROUP if len(found.groups) == 1 else ""
    squared, debiased = squared_errors(confidence, outcome, members)
    return Reliability(
        _score_bins(found, confidence, outcome, members),
        Score(error, interval.low, interval.high, note),
        interval.debiased,
        interval.ideal,
        squared,
        debiased,
    )


def _score_bins(
    found: Tally,
    confidence: Floats,
    outcome: npt.NDArray[np.bool_],
    members: npt.NDArray[np.bool_],
) -> tuple[ReliabilityBin, ...]:
    """The bins, with intervals over groups; `members` are (M, N), as of `in_bins`."""
    outcomes = np.zeros((len(found.groups), len(members), 4))
    for number, inside in enumerate(members):
        for kind, came in enumerate((outcome, ~outcome)):
            images = np.bincount(found.group[inside & came], minlength=len(found.groups))
            outcomes[:, number, kind] = images
    shares = share_intervals(outcomes, SENSITIVITY)
    return tuple(
        ReliabilityBin(
            float(confidence[inside].mean(dtype=np.float64)),
            share_score(shares, number),
            int(inside.sum()),
            int(shares.groups[number]),
        )
        for number, inside in enumerate(members)
    )


def squared_errors(
    confidence: Floats, outcome: npt.NDArray[np.bool_], members: npt.NDArray[np.bool_]
) -> tuple[float, float]:
    """Mean squared distance of confidence and share over bins, as it is and debiased.

    The debiased one takes from each bin of n images what a share a of them varies by chance,
    a (1 - a) / (n - 1) (Kumar et al. 2019, arXiv:1909.10155); nothing where n is 1, of
    which this is not known.

    Args:
        confidence: (N,).
        outcome: (N,).
        members: (M, N), which images are in which bin; none is empty.
    """
    images = members.sum(1)
    share = members @ outcome.astype(np.float64) / images
    squares = (members @ confidence.astype(np.float64) / images - share) ** 2
    by_chance = share * (1 - share) / np.maximum(images - 1, 1)
    weights = images / images.sum()
    return float(weights @ squares), float(weights @ (squares - by_chance))


def describe_calibration(name: str, reliability: Reliability) -> str:
    """Whether the ECE can be told from ideal calibration on so many images, and its upper end."""
    ideal, ece = reliability.ideal, reliability.ece
    images = count(reliability.images, "image")
    chance = (
        f"chance alone gives an ideally calibrated model {fraction(ideal.mean)} in the mean on as "
        f"many images, and up to {fraction(ideal.highest)} in 97.5 % of such test sets"
    )
    if math.isnan(ece.ci_low):
        return f"{name}: the ECE is {fraction(ece.value)} (no interval); {chance}."
    if ece.ci_low <= 0:
        return (
            f"{name}: the ECE of {fraction(ece.value)} cannot be told from ideal calibration on "
            f"{images}: {chance}. It may be as large as {fraction(ece.ci_high)} (upper end of its "
            "95 % CI)."
        )
    return (
        f"{name}: the ECE of {fraction(ece.value)} (95 % CI {fraction(ece.ci_low)}–"
        f"{fraction(ece.ci_high)}) lies above ideal calibration on {images}: {chance}. Less what "
        f"chance adds it is about {fraction(reliability.debiased_ece)}."
    )
