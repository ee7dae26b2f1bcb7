"""Optimizers and learning-rate schedules, by their names in a TrainConfig."""

import torch
from torch import nn
from torch.optim import Optimizer

from modelzoo.config.train_config import TrainConfig


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
            # PyTorch lowers the rate in the epoch after `patience` bad ones; the option counts, as
            # in Keras, whose numbers papers give, the bad epochs after which it is lowered.
            return torch.optim.lr_scheduler.ReduceLROnPlateau(
                optimizer, factor=config.plateau_factor, patience=config.plateau_patience - 1
            )
        case "cosine":
            return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=config.epochs)
        case "none":
            return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
