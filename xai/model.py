"""Forward passes of a network that is to be explained: how many images at once, which logit."""

from collections.abc import Sequence

import torch
from torch import Tensor

from xai.errors import UserError

# Pixels in one pass: 8 images of 224 px. More are no faster on a CPU and take more memory.
CHUNK_PIXELS = 8 * 224 * 224


def prepare_process() -> None:
    """Let the memory that a forward pass frees serve the next; to be called once per process.

    Asking the system for memory anew, page by page, can take longer than the pass. glibc keeps
    twice the largest block that was ever freed, if that is of 32 MiB at most (mallopt(3),
    M_MMAP_THRESHOLD), so it is given one of that size to free.
    """
    torch.empty(2**25 - 2**16, dtype=torch.uint8)


def target_logits(logits: Tensor, targets: Sequence[int]) -> Tensor:
    """The logit (N,) of each image's own target.

    Args:
        logits: (N, K).
        targets: One class a row.

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


def chunk_size(images: Tensor) -> int:
    """How many images of the size of `images` (N, 3, H, W) may go through a network at once."""
    return max(1, CHUNK_PIXELS // (images.shape[2] * images.shape[3]))
