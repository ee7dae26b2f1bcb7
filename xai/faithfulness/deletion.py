"""How a prediction changes where a map's pixels are removed or kept. No files, no pages."""

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
    """The target's probability for an image, for the blank reference and for the blurred image."""

    model: SplitModel
    image: Tensor  # (1, 3, H, W)
    blurred: Tensor  # (1, 3, H, W)
    target: int
    probability: float
    grey_probability: float  # for the blank reference, an even grey
    blurred_probability: float


def masked_response(model: SplitModel, image: Tensor, target: int) -> MaskedResponse:
    """The probabilities at which the curves of `deletion_auc` and `insertion_auc` start and end.

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


def deletion_auc(response: MaskedResponse, values: Floats, *, steps: int = STEPS) -> float:
    """Mean probability while pixels go grey, the map's strongest first (arXiv:1806.07421, alg. 1).

    Petsiuk et al. 2018, RISE: the area under the probability against the share of pixels removed,
    by trapezoids. Lower is better: the pixels that the map ranks first carry the prediction.

    Args:
        response: From `masked_response`.
        values: (h, w), the map.
        steps: Parts of the image, removed one after another.

    Returns:
        In [0, 1].
    """
    curve = _curve(response, response.image, torch.zeros_like(response.image), values, steps)
    return _area([response.probability, *curve, response.grey_probability])


def insertion_auc(response: MaskedResponse, values: Floats, *, steps: int = STEPS) -> float:
    """Mean probability while pixels come into the blurred image (arXiv:1806.07421, algorithm 1).

    As `deletion_auc`, but higher is better. Departs from RISE in the blur, which there is 5 pixels
    whatever the image's size.

    Returns:
        In [0, 1].
    """
    curve = _curve(response, response.blurred, response.image, values, steps)
    return _area([response.blurred_probability, *curve, response.probability])


def _curve(
    response: MaskedResponse, old: Tensor, new: Tensor, values: Floats, steps: int
) -> list[float]:
    """Probabilities (steps - 1) between the image `old` and the image `new`."""
    ranks = rank_pixels(values, response.image.shape[2:]).to(response.image.device)
    curve: list[float] = []
    limits = torch.arange(1, steps, device=ranks.device) * ranks.numel() // steps
    for part in limits.split(chunk_size(response.image)):
        images = torch.where(ranks < part[:, None, None, None], new, old)
        curve += probabilities(response.model, images, response.target).tolist()
    return curve


def _area(curve: Sequence[float]) -> float:
    area = sum((one + other) / 2 for one, other in pairwise(curve)) / (len(curve) - 1)
    return min(area, 1.0)  # rounding may take it above


def rank_pixels(values: Floats, size: Sequence[int]) -> Tensor:
    """The rank (H, W) int64 of each pixel by its attribution, 0 for the strongest.

    Pixels without positive attribution come last, in the order of a smooth random map: in the order
    of their position one corner would come before the others, and a random order of single pixels
    would remove noise, not regions.
    """
    height, width = size
    positive = enlarge(values, size).numpy().ravel()
    ties = enlarge(random_map(height, width, seed=0), size).numpy().ravel()
    ranks = np.empty(positive.size, np.int64)
    ranks[np.lexsort((-ties, -positive))] = np.arange(positive.size)
    return torch.from_numpy(ranks.reshape(height, width))


def enlarge(values: npt.NDArray[np.floating], size: Sequence[int]) -> Tensor:
    """The positive attribution of a map (h, w) at an image's size: (H, W) float32, >= 0."""
    positive = torch.from_numpy(np.maximum(values, 0).astype(np.float32))[None, None]
    return F.interpolate(positive, tuple(size), mode="bilinear", align_corners=False)[0, 0]


def masked_probability(response: MaskedResponse, values: Floats) -> float:
    """The target's probability for the image times the map, scaled to a maximum of 1."""
    mask = enlarge(values, response.image.shape[2:]).to(response.image)
    mask = mask / mask.max().clamp(min=torch.finfo(mask.dtype).tiny)
    return float(probabilities(response.model, response.image * mask, response.target)[0])


def average_drop_of(probability: float, masked: float) -> float:
    """Share of the probability lost outside the map (Chattopadhyay et al. 2018, arXiv:1710.11063).

    Of one image; the paper's average drop is the mean over many, in percent.

    Returns:
        In [0, 1]; 0 where the masked image is at least as probable.
    """
    return max(0.0, probability - masked) / max(probability, 1e-12)
