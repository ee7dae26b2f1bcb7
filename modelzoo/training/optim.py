"""Optimizers and learning-rate schedules, by their names in a TrainConfig."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from modelzoo.config.train_config import TrainConfig

Group = dict[str, Any]  # of an optimizer: "params", and what differs from the other groups


def group_parameters(
    module: nn.Module, head: Sequence[nn.Parameter], config: TrainConfig
) -> list[nn.Parameter] | list[Group]:
    """What is trained of `module`: in one piece, or its head and its body with a rate of its own.

    The head comes first: its rate is the one in `history.csv`.

    Args:
        module: To be trained.
        head: Parameters of its head.
        config: Of the run.
    """
    trained = [each for each in module.parameters() if each.requires_grad]
    in_head = {id(each) for each in head}
    body = [each for each in trained if id(each) not in in_head]
    if config.body_rate == 1 or not body:
        return trained
    groups: list[Group] = [
        {"params": [each for each in trained if id(each) in in_head]},
        {"params": body, "lr": config.learning_rate * config.body_rate},
    ]
    return groups


def make_optimizer(parameters: list[nn.Parameter] | list[Group], config: TrainConfig) -> Optimizer:
    """The optimizer that `config` names, over `parameters` or groups of them."""
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
    optimizer: Optimizer, config: TrainConfig, *, batches: int
) -> torch.optim.lr_scheduler.LRScheduler:
    """The schedule of the learning rate that `config` names.

    Args:
        optimizer: Whose rate it sets; one-cycle sets its momentum, too.
        config: Of the run.
        batches: In one epoch.

    Returns:
        One whose step is an epoch, or for one-cycle (`is_by_batch`) a batch.
    """
    match config.schedule:
        case "one-cycle":
            return _make_one_cycle(optimizer, config.epochs * batches)
        case "plateau":
            # PyTorch lowers the rate in the epoch after `patience` bad ones; the option counts, as
            # in Keras, whose numbers papers give, the bad epochs after which it is lowered.
            return torch.optim.lr_scheduler.ReduceLROnPlateau(
                optimizer, factor=config.plateau_factor, patience=config.plateau_patience - 1
            )
        case "cosine":
            return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=config.epochs)
        case "none":
            return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)


def is_by_batch(schedule: torch.optim.lr_scheduler.LRScheduler) -> bool:
    """Whether `schedule` takes a step after each batch, and not after each epoch."""
    return isinstance(schedule, torch.optim.lr_scheduler.OneCycleLR)


def _make_one_cycle(optimizer: Optimizer, steps: int) -> torch.optim.lr_scheduler.OneCycleLR:
    """One cycle over `steps` batches in fastai's shape (Smith and Topin 2019, arXiv:1708.07120).

    From 1/25 of the rate up to it in the first quarter, then down to 1/100,000; the momentum, or
    Adam's beta 1, the other way. Adadelta has neither.
    """
    has_momentum = "momentum" in optimizer.defaults or "betas" in optimizer.defaults
    return torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=[group["lr"] for group in optimizer.param_groups],
        total_steps=steps,
        pct_start=0.25,
        div_factor=25,
        final_div_factor=1e5 / 25,  # of the first rate, where fastai divides the highest
        cycle_momentum=has_momentum,
        base_momentum=0.85,
        max_momentum=0.95,
    )
