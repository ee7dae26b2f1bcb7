"""A run opened for explanations, and an image as its network takes it.

`xai/on_runs` is the one place that joins the two libraries: pages, commands and whatever else needs
a prediction or a map of a run stand on it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from modelzoo.datasets.images import cut_tile, decode_image, fit_square, require_cells_visible
from xai.types import Rgb

if TYPE_CHECKING:
    from torch import Tensor

    from modelzoo.inference.trained import LoadedRun


def open_run(path: Path, device: str = "cpu") -> "LoadedRun":
    """The run in folder `path`, ready to predict and to be explained.

    Args:
        path: The folder of the run.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".

    Raises:
        modelzoo.errors.UserError: It is no run, has no model, is damaged, or there is no such
            device.
    """
    # Here, because reading pixels needs no torch, and pages show an image before they need it.
    from modelzoo.inference.trained import load_run
    from modelzoo.training.environment import pick_device

    return load_run(path, str(pick_device(device)))


def read_pixels(
    source: Path | bytes,
    px: int,
    *,
    name: str = "",
    depth: int = 0,
    tile: tuple[int, int] | None = None,
    change: Callable[[Rgb], Rgb] | None = None,
) -> Rgb:
    """The middle of an image as a network of `px` pixels a side takes it: (px, px, 3) uint8.

    Args:
        source: A file, or its content.
        px: Side in pixels.
        name: What errors call it; the path where none is given.
        depth: Bits in use in files of 16 bits that the network was trained on, 0: it saw none.
        tile: One square of so many that cover the image, as `cut_tile` has them; None: the middle.
        change: Of the whole image or square (H, W, 3) uint8, before it is resized; None: as it is.

    Raises:
        modelzoo.errors.UserError: It is no image, or too small to show a cell.
    """
    image = read_image(source, name=name, depth=depth)
    if tile:
        image = cut_tile(image, *tile)
    if change:
        image = Image.fromarray(change(np.asarray(image)))
    return fit_square(image, px)


def read_image(source: Path | bytes, *, name: str = "", depth: int = 0) -> Image.Image:
    """The whole of an image, upright and in RGB; arguments and errors as in `read_pixels`."""
    name = name or (str(source) if isinstance(source, Path) else "the image")
    return require_cells_visible(decode_image(source, name=name, depth=depth), name)


def as_input(run: "LoadedRun", *pixels: Rgb) -> "Tensor":
    """Images (px, px, 3) uint8 as the network takes them: (N, 3, px, px) float32, normalised."""
    import torch

    device = next(run.backbone.parameters()).device
    return run.backbone.normalise(torch.from_numpy(np.stack(pixels)).to(device))
