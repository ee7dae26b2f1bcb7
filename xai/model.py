"""Forward passes of a network that is to be explained: how many images at once, which logit."""

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from xai.errors import UserError
from xai.types import NormalisingModel, SplitModel

# Pixels in one pass: 8 images of 224 px. More are no faster on a CPU and take more memory.
CHUNK_PIXELS = 8 * 224 * 224
IMAGENET_STD = 0.226  # mean over the channels, of pixels in [0, 1]
BLANK_PX = 96  # a side: every backbone has features of it, and a pass takes some milliseconds


def prepare_process() -> None:
    """Set what belongs to the process and not to one call; pages and commands call it once.

    Memory that a forward pass frees serves the next. Asking the system for memory anew, page by
    page, can take longer than the pass. glibc keeps twice the largest block that was ever freed, if
    that is of 32 MiB at most (mallopt(3), M_MMAP_THRESHOLD), so it is given one to free.

    captum warns at every call that it hooks what it is given. It is given modules that live for
    that one call, so the warning is not shown.
    """
    torch.empty(2**25 - 2**16, dtype=torch.uint8)
    warnings.filterwarnings("ignore", message="Setting (forward, )?backward hooks")


def blank_image(model: SplitModel) -> Tensor:
    """An image (1, 3, BLANK_PX, BLANK_PX) of zeros, on the device of `model`."""
    own = next(model.parameters(), None) if isinstance(model, nn.Module) else None
    return torch.zeros(1, 3, BLANK_PX, BLANK_PX, device=None if own is None else own.device)


def grey_level(model: SplitModel) -> Tensor:
    """One of 255 grey levels in the units of normalised images: (3, 1, 1), on the CPU.

    Networks are normalised by standard deviations of 0.22 to 0.5, so the same number of normalised
    units is more than twice as visible for one as for another. A model without
    `normalise` counts as normalised by ImageNet's.
    """
    if not isinstance(model, NormalisingModel):
        return torch.full((3, 1, 1), 1 / (255 * IMAGENET_STD))
    black, dark = model.normalise(
        torch.tensor([0, 1], dtype=torch.uint8)[:, None, None, None].expand(2, 1, 1, 3)
    )
    level: Tensor = dark - black
    return level


def spatial_features(model: SplitModel, images: Tensor) -> Tensor:
    """The last features (N, C, h, w) of normalised images (N, 3, H, W).

    Raises:
        UserError: They are no such maps, as of a network that works on tokens or whose channels
            come last (N, h, w, C).
    """
    features = model.features(images)
    if not are_maps(features, images):
        shape = ", ".join(map(str, features.shape))
        raise UserError(
            f"The features of this network are of shape ({shape}) and no maps (N, C, h, w), so "
            "they show no place; choose a method that works on pixels, such as saliency."
        )
    return features


def are_maps(features: Tensor, images: Tensor) -> bool:
    """Whether features can be maps (N, C, h, w) of the images (N, 3, H, W).

    Of a square image they are square. Where channels come last (N, h, w, C), the last two axes are
    not, unless there are as many channels as places in a row.
    """
    is_square = images.shape[2] == images.shape[3]
    return features.ndim == 4 and not (is_square and features.shape[2] != features.shape[3])


def target_logits(logits: Tensor, targets: Sequence[int]) -> Tensor:
    """The logit (N,) of each image's own target.

    Args:
        logits: (N, K).
        targets: One class per row.

    Raises:
        UserError: A target is no class of the model, or a logit is no number.
    """
    n_classes = logits.shape[1]
    for target in targets:
        if not 0 <= target < n_classes:
            raise UserError(
                f"Target {target} is no class of this model; give 0 to {n_classes - 1}."
            )
    if not torch.isfinite(logits).all():
        raise UserError(
            "The model's logits are not finite, so nothing can be explained; train it again."
        )
    return logits.gather(1, torch.tensor(targets, device=logits.device)[:, None])[:, 0]


def logits_of(model: SplitModel, images: Tensor, target: int) -> list[float]:
    """The target's logit of each of `images` (N, 3, H, W), in chunks and without gradients.

    Raises:
        UserError: The target is no class of the model, or a logit is no number.
    """
    logits: list[float] = []
    with torch.no_grad():
        for part in images.split(chunk_size(images)):
            logits += target_logits(model(part), [target] * len(part)).double().tolist()
    return logits


def chunk_size(images: Tensor) -> int:
    """How many images of the size of `images` (N, 3, H, W) may go through a network at once."""
    return max(1, CHUNK_PIXELS // (images.shape[2] * images.shape[3]))
