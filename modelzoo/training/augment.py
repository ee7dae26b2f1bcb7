"""Random changes of training images, as one batch on the device. No files, no single images."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from modelzoo.config.train_config import Augmentation


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """How far an image may be changed; each change is drawn evenly from its range."""

    rotation: float = 0.0  # degrees, either way
    shear: float = 0.0  # of x by y, as a share of the side, either way
    zoom: float = 0.0  # each axis by 1 - zoom to 1 + zoom, on its own
    shift: float = 0.0  # along each axis, as a share of the side, either way
    flip_x: bool = False
    flip_y: bool = False
    brightness: float = 0.0  # added to every pixel of the normalised image, either way


CHANGES: dict[Augmentation, Changes] = {
    "none": Changes(),
    # A smear has no up or down. Its stain is part of what is seen: brightness hardly changes.
    "mild": Changes(rotation=15, zoom=0.1, shift=0.05, flip_x=True, flip_y=True, brightness=0.15),
    # pushpalatha2024.
    "flips": Changes(flip_x=True),
    # Section 3 of the paper; each range is read as "either way", the horizontal flip as one in two.
    "muduli2025": Changes(rotation=40, shear=0.4, zoom=0.4, shift=0.4, flip_x=True),
}


def augment(
    images: Tensor,
    changes: Changes,
    *,
    generator: torch.Generator,
    part: slice = slice(None),
    whole: int | None = None,
) -> Tensor:
    """`images`, each changed in its own way by one resampling; what moves in repeats the border.

    Resampling and normalisation commute, so the images may be normalised already.

    Args:
        images: (N, C, H, W) float32, on any device.
        changes: What may happen; no change at all gives `images` back as they are.
        generator: On the CPU, so that every device sees the same draws.
        part: Which images of a batch these are.
        whole: Images of that batch, for each of which changes are drawn; None: N.

    Returns:
        (N, C, H, W) float32, on the device of `images`.
    """
    if changes == Changes():
        return images
    count = len(images) if whole is None else whole
    theta = draw_affine(count, changes, generator=generator)[part].to(images.device)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    changed = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    if changes.brightness:
        added = _uniform(count, changes.brightness, generator)[part].to(images.device)
        changed = changed + added.view(-1, 1, 1, 1)
    return changed


def draw_affine(count: int, changes: Changes, *, generator: torch.Generator) -> Tensor:
    """(N, 2, 3) float32: where each output pixel comes from, in coordinates of [-1, 1]."""
    angle = _uniform(count, math.radians(changes.rotation), generator)
    shear = _uniform(count, changes.shear, generator)
    # Sampling coordinates are divided by the zoom: a zoom above 1 shows less of the image, larger.
    zoom_x = 1 / (1 + _uniform(count, changes.zoom, generator))
    zoom_y = 1 / (1 + _uniform(count, changes.zoom, generator))
    flip_x = _signs(count, generator) if changes.flip_x else torch.ones(count)
    flip_y = _signs(count, generator) if changes.flip_y else torch.ones(count)
    # A shift by a share s of the side is 2 s in coordinates that run from -1 to 1.
    shift_x = _uniform(count, 2 * changes.shift, generator)
    shift_y = _uniform(count, 2 * changes.shift, generator)
    cosine, sine = angle.cos(), angle.sin()
    row_x = torch.stack([cosine, shear * cosine - sine], dim=1) * (flip_x * zoom_x)[:, None]
    row_y = torch.stack([sine, shear * sine + cosine], dim=1) * (flip_y * zoom_y)[:, None]
    linear = torch.stack([row_x, row_y], dim=1)  # (N, 2, 2)
    return torch.cat([linear, torch.stack([shift_x, shift_y], dim=1)[:, :, None]], dim=2)


def _uniform(count: int, limit: float, generator: torch.Generator) -> Tensor:
    """(N,) float32, even in [-limit, limit]."""
    return (torch.rand(count, generator=generator) * 2 - 1) * limit


def _signs(count: int, generator: torch.Generator) -> Tensor:
    """(N,) float32, each -1 or 1."""
    return torch.randint(0, 2, (count,), generator=generator).float() * 2 - 1
