"""One step of a training: forward, loss, backward, update. No epochs and no files."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from modelzoo.config.train_config import Dtype, TrainConfig, count_batches, require_cycle
from modelzoo.datasets.splits import Part
from modelzoo.training.optim import is_by_batch, make_optimizer, make_schedule
from modelzoo.training.precision import autocast
from modelzoo.training.sampling import class_weights

Inputs = Callable[[Tensor, torch.Generator | None], Tensor]
"""Rows, and a generator where they are to be augmented -> what the module takes, on the device."""


@dataclass(slots=True)
class Training:
    """What every step of a training needs."""

    config: TrainConfig
    module: nn.Module
    inputs: Inputs
    labels: Tensor  # (N,) int64
    rows: dict[Part, Tensor]
    optimizer: Optimizer
    schedule: LRScheduler
    scaler: GradScaler  # of float16; it changes nothing in other precisions
    generator: torch.Generator
    weights: Tensor | None  # of the classes
    precision: Dtype


@dataclass(frozen=True, slots=True)
class Step:
    """What one step did."""

    loss: Tensor  # () float32, the mean over the batch
    right: Tensor  # () int64, images whose class was predicted
    is_taken: bool  # False: gradients overflowed in float16, and no weight was changed


def prepare_training(
    config: TrainConfig,
    module: nn.Module,
    inputs: Inputs,
    labels: Tensor,
    rows: dict[Part, Tensor],
    precision: Dtype,
) -> Training:
    """A training before its first step.

    Raises:
        UserError: There are too few batches for the schedule.
    """
    require_cycle(len(rows["train"]), config)
    optimizer = make_optimizer([each for each in module.parameters() if each.requires_grad], config)
    batches = count_batches(len(rows["train"]), config)
    return Training(
        config=config,
        module=module,
        inputs=inputs,
        labels=labels,
        rows=rows,
        optimizer=optimizer,
        schedule=make_schedule(optimizer, config, batches=batches),
        scaler=GradScaler(labels.device.type, enabled=precision == "float16"),
        generator=torch.Generator().manual_seed(config.seed),
        weights=class_weights(labels[rows["train"]], config),
        precision=precision,
    )


def train_batch(training: Training, chosen: Tensor) -> Step:
    """One step on the images of the rows `chosen`, with the schedule's where it has one a batch."""
    training.optimizer.zero_grad(set_to_none=True)
    with autocast(chosen.device, training.precision):
        logits = training.module(training.inputs(chosen, training.generator)).float()
    truth = training.labels[chosen]
    loss = F.cross_entropy(
        logits, truth, weight=training.weights, label_smoothing=training.config.label_smoothing
    )
    training.scaler.scale(loss).backward()
    is_taken = _update(training)
    return Step(loss.detach(), (logits.argmax(1) == truth).sum(), is_taken)


def _update(training: Training) -> bool:
    """Change the weights by their gradients, unless these overflowed; whether they were changed."""
    scaler = training.scaler
    before = scaler.get_scale()
    scaler.step(training.optimizer)
    scaler.update()
    is_taken = scaler.get_scale() >= before  # it is lowered after an overflow, and never else
    if is_taken and is_by_batch(training.schedule):
        training.schedule.step()
    return is_taken
