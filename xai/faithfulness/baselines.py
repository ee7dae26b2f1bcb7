"""Baseline maps, which do not depend on the model. No files, no pages."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor
from torch.nn import functional as F

from xai.types import Floats

MapsOf = Callable[[Tensor], list[Floats]]  # images (N, 3, H, W) -> N maps (h, w)

BLUR = 0.05  # sd of what blurs an image, in sides: a cell keeps its place and loses its texture
GRID = 56  # grid cells a side of the baseline maps, at most: they are smooth


def random_map(height: int, width: int, *, seed: int) -> Floats:
    """Noise blurred to spots of the size that a CAM's have, >= 0."""
    height, width = min(height, GRID), min(width, GRID)
    noise = np.random.default_rng(seed).normal(size=(height, width))
    smooth: Floats = gaussian_filter(noise, min(height, width) / 8, mode="wrap")
    smooth -= smooth.min()
    return smooth


def _centre_maps(images: Tensor) -> list[Floats]:
    rows, columns = (np.linspace(-1, 1, 2 * side + 1)[1::2] for side in _grid(images))
    values: Floats = np.exp(-(rows[:, None] ** 2 + columns**2) / (2 * 0.5**2))
    return [values] * len(images)


def _dark_maps(images: Tensor) -> list[Floats]:
    """How much darker than its brightest place the blurred image is: highest on nuclei."""
    maps = []
    for image in images.split(1):
        brightness = blur(image).mean(dim=1, keepdim=True)
        dark = F.adaptive_avg_pool2d(brightness.amax() - brightness, _grid(images))
        maps.append(dark[0, 0].double().cpu().numpy())
    return maps


def _grid(images: Tensor) -> tuple[int, int]:
    height, width = images.shape[2:]
    return min(height, GRID), min(width, GRID)


FIXED_MAPS: Mapping[str, MapsOf] = {"centre": _centre_maps, "blurred": _dark_maps}


def blur(image: Tensor) -> Tensor:
    """`image` (1, 3, H, W) blurred by a Gaussian with a standard deviation of BLUR of its side."""
    sd = BLUR * min(image.shape[2:])
    smooth = gaussian_filter(image.float().cpu().numpy(), (0, 0, sd, sd), mode="nearest")
    return torch.from_numpy(smooth).to(image)
