"""One row per measure of an attribution map. No torch: pages read it."""

from dataclasses import dataclass
from typing import Literal

SIGNIFICANT = 0.05  # p at most, for "better", of one image
# Of means over a test set: random signs are exact where gains are as often above as below 0. With
# a long tail of losses up to .066 of maps without worth had .05, and .045 had .03
# (docs/statistics.md).
SIGNIFICANT_MEAN = 0.03
Area = Literal["nucleus_area", "cytoplasm_area", "background_area"]


# Measures that are tested together: their p values are corrected for each other.
TOGETHER = ("insertion", "deletion")

# Of another network, other data and nuclei only: for orientation, not a score to reach.
PUBLISHED = (
    "For comparison: 73.97 % of the important pixels lay in the nucleus in a published study "
    "(GoogLeNet, Grad-CAM, ALL-IDB2; doi 10.13053/cys-28-1-4897)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One field of `xai.faithfulness.report.Quality`, as people read it."""

    title: str
    help: str
    up_is_better: bool | None = None  # None: neither direction is
    area: Area | None = None  # the share of the image that a map spread evenly would have

    @property
    def better(self) -> str:
        """Which way is better: up, down or neither."""
        return {True: "up", False: "down", None: "neither"}[self.up_is_better]


# `up_is_better` is None where neither direction is: the maps that are the most stable of all ignore
# the model, and attribution on cytoplasm is neither right nor wrong.
MEASURES: dict[str, Measure] = {
    "deletion": Measure(
        title="Deletion",
        help="Mean probability of the target class while pixels are replaced by grey, those with "
        "the strongest attribution first.",
        up_is_better=False,
    ),
    "insertion": Measure(
        title="Insertion",
        help="Mean probability of the target class while pixels are restored in a blurred image, "
        "those with the strongest attribution first.",
        up_is_better=True,
    ),
    "average_drop": Measure(
        title="Average drop",
        help="Share of the probability that is lost when all but the map fades to an even grey.",
        up_is_better=False,
    ),
    "increase_in_confidence": Measure(
        title="Increase in confidence",
        help="Share of images whose probability rises when all but the map fades to an even grey.",
        up_is_better=True,
    ),
    "nucleus_energy": Measure(
        title="Share in nuclei",
        help="Share of the positive attribution that lies in nuclei.",
        up_is_better=True,
        area="nucleus_area",
    ),
    "cytoplasm_energy": Measure(
        title="Share in cytoplasm",
        help="Share of the positive attribution in nucleated cells outside their nuclei.",
        area="cytoplasm_area",
    ),
    "background_energy": Measure(
        title="Share in background",
        help="Share of the positive attribution outside nucleated cells.",
        up_is_better=False,
        area="background_area",
    ),
    "pointing_game": Measure(
        title="Pointing game",
        help="Share of images in which the centre of the strongest map entry lies in a cell.",
        up_is_better=True,
    ),
    "noise_similarity": Measure(
        title="Stability under noise",
        help="Rank correlation with the maps of the same images under slight noise.",
    ),
    "noise_change": Measure(
        title="Largest change under noise",
        help="Largest change of the map under slight noise, relative to the map.",
    ),
    "rotation_variance": Measure(
        title="Variance under rotation and flip",
        help="1 - rank correlation of the maps of the eight rotations and flips; 0: all the same.",
    ),
    "randomisation_similarity": Measure(
        title="Randomisation sanity check",
        help="Rank correlation with the map of the same network with random weights.",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One measure of one method over a test set."""

    method: str
    measure: str  # a key of `MEASURES`
    value: float  # mean over images
    ci_low: float | None  # of the 95 % interval over groups; None: there is only one
    ci_high: float | None
    random: float | None  # the baseline maps' means over the same images
    centre: float | None
    blurred: float | None
    win_share: float | None  # of images whose map is better than all three; None: no better
    gain: float | None  # least mean gain over one of the three, > 0 is better
    area: float | None  # mean share of the image's area that the measure is about, [0, 1]
    images: int  # that have this measure
    groups: int
    # Two-sided, of the mean gain over each by random signs of the groups, corrected; None: neither
    # direction is better, or an earlier version wrote the row.
    p_random: float | None = None
    p_centre: float | None = None
    p_blurred: float | None = None

    def p_against(self, baseline: str) -> float | None:
        """The p value of the mean gain over `random`, `centre` or `blurred`."""
        p: float | None = getattr(self, f"p_{baseline}")
        return p

    def compare(self, baseline: str) -> Literal["better", "worse", "not shown"]:
        """How the maps compare with a baseline map, at 3 %."""
        p, other = self.p_against(baseline), getattr(self, baseline)
        if p is None or other is None or p > SIGNIFICANT_MEAN or self.value == other:
            return "not shown"
        is_better = (self.value > other) == MEASURES[self.measure].up_is_better
        return "better" if is_better else "worse"

    @property
    def is_of_earlier_version(self) -> bool:
        """Whether its maps were compared, but not by a test that gives a p."""
        return self.gain is not None and self.p_random is None

    @property
    def has_too_few_groups(self) -> bool:
        """Whether no signs of so few groups could give a p of 3 %: one of 2 ** (groups - 1)."""
        return 2.0 ** (1 - self.groups) > SIGNIFICANT_MEAN
