"""How a model's answer changes where a map is removed or left alone. No files, no pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from xai.faithfulness.baselines import blur, random_map
from xai.model import chunk_size, target_logits
from xai.types import Floats, SplitModel

STEPS = 10  # shares of the image removed one after another; 20 cost twice as much


@dataclass(frozen=True, slots=True, eq=False)
class MaskedResponse:
    """What a model answers to an image, to nothing and to the blurred image."""

    model: SplitModel
    image: Tensor  # (1, 3, H, W)
    blurred: Tensor  # (1, 3, H, W)
    target: int
    probability: float
    grey_probability: float
    blurred_probability: float


def ask(model: SplitModel, image: Tensor, target: int) -> MaskedResponse:
    """The answers from which `deletion_auc` and `insertion_auc` start and at which they end.

    Args:
        model: In evaluation mode.
        image: (1, 3, H, W) float32, normalised, so that 0 is an even grey.
        target: Class.
    """
    assert len(image) == 1, "one image at a time"
    image = image.detach().contiguous(memory_format=torch.channels_last)
    blurred = blur(image)
    ends = torch.cat([image, torch.zeros_like(image), blurred])
    found = probabilities(model, ends, target)
    return MaskedResponse(model, image, blurred, target, *found.tolist())


def probabilities(model: SplitModel, images: Tensor, target: int) -> Floats:
    """The target's probability (N,) for each of images (N, 3, H, W), in chunks."""
    found = []
    with torch.inference_mode():
        for part in images.split(chunk_size(images)):
            logits = model(part).double()
            own = target_logits(logits, [target] * len(part))
            found.append((own - logits.logsumexp(dim=1)).exp().clamp(max=1).cpu().numpy())
    return np.concatenate(found)


def deletion_auc(answer: MaskedResponse, values: Floats, *, steps: int = STEPS) -> float:
    """Mean probability while pixels go grey, the map's strongest first (arXiv:1806.07421, alg. 1).

    Petsiuk et al. 2018, RISE: the area under the probability against the share of pixels removed,
    by trapezoids. Down is better: what the map points at is what the answer hangs on.

    Args:
        answer: From `ask`.
        values: (h, w), the map.
        steps: Parts of the image, removed one after another.

    Returns:
        In [0, 1].
    """
    curve = _curve(answer, answer.image, torch.zeros_like(answer.image), values, steps)
    return _area([answer.probability, *curve, answer.grey_probability])


def insertion_auc(answer: MaskedResponse, values: Floats, *, steps: int = STEPS) -> float:
    """Mean probability while pixels come into the blurred image (arXiv:1806.07421, algorithm 1).

    As `deletion_auc`, but up is better. Departs from RISE in the blur, which there is 5 pixels
    whatever the image's size.

    Returns:
        In [0, 1].
    """
    curve = _curve(answer, answer.blurred, answer.image, values, steps)
    return _area([answer.blurred_probability, *curve, answer.probability])


def _curve(
    answer: MaskedResponse, old: Tensor, new: Tensor, values: Floats, steps: int
) -> list[float]:
    """Probabilities (steps - 1) between the image `old` and the image `new`."""
    ranks = rank_pixels(values, answer.image.shape[2:]).to(answer.image.device)
    found: list[float] = []
    limits = torch.arange(1, steps, device=ranks.device) * ranks.numel() // steps
    for part in limits.split(chunk_size(answer.image)):
        images = torch.where(ranks < part[:, None, None, None], new, old)
        found += probabilities(answer.model, images, answer.target).tolist()
    return found


def _area(curve: Sequence[float]) -> float:
    area = sum((one + other) / 2 for one, other in pairwise(curve)) / (len(curve) - 1)
    return min(area, 1.0)  # but for rounding it is


def rank_pixels(values: Floats, size: Sequence[int]) -> Tensor:
    """The place (H, W) int64 of each pixel in the map's order, 0 the strongest.

    Pixels of which the map says nothing (0 or less) come last in the order of a smooth random
    map: by their position they would favour a corner, and singly they would be noise.
    """
    height, width = size
    favour = enlarge(values, size).numpy().ravel()
    ties = enlarge(random_map(height, width, seed=0), size).numpy().ravel()
    ranks = np.empty(favour.size, np.int64)
    ranks[np.lexsort((-ties, -favour))] = np.arange(favour.size)
    return torch.from_numpy(ranks.reshape(height, width))


def enlarge(values: npt.NDArray[np.floating], size: Sequence[int]) -> Tensor:
    """What of a map (h, w) speaks for the class, at an image's size (H, W) float32, >= 0."""
    favour = torch.from_numpy(np.maximum(values, 0).astype(np.float32))[None, None]
    return F.interpolate(favour, tuple(size), mode="bilinear", align_corners=False)[0, 0]


def masked_probability(answer: MaskedResponse, values: Floats) -> float:
    """The target's probability for the image times the map, scaled to a maximum of 1."""
    mask = enlarge(values, answer.image.shape[2:]).to(answer.image)
    mask = mask / mask.max().clamp(min=torch.finfo(mask.dtype).tiny)
    return float(probabilities(answer.model, answer.image * mask, answer.target)[0])


def average_drop_of(probability: float, masked: float) -> float:
    """Share of the probability lost outside the map (Chattopadhyay et al. 2018, arXiv:1710.11063).

    Of one image; the paper's average drop is the mean over many, in percent.

    Returns:
        In [0, 1]; 0 where the masked image is at least as probable.
    """
    return max(0.0, probability - masked) / max(probability, 1e-12)
