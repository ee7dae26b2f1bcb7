"""The training loop, to be read from top to bottom. Inputs and labels in, the best epoch out."""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.optim import Optimizer

from modelzoo.config.train_config import TrainConfig
from modelzoo.datasets.splits import Part
from modelzoo.errors import UserError
from modelzoo.parallel import Progress
from modelzoo.runs.file_names import CHECKPOINT
from modelzoo.runs.folder import Run
from modelzoo.runs.history import append_history, keep_history
from modelzoo.tensors import write_tensors
from modelzoo.training.checkpoint import read_checkpoint, write_checkpoint
from modelzoo.training.heartbeat import Heartbeat, StopRequestedError
from modelzoo.training.optim import make_optimizer, make_schedule
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
    generator = torch.Generator().manual_seed(config.seed)
    parameters = [value for value in module.parameters() if value.requires_grad]
    optimizer = make_optimizer(parameters, config)
    schedule = make_schedule(optimizer, config)
    weights = class_weights(labels[rows["train"]], config)
    at = _Standing()
    if (path / CHECKPOINT).is_file():
        saved = read_checkpoint(path / CHECKPOINT, module, optimizer, generator)
        schedule.load_state_dict(saved.pop("schedule"))
        at = _Standing(**saved)
        log.info("resuming after epoch %d", at.epoch)
    keep_history(path, at.epoch)
    checkpointed = -math.inf  # the first epoch is kept at once
    pace = _Pace(at.epoch, config.epochs, time.perf_counter())

    while at.epoch < config.epochs and at.stalled < config.patience:
        row = _train_and_validate(
            module,
            inputs,
            labels,
            rows,
            optimizer,
            generator,
            weights,
            config,
            _epoch_progress(heartbeat, config, at.epoch, time.perf_counter(), pace),
            at.epoch,
        )
        at.count_epoch(row["validation_loss"])
        if at.best_epoch == at.epoch:
            write_tensors(path / BEST, module.state_dict())
        _step(schedule, row["validation_loss"])
        # The checkpoint last: killed before it, the run does this epoch again and writes the same.
        append_history(path, row)
        is_last = at.epoch == config.epochs or at.stalled >= config.patience
        is_due = time.monotonic() - checkpointed >= CHECKPOINT_SECONDS
        if is_due or is_last or heartbeat.stop_after_epoch:
            progress = asdict(at) | {"schedule": schedule.state_dict()}
            write_checkpoint(path / CHECKPOINT, module, optimizer, generator, progress)
            checkpointed = time.monotonic()
        log.info("%s", ", ".join(f"{name} {value:.4g}" for name, value in row.items()))
        heartbeat.report("training", 0, 1, epoch=at.epoch)
        if heartbeat.stop_after_epoch:
            raise StopRequestedError
    module.load_state_dict(load_file(path / BEST))


def _step(schedule: torch.optim.lr_scheduler.LRScheduler, validation_loss: float) -> None:
    if isinstance(schedule, torch.optim.lr_scheduler.ReduceLROnPlateau):
        schedule.step(validation_loss)
    else:
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
    module: nn.Module,
    inputs: Inputs,
    labels: Tensor,
    rows: dict[Part, Tensor],
    optimizer: Optimizer,
    generator: torch.Generator,
    weights: Tensor | None,
    config: TrainConfig,
    on_progress: Progress,
    epochs: int,
) -> dict[str, float]:
    """One epoch after `epochs` others, as its row of history.csv."""
    started = time.perf_counter()
    train_loss, train_accuracy = _train_epoch(
        module, inputs, labels, rows["train"], optimizer, generator, weights, config, on_progress
    )
    rate = float(optimizer.param_groups[0]["lr"])
    _require_finite(train_loss, epochs, rate)
    trained_seconds = time.perf_counter() - started
    loss, accuracy = _validate(module, inputs, labels, rows["validation"], config)
    return {
        "epoch": epochs + 1,
        "train_loss": train_loss,
        "train_accuracy": train_accuracy,
        "validation_loss": loss,
        "validation_accuracy": accuracy,
        "learning_rate": rate,
        "images_per_second": len(rows["train"]) / trained_seconds,
        "seconds": time.perf_counter() - started,
    }


def _require_finite(loss: float, epochs: int, rate: float) -> None:
    """Raise a UserError where the training loss is no number any more."""
    if not math.isfinite(loss):
        raise UserError(
            f"The loss became {loss} in epoch {epochs + 1} at learning rate {rate:g}; epoch "
            f"{epochs} is kept, train again with a smaller learning rate."
        )


def _validate(
    module: nn.Module, inputs: Inputs, labels: Tensor, rows: Tensor, config: TrainConfig
) -> tuple[float, float]:
    """Loss and accuracy over the validation images."""
    logits, truth = _logits(module, inputs, rows, config), labels[rows]
    accuracy = (logits.argmax(1) == truth).float().mean().item()
    return F.cross_entropy(logits, truth).item(), accuracy


def _train_epoch(
    module: nn.Module,
    inputs: Inputs,
    labels: Tensor,
    rows: Tensor,
    optimizer: Optimizer,
    generator: torch.Generator,
    weights: Tensor | None,
    config: TrainConfig,
    on_progress: Progress,
) -> tuple[float, float]:
    """One pass over `rows`; the mean loss and the accuracy of its batches as they were trained."""
    module.train()
    device = labels.device
    batches = draw_batches(labels[rows].cpu(), config, generator)
    loss_sum = torch.zeros((), device=device)
    right = torch.zeros((), device=device)
    for done, picked in enumerate(batches):
        on_progress(done, len(batches))
        chosen = rows[picked.to(rows.device)]
        truth = labels[chosen]
        with _precision(config, device):
            logits = module(inputs(chosen, generator)).float()
        loss = F.cross_entropy(
            logits, truth, weight=weights, label_smoothing=config.label_smoothing
        )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        loss_sum += loss.detach() * len(truth)
        right += (logits.argmax(1) == truth).sum()
    count = sum(len(batch) for batch in batches)
    return loss_sum.item() / count, right.item() / count


def _logits(module: nn.Module, inputs: Inputs, rows: Tensor, config: TrainConfig) -> Tensor:
    """(N, K) float32 of `rows`, in evaluation mode, nothing augmented."""
    module.eval()
    with torch.inference_mode(), _precision(config, rows.device):
        return torch.cat([module(inputs(part, None)).float() for part in rows.split(64)])


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
