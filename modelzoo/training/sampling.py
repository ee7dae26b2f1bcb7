"""Which images make a batch, and how much each class counts."""

import torch
from torch import Tensor

from modelzoo.config.train_config import TrainConfig


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
