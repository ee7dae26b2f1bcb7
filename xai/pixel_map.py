"""What a method says of single pixels, before it is an `Attribution`. Only the record."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)  # tensors have no single answer to ==
class PixelMap:
    """How much each pixel of one image counted, and what is known of how well."""

    values: Tensor  # (H, W), over all channels
    logit: float  # of the target
    baseline_logit: float | None  # on the baseline, or the mean over several; None: has none
    gap: float | None  # |sum of values - (logit - baseline_logit)|; None: no sum is promised
    forwards: int  # passes of one image through the network
