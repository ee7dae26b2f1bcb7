"""The record of an explanation. No torch: pages read it without."""

from dataclasses import dataclass

import numpy as np

from xai.methods.table import METHODS, Unit
from xai.types import Map

SAME = 1e-3  # of a map's largest value: float32 and the order of sums differ by less


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # arrays have no single answer to ==
class Attribution:
    """How much each grid cell of one image counted for one target, in its method's unit.

    `values` has the resolution of the method: 7 x 7 grid cells for a CAM at
    224 px, every pixel for Integrated Gradients. `xai.draw` enlarges it for display only, so
    that no position is claimed that was not computed.
    """

    values: Map  # in logits, or shares whose absolutes sum to 1
    method: str  # name of a row in `xai.methods`
    target: int  # index into the model's classes
    is_signed: bool  # whether a value below 0 can occur
    seconds: float  # of this image's share of the work
    forward_passes: int  # passes of this image through the network, parts of it counted as whole
    completeness_gap: float | None  # of the sum of `values`, in logits; None: no sum is promised
    logit: float  # of the target
    baseline_logit: float | None  # of the target on the baseline; None: the method has none
    model_hash: str = ""  # by which the caller identifies the weights
    note: str = ""  # what a reader must know of this map, in sentences
    is_share: bool = False  # made into shares afterwards, whatever the method's own unit

    @property
    def unit(self) -> Unit:
        """What `values` are in: logits, or shares of the map whose absolutes sum to 1."""
        return "share" if self.is_share else METHODS[self.method].unit

    @property
    def unit_in_words(self) -> str:
        """The unit of the values in words: "in logits", or what shares are."""
        return {
            "logits": "in logits",
            "share": "as shares of the map, whose absolute values sum to 1",
        }[self.unit]

    @property
    def positive_sum(self) -> float:
        """Sum of the values above 0, in the map's unit."""
        return float(np.maximum(self.values, 0).sum())

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw: every value is 0."""
        return not self.values.any()


def is_same_map(one: Attribution, other: Attribution) -> bool:
    """Whether two maps have the same positive attribution in the same places, whatever the unit.

    Behind a global average pool and one linear layer Grad-CAM, XGrad-CAM and the positive part of
    HiResCAM are one map by construction. Maps without positive attribution are not the same.
    """
    positive = np.maximum(one.values, 0)
    return bool(positive.any()) and coincide(positive, np.maximum(other.values, 0))


def coincide(one: Map, other: Map) -> bool:
    """Whether two maps (h, w) are the same to SAME, each scaled by its largest absolute value."""
    if one.shape != other.shape:
        return False
    return np.allclose(_scale(one), _scale(other), rtol=0, atol=SAME)


def _scale(values: Map) -> Map:
    largest = abs(values).max()
    return values / largest if largest > 0 else values
