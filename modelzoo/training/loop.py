"""The training loop, to be read from top to bottom. Inputs and labels in, the best epoch out."""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR, ReduceLROnPlateau

from modelzoo.config.train_config import TrainConfig, count_batches, require_cycle
from modelzoo.datasets.splits import Part
from modelzoo.errors import UserError
from modelzoo.parallel import Progress
from modelzoo.runs.file_names import CHECKPOINT
from modelzoo.runs.folder import Run
from modelzoo.runs.history import append_history, keep_history
from modelzoo.tensors import write_tensors
from modelzoo.training.checkpoint import read_checkpoint, write_checkpoint
from modelzoo.training.heartbeat import Heartbeat, StopRequestedError
from modelzoo.training.optim import is_by_batch, make_optimizer, make_schedule
from modelzoo.training.sampling import class_weights, draw_batches

log = logging.getLogger(__name__)

BEST = "best.safetensors"  # weights of the best epoch, while a run is not done
CHECKPOINT_SECONDS = 2.0  # heads on frozen features have a hundred epochs in that time

Inputs = Callable[[Tensor, torch.Generator | None], Tensor]
"""Rows, and a generator where they are to be augmented -> what the module takes, on the device."""


def fit(
    run: Run,
    module: nn.Module,
    inputs: Inputs,
    labels: Tensor,
    rows: dict[Part, Tensor],
    heartbeat: Heartbeat,
) -> None:
    """Train `module` and leave it with the weights of its best epoch (lowest validation loss).

    Args:
        run: Whose config says how, and whose folder takes history and checkpoint.
        module: Inputs -> logits, on `device`.
        inputs: Gives the inputs of some rows.
        labels: (N,) int64 on `device`.
        rows: Part -> rows of the images.
        heartbeat: Its `report` is called before every batch.
    """
    config, path = run.config, run.path
    training = _prepare(config, module, inputs, labels, rows)
    at = _Standing()
    if (path / CHECKPOINT).is_file():
        at = _resume(training, path)
        log.info("resuming after epoch %d", at.epoch)
    keep_history(path, at.epoch)
    checkpointed = -math.inf  # the first epoch is kept at once
    pace = _Pace(at.epoch, config.epochs, time.perf_counter())

    while at.epoch < config.epochs and at.stalled < config.patience:
        row = _train_and_validate(
            training,
            at.epoch,
            _epoch_progress(heartbeat, config, at.epoch, time.perf_counter(), pace),
        )
        at.count_epoch(row["validation_loss"])
        if at.best_epoch == at.epoch:
            write_tensors(path / BEST, module.state_dict())
        _end_epoch(training.schedule, row["validation_loss"])
        # The checkpoint last: killed before it, the run does this epoch again and writes the same.
        append_history(path, row)
        is_last = at.epoch == config.epochs or at.stalled >= config.patience
        is_due = time.monotonic() - checkpointed >= CHECKPOINT_SECONDS
        if is_due or is_last or heartbeat.stop_after_epoch:
            progress = asdict(at) | {"schedule": training.schedule.state_dict()}
            write_checkpoint(
                path / CHECKPOINT, module, training.optimizer, training.generator, progress
            )
            checkpointed = time.monotonic()
        log.info("%s", ", ".join(f"{name} {value:.4g}" for name, value in row.items()))
        heartbeat.report("training", 0, 1, epoch=at.epoch)
        if heartbeat.stop_after_epoch:
            raise StopRequestedError
    module.load_state_dict(load_file(path / BEST))


@dataclass(frozen=True, slots=True)
class _Training:
    """What every step of a training needs."""

    config: TrainConfig
    module: nn.Module
    inputs: Inputs
    labels: Tensor  # (N,) int64
    rows: dict[Part, Tensor]
    optimizer: Optimizer
    schedule: LRScheduler
    generator: torch.Generator
    weights: Tensor | None  # of the classes


def _prepare(
    config: TrainConfig,
    module: nn.Module,
    inputs: Inputs,
    labels: Tensor,
    rows: dict[Part, Tensor],
) -> _Training:
    """A training before its first epoch."""
    require_cycle(len(rows["train"]), config)
    optimizer = make_optimizer([each for each in module.parameters() if each.requires_grad], config)
    batches = count_batches(len(rows["train"]), config)
    return _Training(
        config,
        module,
        inputs,
        labels,
        rows,
        optimizer,
        make_schedule(optimizer, config, batches=batches),
        torch.Generator().manual_seed(config.seed),
        class_weights(labels[rows["train"]], config),
    )


def _resume(training: _Training, path: Path) -> "_Standing":
    """Put the checkpoint of the run in folder `path` into `training`; where it stood.

    Raises:
        UserError: The checkpoint is damaged, or of a cycle of another length.
    """
    schedule = training.schedule
    batches = schedule.total_steps if isinstance(schedule, OneCycleLR) else 0
    saved = read_checkpoint(
        path / CHECKPOINT, training.module, training.optimizer, training.generator
    )
    schedule.load_state_dict(saved.pop("schedule"))
    if isinstance(schedule, OneCycleLR) and schedule.total_steps != batches:
        raise UserError(
            f"The one-cycle schedule of this run began with {schedule.total_steps} batches in all, "
            f"and there are {batches} now; put its epochs and batch size back, or train a new run."
        )
    return _Standing(**saved)


def _end_epoch(schedule: LRScheduler, validation_loss: float) -> None:
    """Take the schedule's step after an epoch, unless it takes one after each batch."""
    if isinstance(schedule, ReduceLROnPlateau):
        schedule.step(validation_loss)
    elif not is_by_batch(schedule):
        schedule.step()


@dataclass(slots=True)
class _Standing:
    """Where a training stands between two epochs."""

    epoch: int = 0  # epochs finished
    best_epoch: int = 0
    best_loss: float = math.inf
    stalled: int = 0  # epochs since the best

    def count_epoch(self, loss: float) -> None:
        """One more epoch, with this validation loss."""
        self.epoch += 1
        self.stalled += 1
        if loss < self.best_loss:
            self.best_loss, self.best_epoch, self.stalled = loss, self.epoch, 0


def _train_and_validate(
    training: _Training, epochs: int, on_progress: Progress
) -> dict[str, float]:
    """One epoch after `epochs` others, as its row of history.csv; its rate is that of its end."""
    started = time.perf_counter()
    train_loss, train_accuracy, rate = _train_epoch(training, on_progress)
    _require_finite(train_loss, epochs, rate)
    trained_seconds = time.perf_counter() - started
    loss, accuracy = _validate(training)
    return {
        "epoch": epochs + 1,
        "train_loss": train_loss,
        "train_accuracy": train_accuracy,
        "validation_loss": loss,
        "validation_accuracy": accuracy,
        "learning_rate": rate,
        "images_per_second": len(training.rows["train"]) / trained_seconds,
        "seconds": time.perf_counter() - started,
    }


def _require_finite(loss: float, epochs: int, rate: float) -> None:
    """Raise a UserError where the training loss is no number any more."""
    if not math.isfinite(loss):
        raise UserError(
            f"The loss became {loss} in epoch {epochs + 1} at learning rate {rate:g}; epoch "
            f"{epochs} is kept, train again with a smaller learning rate."
        )


def _validate(training: _Training) -> tuple[float, float]:
    """Loss and accuracy over the validation images."""
    rows = training.rows["validation"]
    logits, truth = _logits(training, rows), training.labels[rows]
    accuracy = (logits.argmax(1) == truth).float().mean().item()
    return F.cross_entropy(logits, truth).item(), accuracy


def _train_epoch(training: _Training, on_progress: Progress) -> tuple[float, float, float]:
    """One pass over the training images.

    Returns:
        Mean loss and accuracy of its batches as they were trained, and the last batch's rate.
    """
    training.module.train()
    labels, rows = training.labels, training.rows["train"]
    batches = draw_batches(labels[rows].cpu(), training.config, training.generator)
    loss_sum = torch.zeros((), device=labels.device)
    right = torch.zeros((), device=labels.device)
    rate = 0.0
    for done, picked in enumerate(batches):
        on_progress(done, len(batches))
        chosen = rows[picked.to(rows.device)]
        rate = float(training.optimizer.param_groups[0]["lr"])
        loss, logits = _train_batch(training, chosen)
        loss_sum += loss * len(chosen)
        right += (logits.argmax(1) == labels[chosen]).sum()
    count = sum(len(batch) for batch in batches)
    return loss_sum.item() / count, right.item() / count, rate


def _train_batch(training: _Training, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """One step on the images of the rows `chosen`; its loss and its logits (N, K) float32."""
    config = training.config
    with _precision(config, chosen.device):
        logits = training.module(training.inputs(chosen, training.generator)).float()
    loss = F.cross_entropy(
        logits,
        training.labels[chosen],
        weight=training.weights,
        label_smoothing=config.label_smoothing,
    )
    training.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    training.optimizer.step()
    if is_by_batch(training.schedule):
        training.schedule.step()
    return loss.detach(), logits.detach()


def _logits(training: _Training, rows: Tensor) -> Tensor:
    """(N, K) float32 of `rows`, in evaluation mode, nothing augmented."""
    training.module.eval()
    with torch.inference_mode(), _precision(training.config, rows.device):
        parts = [training.module(training.inputs(part, None)).float() for part in rows.split(64)]
    return torch.cat(parts)


def _epoch_progress(
    heartbeat: Heartbeat, config: TrainConfig, epoch: int, started: float, pace: "_Pace"
) -> Progress:
    """What to call after each batch: batches done, batches in all."""

    def on_progress(done: int, total: int) -> None:
        now = time.perf_counter()
        changes: dict[str, Any] = {
            "epoch": epoch,
            "seconds_left": pace.seconds_left(epoch + done / total, now=now),
        }
        if done:  # else the last epoch's stays: short epochs would be seen at their start only
            changes["images_per_second"] = done * config.batch_size / (now - started)
        heartbeat.report("training", done, total, **changes)

    return on_progress


@dataclass(frozen=True, slots=True)
class _Pace:
    """How fast a training is: the mean since it began or went on, validation and disk included.

    The pace of a single epoch's first batches made the time left jump between 2 and 5 minutes.
    """

    first: int  # epochs finished before
    epochs: int  # at most
    started: float  # of time.perf_counter()

    def seconds_left(self, epochs: float, *, now: float) -> float | None:
        """Seconds for the epochs that remain after `epochs`; None where nothing was timed yet."""
        timed = epochs - self.first
        return (now - self.started) / timed * (self.epochs - epochs) if timed > 0 else None


def _precision(config: TrainConfig, device: torch.device) -> torch.autocast:
    """bfloat16 where it was asked for, and by itself on a GPU; needs no loss scaling."""
    wanted = config.precision == "bfloat16" or (
        config.precision == "auto" and device.type == "cuda"
    )
    return torch.autocast(device.type, torch.bfloat16, enabled=wanted)
