"""Which images make a batch, and how much each class counts."""

from collections.abc import Sequence

import torch
from torch import Tensor

from modelzoo.config.train_config import TrainConfig, require_balanced


def require_every_class(labels: Tensor, classes: Sequence[str], config: TrainConfig) -> None:
    """Pass where every class has a training image, or none has to be balanced.

    Args:
        labels: (N,) int64 of the training images, indices into `classes`.
        classes: Names.
        config: Of the run.

    Raises:
        UserError: A class has none, so that its weight would be infinite.
    """
    counts = torch.bincount(labels, minlength=len(classes)).tolist()
    missing = [name for name, count in zip(classes, counts, strict=True) if not count]
    require_balanced(missing, config)


def draw_batches(
    labels: Tensor, config: TrainConfig, generator: torch.Generator
) -> tuple[Tensor, ...]:
    """One epoch's batches: positions in `labels`, each once in a random order.

    With `balance = "sampling"` they are drawn with replacement, every class as often. A last
    batch of one image is left out: batch norm has no variance of one value.
    """
    if config.balance == "sampling":
        chance = 1 / torch.bincount(labels).float()[labels]
        order = torch.multinomial(chance, len(labels), replacement=True, generator=generator)
    else:
        order = torch.randperm(len(labels), generator=generator)
    batches: tuple[Tensor, ...] = order.split(config.batch_size)
    return batches[:-1] if len(batches) > 1 and len(batches[-1]) == 1 else batches


def class_weights(labels: Tensor, config: TrainConfig) -> Tensor | None:
    """(K,) float32 with mean 1 over the images, rare classes more; None where all count alike."""
    if config.balance != "weights":
        return None
    counts = torch.bincount(labels).float()
    return len(labels) / (len(counts) * counts)
