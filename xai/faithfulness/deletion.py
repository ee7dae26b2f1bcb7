"""How a prediction changes where a map's pixels are removed or kept. No files, no pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from xai.faithfulness.baselines import blur, random_map
from xai.model import chunk_size, target_logits
from xai.types import Floats, SplitModel

# Shares of the image changed one after another. Both curves are then one batch of eight, and a map
# can be ranked among 24 copies; ten cost more than twice as much.
STEPS = 5


@dataclass(frozen=True, slots=True, eq=False)
class MaskedResponse:
    """The target's probability for an image, for the blank reference and for the blurred image."""

    model: SplitModel
    image: Tensor  # (1, 3, H, W)
    blurred: Tensor  # (1, 3, H, W)
    target: int
    probability: float
    grey_probability: float  # for the blank reference, an even grey
    blurred_probability: float


def masked_response(model: SplitModel, image: Tensor, target: int) -> MaskedResponse:
    """The probabilities at which the curves of `curve_areas` start and end.

    Args:
        model: In evaluation mode.
        image: (1, 3, H, W) float32, normalised, so that 0 is an even grey.
        target: Class.
    """
    assert len(image) == 1, "one image at a time"
    image = image.detach().contiguous(memory_format=torch.channels_last)
    blurred = blur(image)
    ends = probabilities(model, torch.cat([image, torch.zeros_like(image), blurred]), target)
    return MaskedResponse(model, image, blurred, target, *ends.tolist())


def probabilities(model: SplitModel, images: Tensor, target: int) -> Floats:
    """The target's probability (N,) for each of images (N, 3, H, W), in chunks."""
    chunks = []
    with torch.inference_mode():
        for part in images.split(chunk_size(images)):
            logits = model(part).double()
            own = target_logits(logits, [target] * len(part))
            chunks.append((own - logits.logsumexp(dim=1)).exp().clamp(max=1).cpu().numpy())
    return np.concatenate(chunks)


@dataclass(frozen=True, slots=True)
class Areas:
    """The areas under two curves of one map, in [0, 1]."""

    deletion: float  # lower is better
    insertion: float  # higher is better


def curve_areas(
    response: MaskedResponse, maps: Sequence[Floats], *, steps: int = STEPS
) -> list[Areas]:
    """Mean probability while pixels go grey, and while they come into the blurred image.

    Deletion and insertion of Petsiuk et al. 2018 (RISE, arXiv:1806.07421, algorithm 1): the area
    under the probability against the share of pixels changed, the map's strongest first, by
    trapezoids. The pixels that a faithful map ranks first carry the prediction. Departs from RISE
    in the blur, which there is 5 pixels whatever the image's size.

    Args:
        response: From `masked_response`.
        maps: (h, w) each. All masked images of them are held at once, 2 (steps - 1) a map.
        steps: Parts of the image, changed one after another.

    Returns:
        One for each map.
    """
    image, grey = response.image, torch.zeros_like(response.image)
    masked = []
    for values in maps:
        ranks = rank_pixels(values, image.shape[2:]).to(image.device)
        limits = torch.arange(1, steps, device=ranks.device) * ranks.numel() // steps
        is_changed = ranks < limits[:, None, None, None]  # (steps - 1, 1, H, W)
        masked.append(torch.where(is_changed, grey, image))
        masked.append(torch.where(is_changed, image, response.blurred))
    curves = np.empty((len(maps), 2, 0))
    if steps > 1:
        found = probabilities(response.model, torch.cat(masked), response.target)
        curves = found.reshape(len(maps), 2, steps - 1)
    return [
        Areas(
            deletion=_area([response.probability, *deleted, response.grey_probability]),
            insertion=_area([response.blurred_probability, *inserted, response.probability]),
        )
        for deleted, inserted in curves
    ]


def _area(curve: Sequence[float]) -> float:
    area = float(np.trapezoid(curve)) / (len(curve) - 1)
    return min(max(area, 0.0), 1.0)  # rounding may take it beyond


def rank_pixels(values: Floats, size: Sequence[int]) -> Tensor:
    """The rank (H, W) int64 of each pixel by its attribution, 0 for the strongest.

    Pixels without positive attribution come last, in the order of a smooth random map: in the order
    of their position one corner would come before the others, and a random order of single pixels
    would remove noise, not regions.
    """
    height, width = size
    positive = enlarge(values, size).numpy().ravel()
    ranks = np.empty(positive.size, np.int64)
    ranks[np.lexsort((-_ties(height, width), -positive))] = np.arange(positive.size)
    return torch.from_numpy(ranks.reshape(height, width))


@lru_cache(maxsize=8)
def _ties(height: int, width: int) -> Floats:
    """(H * W,), read only."""
    ties: Floats = enlarge(random_map(height, width, seed=0), (height, width)).numpy().ravel()
    ties.flags.writeable = False
    return ties


def enlarge(values: npt.NDArray[np.floating], size: Sequence[int]) -> Tensor:
    """The positive attribution of a map (h, w) at an image's size: (H, W) float32, >= 0."""
    positive = torch.from_numpy(np.maximum(values, 0).astype(np.float32))[None, None]
    return F.interpolate(positive, tuple(size), mode="bilinear", align_corners=False)[0, 0]


def masked_probabilities(response: MaskedResponse, maps: Sequence[Floats]) -> Floats:
    """The target's probability (M,) for the image times each map, scaled to a maximum of 1."""
    masked = []
    for values in maps:
        mask = enlarge(values, response.image.shape[2:]).to(response.image)
        masked.append(response.image * (mask / mask.max().clamp(min=torch.finfo(mask.dtype).tiny)))
    return probabilities(response.model, torch.cat(masked), response.target)


def average_drop_of(probability: float, masked: float) -> float:
    """Share of the probability lost outside the map (Chattopadhyay et al. 2018, arXiv:1710.11063).

    Of one image; the paper's average drop is the mean over many, in percent.

    Returns:
        In [0, 1]; 0 where the masked image is at least as probable.
    """
    return max(0.0, probability - masked) / max(probability, 1e-12)
