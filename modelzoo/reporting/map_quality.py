"""What a report takes of quality.csv: a record of its own, since this library knows no maps."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MapQuality:
    """One measure of one method over a run's test images, in the columns of `xai quality`."""

    method: str
    measure: str
    value: float  # mean over images
    ci_low: float | None  # of the 95 % interval over groups; None: there is only one
    ci_high: float | None
    random: float | None  # the baseline maps' means over the same images
    centre: float | None
    blurred: float | None
    gain_ci_low: float | None  # least lower end of the gains over one of the three
    images: int
    groups: int
