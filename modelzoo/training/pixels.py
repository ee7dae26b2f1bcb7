"""The pixels of a batch, on the device that trains; kept there where they fit."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from modelzoo.backbones.backbone import Backbone
from modelzoo.config.train_config import TrainConfig
from modelzoo.datasets.copies import CopiedPixels
from modelzoo.datasets.store import Pixels
from modelzoo.training.augment import CHANGES, augment
from modelzoo.training.step import Inputs
from modelzoo.training.team import ALONE, Team

ROOM = 0.25  # of a GPU's free memory: the steps of a training need the rest

AnyPixels = Pixels | CopiedPixels


def pixel_inputs(
    backbone: Backbone,
    pixels: AnyPixels,
    config: TrainConfig,
    device: torch.device,
    team: Team = ALONE,
) -> Inputs:
    """Normalised images of the rows asked for, augmented where a generator is given.

    Then they are this process's part of the rows, changed as they would be without the others.
    """
    changes = CHANGES[config.augmentation]
    read = open_reader(pixels, device, room=find_room(device))

    def inputs(rows: Tensor, generator: torch.Generator | None) -> Tensor:
        part = slice(None) if generator is None else team.part_of(len(rows))
        images = backbone.normalise(read(rows[part]))
        if generator is not None:
            images = augment(images, changes, generator=generator, part=part, whole=len(rows))
        return images.contiguous(memory_format=torch.channels_last)

    return inputs


def open_reader(
    pixels: AnyPixels, device: torch.device, *, room: int
) -> Callable[[Tensor], Tensor]:
    """Rows (n,) int64 -> their pixels (n, px, px, 3) uint8 on `device`.

    Args:
        pixels: All images. Those that take at most `room` are copied to the device once; of others,
            and of copies that are made when they are asked for, each batch is.
        device: That trains.
        room: In bytes.
    """
    values = pixels.values
    if isinstance(values, np.ndarray) and values.nbytes <= room:
        kept = torch.tensor(values, device=device)
        return lambda rows: kept[rows]
    return lambda rows: torch.from_numpy(values[rows.cpu().numpy()]).to(device, non_blocking=True)


def find_room(device: torch.device) -> int:
    """Bytes of `device` that the pixels may take; 0 where they are in its memory already."""
    if device.type != "cuda":
        return 0
    free, _ = torch.cuda.mem_get_info(device)
    return int(ROOM * free)
