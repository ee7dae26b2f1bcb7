"""One step of a training: forward, loss, backward, update. No epochs and no files."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from modelzoo.config.train_config import Dtype, TrainConfig, count_batches, require_cycle
from modelzoo.datasets.splits import Part
from modelzoo.training.distributed import share_gradients
from modelzoo.training.optim import group_parameters, is_by_batch, make_optimizer, make_schedule
from modelzoo.training.precision import autocast
from modelzoo.training.sampling import class_weights
from modelzoo.training.team import ALONE, Team

log = logging.getLogger(__name__)

SMALLEST_HALVED = 4  # images: a batch norm has no variance of one

Inputs = Callable[[Tensor, torch.Generator | None], Tensor]
"""Rows, and a generator where they are to be augmented -> what the module takes, on the device.

Where several processes train a run, rows with a generator are a batch: changes are drawn for all of
it, and what comes back is this process's part (`Team.part_of`).
"""


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
    penalised: list[nn.Parameter]  # weight matrices of the head's linear layers
    precision: Dtype
    team: Team
    shared: nn.Module | None  # `module` where several processes share its gradients
    pieces: int = 1  # of each batch: 2 once memory has run out


@dataclass(frozen=True, slots=True)
class Step:
    """What one step did; loss and right images of several processes are still to be added up."""

    loss: Tensor  # () float32, the mean over the batch
    right: Tensor  # () int64, images whose class was predicted
    is_taken: bool  # False: gradients overflowed in float16, and no weight was changed


def prepare_training(
    config: TrainConfig,
    module: nn.Module,
    inputs: Inputs,
    labels: Tensor,
    rows: dict[Part, Tensor],
    *,
    head: Sequence[nn.Parameter],
    precision: Dtype,
    team: Team = ALONE,
) -> Training:
    """A training before its first step; `head` are the parameters of the module's head.

    Raises:
        UserError: There are too few batches for the schedule.
    """
    require_cycle(len(rows["train"]), config)
    has_penalty = config.head_l1 > 0 or config.head_l2 > 0
    optimizer = make_optimizer(group_parameters(module, head, config), config)
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
        penalised=[each for each in head if each.ndim == 2] if has_penalty else [],
        precision=precision,
        team=team,
        shared=share_gradients(team, module),
    )


def train_batch(training: Training, chosen: Tensor) -> Step:
    """One step on the images of the rows `chosen`, with the schedule's where it has one a batch.

    Where a GPU's memory runs out, this batch and all that follow are taken in two halves, whose
    gradients are added up: the same step, but for batch norms, which see each half by itself.
    One of several processes cannot: the others already wait for its gradients.

    Raises:
        torch.OutOfMemoryError: A half does not fit, either.
    """
    loss, right = _add_gradients(training, chosen) or _add_halved_gradients(training, chosen)
    return Step(loss, right, _update(training))


def _add_gradients(training: Training, chosen: Tensor) -> tuple[Tensor, Tensor] | None:
    """Gradients of a batch, with its loss and right images; None where memory ran out at once."""
    pieces = training.pieces if len(chosen) >= SMALLEST_HALVED else 1
    drawn = training.generator.get_state()
    training.optimizer.zero_grad(set_to_none=True)
    try:
        return _sum_pieces(training, chosen, pieces)
    except torch.OutOfMemoryError:
        if pieces > 1 or len(chosen) < SMALLEST_HALVED or training.team.size > 1:
            raise
    training.generator.set_state(drawn)
    return None


def _add_halved_gradients(training: Training, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """The same in halves, now that what the whole batch had taken is free again."""
    training.optimizer.zero_grad(set_to_none=True)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    training.pieces = 2
    sums = _sum_pieces(training, chosen, training.pieces)
    log.warning("%s", describe_pieces(training))
    return sums


def describe_pieces(training: Training) -> str:
    """What became of the batches; empty where they are whole."""
    if training.pieces == 1:
        return ""
    size = training.config.batch_size
    return (
        f"Memory ran out with batches of {size} images, so each is computed in two halves whose "
        "gradients are added up; batch norms see the halves."
    )


def _sum_pieces(training: Training, chosen: Tensor, pieces: int) -> tuple[Tensor, Tensor]:
    """Add up the gradients of `pieces` of a batch; the batch's mean loss, and its right images.

    Each piece counts by its share of the batch, or of the batch's class weights, and so does what
    each of several processes computes. The penalty has its gradients, too, and is left out of the
    loss that is given back: that of the validation images has none, and the two are drawn in one
    figure. All processes compute it alike, so it is added to the mean of their gradients.
    """
    team = training.team
    whole = _count(training, chosen)
    loss_sum = torch.zeros((), device=chosen.device)
    right = torch.zeros((), dtype=torch.int64, device=chosen.device)
    network = training.shared or training.module
    mine = chosen[team.part_of(len(chosen))]
    for piece in mine.chunk(pieces):
        batch = chosen if pieces == 1 else piece
        with autocast(chosen.device, training.precision):
            logits = network(training.inputs(batch, training.generator)).float()
        truth = training.labels[piece]
        loss = F.cross_entropy(
            logits, truth, weight=training.weights, label_smoothing=training.config.label_smoothing
        )
        if len(piece) < len(chosen):
            # The gradients of several processes become their mean, which is to be this sum.
            loss = loss * (_count(training, piece) / whole) * team.size
        training.scaler.scale(loss).backward()
        loss_sum += loss.detach() / team.size
        if team.is_first or len(mine) < len(chosen):  # else all have computed the same images
            right += (logits.argmax(1) == truth).sum()
    if training.penalised:
        training.scaler.scale(head_penalty(training.penalised, training.config)).backward()
    return loss_sum, right


def head_penalty(matrices: Sequence[Tensor], config: TrainConfig) -> Tensor:
    """() float32: l1 times the sum of absolute weights and l2 times that of squares (keras.L1L2).

    Keras does not halve the squares, as `weight_decay` does.
    """
    absolute = torch.stack([each.abs().sum() for each in matrices]).sum()
    squares = torch.stack([each.square().sum() for each in matrices]).sum()
    return config.head_l1 * absolute + config.head_l2 * squares


def _count(training: Training, chosen: Tensor) -> float | Tensor:
    """What the mean loss over `chosen` is divided by: their number, or their classes' weights."""
    if training.weights is None:
        return float(len(chosen))
    return training.weights[training.labels[chosen]].sum()


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
