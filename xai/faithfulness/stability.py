"""How a map changes under noise, rotation and flip, and random weights. No files, no pages."""

import copy

import numpy as np
import torch
from torch import Tensor, nn

from xai.faithfulness.baselines import MapsOf
from xai.faithfulness.similarity import spearman, spearmans
from xai.types import Floats, SplitModel

NOISE_GREY_LEVELS = 3  # sd of the noise laid over the image, of 255: hardly visible
DRAWS = 3  # noisy images


def noise_sensitivity(
    maps_of: MapsOf,
    image: Tensor,
    values: Floats,
    *,
    sd: float | Tensor,
    draws: int = DRAWS,
    seed: int = 0,
) -> tuple[float, float]:
    """How much a map changes under slight noise.

    The change is the max-sensitivity of Yeh et al. 2019 (arXiv:1901.09392, def. 2) relative to the
    map's own norm, as captum has it, with Gaussian noise in place of a ball.

    Args:
        maps_of: Explains images.
        image: (1, 3, H, W) float32.
        values: (h, w), the map of `image`.
        sd: Of the noise, in normalised units; (3, 1, 1) where it differs by channel.
        draws: Noisy images.
        seed: Of the noise.

    Returns:
        Mean Spearman to the noisy images' maps in [-1, 1], and the largest relative change >= 0.
    """
    generator = torch.Generator().manual_seed(seed)
    noise = sd * torch.randn(draws, *image.shape[1:], generator=generator)
    maps = maps_of(image + noise.to(image))
    similarity = float(np.mean([spearman(values, other) for other in maps]))
    norm = max(float(np.linalg.norm(values)), 1e-12)
    return similarity, max(float(np.linalg.norm(other - values)) for other in maps) / norm


def rotation_variance(maps_of: MapsOf, image: Tensor) -> float:
    """How much the map changes under rotation and flip: a smear has no up or down.

    Returns:
        1 - mean Spearman between every two of the maps of the image's eight flips and rotations,
        each turned back; 0: always the same map, 1: nothing in common, at most 2.
    """
    turned = []
    for quarters in ((0, 2), (1, 3)):  # odd turns of an oblong image have another size
        ways = [(quarter, flips) for quarter in quarters for flips in (False, True)]
        images = torch.cat([_turn(image, *way) for way in ways])
        turned += [
            _turn_back(values, *way) for values, way in zip(maps_of(images), ways, strict=True)
        ]
    matrix = spearmans(turned)
    return float(1 - matrix[np.triu_indices(len(turned), 1)].mean())


def _turn(image: Tensor, quarters: int, flips: bool) -> Tensor:
    turned = image.rot90(quarters, (2, 3))
    return turned.flip(3) if flips else turned


def _turn_back(values: Floats, quarters: int, flips: bool) -> Floats:
    return np.rot90(values[:, ::-1] if flips else values, -quarters)


def randomise(model: SplitModel, *, seed: int = 0) -> SplitModel:
    """A private copy whose weights are drawn anew (Adebayo et al. 2018, arXiv:1810.03292, sec. 3).

    All convolutions and linear layers at once; batch norms are kept. Each layer's numbers come
    from a normal distribution of the layer's own mean and spread, so that a signal still passes
    through and only what was learned is lost; the paper draws as at the start of a training.

    Args:
        model: An `nn.Module`; not touched.
        seed: Of the weights.
    """
    assert isinstance(model, nn.Module), "only a network has weights to draw anew"
    generator = torch.Generator().manual_seed(seed)
    randomised = copy.deepcopy(model)
    for module in randomised.modules():
        if isinstance(module, nn.modules.conv._ConvNd | nn.Linear):
            _draw_anew(module.weight, generator)
            if module.bias is not None:
                _draw_anew(module.bias, generator)
    return randomised


def _draw_anew(weights: Tensor, generator: torch.Generator) -> None:
    with torch.no_grad():
        sd = weights.std(correction=0)
        drawn = torch.randn(weights.shape, generator=generator).to(weights)
        weights.copy_(weights.mean() + sd * drawn)
