"""The records of one map's measures. No torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from xai.faithfulness.table import MEASURES, SIGNIFICANT

LEAST_FALL = 0.1  # of probability: where it falls less when all is removed, all maps score alike


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """The scores of one map; None: not defined, or not computed."""

    deletion: float  # [0, 1], down is better
    insertion: float  # [0, 1], up is better
    average_drop: float  # [0, 1], share of the probability lost outside the map; down is better
    increase_in_confidence: float  # 1: the masked image is more probable than the image; else 0
    nucleus_energy: float | None = None  # share of the map in nuclei, [0, 1]
    cytoplasm_energy: float | None = None  # in cells outside their nuclei
    background_energy: float | None = None  # outside cells
    pointing_game: float | None = None  # 1: the strongest grid cell's centre is in a cell; else 0
    noise_similarity: float | None = None  # mean Spearman to the maps of noisy images, [-1, 1]
    noise_change: float | None = None  # largest relative change by noise, >= 0
    rotation_variance: float | None = None  # 1 - mean Spearman of the eight turns' maps, [0, 2]
    randomisation_similarity: float | None = None  # Spearman to the map of random weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """How a map ranks, on one measure, among copies of itself moved elsewhere."""

    beaten: int  # copies that score worse
    copies: int
    p: float  # in (0, 1], corrected for all measures that count

    @property
    def is_better(self) -> bool:
        """Whether the map's own place is better than random placement, at 5 %."""
        return self.p <= SIGNIFICANT


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityReport:
    """The scores of a map, and the same scores of the three baseline maps."""

    method: str
    own: Quality
    random: Quality  # the mean of copies of the map moved elsewhere
    centre: Quality  # a Gaussian in the middle
    blurred: Quality  # the darkness of the blurred image
    probability: float  # of the target for the image
    grey_probability: float  # for the blank reference, an even grey
    blurred_probability: float  # for the blurred image, from which insertion starts
    placements: Mapping[str, Placement] = field(default_factory=dict)  # by measure that counts
    is_flat: bool = False  # whether all places of the map have the same positive attribution
    nucleus_area: float | None = None  # share of the image, [0, 1]
    cytoplasm_area: float | None = None
    background_area: float | None = None

    @property
    def baselines(self) -> dict[str, Quality]:
        """Scores of the three baseline maps, by name."""
        return {"random": self.random, "centre": self.centre, "blurred": self.blurred}

    @property
    def counting(self) -> tuple[str, ...]:
        """Which of insertion and deletion can distinguish maps for this prediction.

        Deletion where the blank reference lowers the probability of the target by at least
        LEAST_FALL, insertion where the blurred image does: else every map scores alike.
        """
        moved = {"insertion": self.blurred_probability, "deletion": self.grey_probability}
        return tuple(name for name, end in moved.items() if end <= self.probability - LEAST_FALL)


assert [each.name for each in fields(Quality)] == list(MEASURES)
