"""What a TrainConfig's words mean in PyTorch: batches, optimizers, schedules, class weights."""

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from modelzoo.training.config import TrainConfig


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


def make_optimizer(parameters: list[nn.Parameter], config: TrainConfig) -> Optimizer:
    """The optimizer that `config` names, over `parameters`."""
    rate, decay = config.learning_rate, config.weight_decay
    match config.optimizer:
        case "adam":
            return torch.optim.Adam(parameters, lr=rate, weight_decay=decay)
        case "adamw":
            return torch.optim.AdamW(parameters, lr=rate, weight_decay=decay)
        case "adamax":
            return torch.optim.Adamax(parameters, lr=rate, weight_decay=decay)
        case "adadelta":
            return torch.optim.Adadelta(parameters, lr=rate, weight_decay=decay)
        case "sgd":
            return torch.optim.SGD(
                parameters, lr=rate, weight_decay=decay, momentum=config.momentum
            )
        case "rmsprop":
            return torch.optim.RMSprop(
                parameters, lr=rate, weight_decay=decay, momentum=config.momentum
            )


def make_schedule(
    optimizer: Optimizer, config: TrainConfig
) -> torch.optim.lr_scheduler.LRScheduler:
    """The schedule of the learning rate that `config` names; one step an epoch."""
    match config.schedule:
        case "plateau":
            return torch.optim.lr_scheduler.ReduceLROnPlateau(
                optimizer, factor=config.plateau_factor, patience=config.plateau_patience - 1
            )
        case "cosine":
            return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=config.epochs)
        case "none":
            return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)


def class_weights(labels: Tensor, config: TrainConfig) -> Tensor | None:
    """(K,) float32 with mean 1 over the images, rare classes more; None where all count alike."""
    if config.balance != "weights":
        return None
    counts = torch.bincount(labels).float()
    return len(labels) / (len(counts) * counts)
