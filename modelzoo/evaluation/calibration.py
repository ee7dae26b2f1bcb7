"""Whether probabilities can be taken at their word: reliability diagrams. No files.

Letters: N images, K classes, M bins, G groups.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelzoo.evaluation.by_class import share_score
from modelzoo.evaluation.clustered import SENSITIVITY, jackknife_interval, share_intervals
from modelzoo.evaluation.intervals import ONE_GROUP, Score, Tally
from modelzoo.evaluation.losses import (
    Floats,
    calibration_error,
    confidence_and_outcome,
    in_bins,
)
from modelzoo.text import count, fraction

SIMULATED = 2000  # test sets of an ideally calibrated model: its 95th percentile is known to 1 %
BLOCK = 4_000_000  # random numbers held at once, 32 MB


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Images that are about equally confident: one point of the diagram."""

    confidence: float  # mean probability of the outcome
    share: Score  # of the images, in which it came
    images: int
    groups: int


@dataclass(frozen=True, slots=True)
class IdealCalibration:
    """The ECE of a model whose probabilities are all true, on as many images, in as many bins.

    Its labels are drawn from the probabilities of the run itself, each image by itself: the images
    of one group, which are right or wrong together, would give a little more.
    """

    mean: float
    percentile_95: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """What a reliability diagram shows, of the predicted class or of one class against the rest."""

    bins: tuple[ReliabilityBin, ...]  # the least confident first
    ece: Score
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

    Chance adds to an ECE: its interval lies too high where the model is well calibrated, and
    `ideal` says what chance alone gives.

    Args:
        found: From `tally`.
        target: One class against the rest; None: the predicted class, which is right or wrong.
        seed: Of the simulated test sets.
    """
    if not len(found.labels):
        return None
    confidence, outcome = confidence_and_outcome(found.labels, found.probabilities, target)
    members = in_bins(confidence)
    whole = np.ones((len(outcome), 1))
    error = float(calibration_error(confidence, outcome, whole)[0])
    without = found.without_each(
        lambda _labels, _probabilities, weights: calibration_error(confidence, outcome, weights)
    )
    note = ONE_GROUP if len(found.groups) == 1 else ""
    ece = Score(error, *jackknife_interval(error, without, len(found.groups)), note)
    squared, debiased = squared_errors(confidence, outcome, members)
    return Reliability(
        _score_bins(found, confidence, outcome, members),
        ece,
        simulate_ideal(confidence, seed=seed),
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


def simulate_ideal(
    confidence: Floats, *, simulations: int = SIMULATED, seed: int = 0
) -> IdealCalibration:
    """The ECE of test sets whose outcomes come with exactly the probability `confidence` (N,)."""
    generator = np.random.default_rng(seed)
    members = in_bins(confidence).astype(np.float64)
    expected = members @ confidence.astype(np.float64)
    block = max(1, BLOCK // len(confidence))
    errors = []
    for start in range(0, simulations, block):
        size = min(block, simulations - start)
        came = generator.random((len(confidence), size)) < confidence[:, None]
        off = np.abs(members @ came - expected[:, None]).sum(0)
        errors.append(off / len(confidence))
    found = np.concatenate(errors)
    return IdealCalibration(float(found.mean()), float(np.quantile(found, 0.95)))


def describe_calibration(name: str, reliability: Reliability) -> str:
    """Whether the ECE lies above what ideal calibration gives at this number of images."""
    ideal = reliability.ideal
    is_above = reliability.ece.value > ideal.percentile_95
    verb = "lies above" if is_above else "does not lie above"
    return (
        f"{name}: the ECE of {fraction(reliability.ece.value)} {verb} what an ideally calibrated "
        f"model would show on {count(reliability.images, 'image')} ({fraction(ideal.mean)} in the "
        f"mean, up to {fraction(ideal.percentile_95)} in 95 % of such test sets)."
    )
