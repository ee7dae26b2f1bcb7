"""Names of types, and what an explanation needs of a model. No torch, no side effects."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor

Rgb = npt.NDArray[np.uint8]  # (H, W, 3)
Mask = npt.NDArray[np.bool_]  # (H, W)
Labels = npt.NDArray[np.integer[Any]]  # (H, W), the number of each pixel's cell; 0: none
Map = npt.NDArray[np.float32]  # (h, w)
Floats = npt.NDArray[np.float64]

OnProgress = Callable[[int, int], None]  # called with steps done and in all


class SplitModel(Protocol):
    """A classifier in evaluation mode whose call is `head` of `features`."""

    def __call__(self, x: "Tensor") -> "Tensor":
        """Logits (N, K) of normalised images (N, 3, H, W)."""
        ...

    def features(self, x: "Tensor") -> "Tensor":
        """The last spatial map (N, C, h, w) of normalised images."""
        ...

    def head(self, features: "Tensor") -> "Tensor":
        """Logits (N, K) of features."""
        ...


@runtime_checkable
class StagedModel(SplitModel, Protocol):
    """A model that also gives its maps of several depths, for methods that fuse them."""

    def stages(self, x: "Tensor") -> "list[Tensor]":
        """Maps (N, C, h, w) of normalised images, finest first; the last are the features."""
        ...


@runtime_checkable
class NormalisingModel(Protocol):
    """A model that normalises its own images."""

    def normalise(self, pixels: "Tensor") -> "Tensor":
        """Images (N, 3, H, W) float32, as the model takes them, of pixels (N, H, W, 3) uint8."""
        ...


@dataclass(frozen=True, slots=True, eq=False)  # tensors have no single answer to ==
class PixelMap:
    """What a method returns for one image: how much each place counted, and how exactly."""

    values: "Tensor"  # (h, w), over all channels
    logit: float  # of the target
    baseline_logit: float | None  # on the baseline, or the mean over several; None: has none
    gap: float | None  # |sum of values - (logit - baseline_logit)|; None: no sum is promised
    forward_passes: int  # passes of one image through the network
    note: str = ""  # what a reader must know of this map, in sentences
