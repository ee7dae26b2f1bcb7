"""The training loop, to be read from top to bottom. Inputs and labels in, the best epoch out."""

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR, ReduceLROnPlateau

from modelzoo.config.train_config import Dtype, TrainConfig
from modelzoo.datasets.splits import Part
from modelzoo.errors import UserError
from modelzoo.parallel import Progress
from modelzoo.runs.file_names import CHECKPOINT
from modelzoo.runs.folder import Run
from modelzoo.runs.history import append_history, keep_history
from modelzoo.tensors import write_tensors
from modelzoo.training.checkpoint import read_checkpoint, write_checkpoint
from modelzoo.training.distributed import (
    add_up,
    compute_in_turns,
    from_first,
    has_parted_norms,
    seed_dropout,
    share_buffers,
    shared_file,
)
from modelzoo.training.heartbeat import Reports, StopRequestedError
from modelzoo.training.optim import is_by_batch
from modelzoo.training.precision import autocast
from modelzoo.training.sampling import draw_batches
from modelzoo.training.step import Inputs, Training, describe_pieces, prepare_training, train_batch
from modelzoo.training.team import ALONE, Team

log = logging.getLogger(__name__)

BEST = "best.safetensors"  # weights of the best epoch, while a run is not done
CHECKPOINT_SECONDS = 2.0  # heads on frozen features have a hundred epochs in that time


def fit(
    run: Run,
    module: nn.Module,
    inputs: Inputs,
    labels: Tensor,
    rows: dict[Part, Tensor],
    heartbeat: Reports,
    *,
    head: Sequence[nn.Parameter] | None = None,
    precision: Dtype = "float32",
    team: Team = ALONE,
) -> list[str]:
    """Train `module` and leave it with the weights of its best epoch (lowest validation loss).

    Args:
        run: Whose config says how, and whose folder takes history and checkpoint.
        module: Inputs -> logits, on `device`.
        inputs: Gives the inputs of some rows.
        labels: (N,) int64 on `device`.
        rows: Part -> rows of the images.
        heartbeat: Its `report` is called before every batch.
        head: Parameters of the module's head; None: all of them.
        precision: Of forward and backward passes; the weights are float32.
        team: The processes that train it together, all of which call this with the same values;
            only the first writes and is left with the best weights.

    Returns:
        Sentences on what was done otherwise than the config says.

    Raises:
        UserError: The loss is no number any more, float16 overflows whatever the scale of the loss,
            or the checkpoint does not fit.
    """
    config, path = run.config, run.path
    head = list(module.parameters()) if head is None else head
    training = prepare_training(
        config, module, inputs, labels, rows, head=head, precision=precision, team=team
    )
    with shared_file(team, path / CHECKPOINT) as file:
        at = _resume(training, file) if file else _Standing()
    if has_parted_norms(team, module):
        at.parted = max(at.parted, team.size)
    if team.is_first:
        keep_history(path, at.epoch)
    checkpointed = -math.inf  # the first epoch is kept at once
    pace = _Pace(at.epoch, config.epochs, time.perf_counter())

    while at.epoch < config.epochs and at.stalled < config.patience:
        on_progress = _epoch_progress(heartbeat, config, at.epoch, time.perf_counter(), pace)
        row, epoch = _train_and_validate(training, at.epoch, on_progress)
        at.count_epoch(row["validation_loss"], epoch.taken)
        at.pieces = training.pieces
        if epoch.taken:
            _end_epoch(training.schedule, row["validation_loss"])
        is_last = at.epoch == config.epochs or at.stalled >= config.patience
        is_due = time.monotonic() - checkpointed >= CHECKPOINT_SECONDS
        is_kept = is_due or is_last or heartbeat.stop_after_epoch
        if team.is_first:
            _write_epoch(training, at, path, row, is_kept=is_kept)
        if is_kept:
            checkpointed = time.monotonic()
        heartbeat.report("training", 0, 1, epoch=at.epoch)
        if heartbeat.stop_after_epoch:
            raise StopRequestedError
    if precision == "float16" and not at.steps:
        raise _overflow(f"in all {at.epoch} epochs, and no weight has changed")
    if not at.best_epoch:
        raise UserError(
            f"The validation loss was no number in any of {at.epoch} epochs; train a new run with "
            "a smaller learning rate, or with precision float32."
        )
    if team.is_first:
        module.load_state_dict(load_file(path / BEST))
    notes = [describe_pieces(training)] if training.pieces > 1 else []
    return [*notes, describe_parted(at.parted)] if at.parted else notes


def describe_parted(processes: int) -> str:
    """What became of the batch norms where so many processes shared each batch."""
    return (
        f"{processes} processes shared each batch, and batch norms saw each one's images by "
        "themselves; those kept in the network are the first one's statistics."
    )


def _write_epoch(
    training: Training, at: "_Standing", path: Path, row: dict[str, float], *, is_kept: bool
) -> None:
    """Write what an epoch left into the folder of the run."""
    if at.best_epoch == at.epoch:
        write_tensors(path / BEST, training.module.state_dict())
    # The checkpoint last: killed before it, the run does this epoch again and writes the same.
    append_history(path, row)
    if is_kept:
        _keep(training, at, path)
    log.info("%s", ", ".join(f"{name} {value:.4g}" for name, value in row.items()))


def _keep(training: Training, at: "_Standing", path: Path) -> None:
    """Write the checkpoint of the run in folder `path`."""
    progress = asdict(at) | {
        "schedule": training.schedule.state_dict(),
        "scaler": training.scaler.state_dict(),
    }
    write_checkpoint(
        path / CHECKPOINT, training.module, training.optimizer, training.generator, progress
    )


def _resume(training: Training, file: Path) -> "_Standing":
    """Put the checkpoint in `file` into `training`; where it stood.

    Raises:
        UserError: The checkpoint is damaged, or of a cycle of another length.
    """
    schedule = training.schedule
    batches = schedule.total_steps if isinstance(schedule, OneCycleLR) else 0
    saved = read_checkpoint(file, training.module, training.optimizer, training.generator)
    schedule.load_state_dict(saved.pop("schedule"))
    if scaler := saved.pop("scaler", {}):  # empty where nothing is scaled
        training.scaler.load_state_dict(scaler)
    if isinstance(schedule, OneCycleLR) and schedule.total_steps != batches:
        raise UserError(
            f"The one-cycle schedule of this run began with {schedule.total_steps} batches in all, "
            f"and there are {batches} now; put its epochs and batch size back, or train a new run."
        )
    at = _Standing(**saved)
    if training.team.size == 1:  # several have smaller parts, and cannot halve them
        training.pieces = at.pieces
    log.info("resuming after epoch %d", at.epoch)
    return at


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
    steps: int = 0  # that changed weights
    pieces: int = 1  # of each batch
    parted: int = 0  # processes whose batch norms saw their own images only, at most so far

    def count_epoch(self, loss: float, steps: int) -> None:
        """One more epoch, with this validation loss and so many steps."""
        self.steps += steps
        self.epoch += 1
        self.stalled += 1
        if loss < self.best_loss:
            self.best_loss, self.best_epoch, self.stalled = loss, self.epoch, 0


def _train_and_validate(
    training: Training, epochs: int, on_progress: Progress
) -> tuple[dict[str, float], "_Epoch"]:
    """One epoch after `epochs` others: its row of history.csv, and how its batches were trained."""
    started = time.perf_counter()
    seed_dropout(training.team, training.config.seed, epochs)
    epoch = _train_epoch(training, on_progress)
    if training.precision == "float16":
        _check_overflow(training, epoch, epochs)
    _require_finite(epoch.loss, epochs, epoch.rate)
    trained_seconds = time.perf_counter() - started
    loss, accuracy = _validate(training)
    row = {
        "epoch": epochs + 1,
        "train_loss": epoch.loss,
        "train_accuracy": epoch.accuracy,
        "validation_loss": loss,
        "validation_accuracy": accuracy,
        "learning_rate": epoch.rate,
        "images_per_second": len(training.rows["train"]) / trained_seconds,
        "seconds": time.perf_counter() - started,
    }
    return row, epoch


def _require_finite(loss: float, epochs: int, rate: float) -> None:
    """Raise a UserError where the training loss is no number any more."""
    if not math.isfinite(loss):
        raise UserError(
            f"The loss became {loss} in epoch {epochs + 1} at learning rate {rate:g}; epoch "
            f"{epochs} is kept, train again with a smaller learning rate."
        )


def _check_overflow(training: Training, epoch: "_Epoch", epochs: int) -> None:
    """Say how many steps of an epoch in float16 were skipped.

    Raises:
        UserError: All will be: the loss itself is no number, or overflows without being scaled up.
    """
    steps = epoch.taken + epoch.skipped
    if epoch.skipped:
        log.info("%d of %d steps skipped: gradients overflowed in float16", epoch.skipped, steps)
    if (not epoch.taken and not math.isfinite(epoch.loss)) or training.scaler.get_scale() < 1:
        raise _overflow(f"in epoch {epochs + 1}, so epoch {epochs} is kept")


def _overflow(where: str) -> UserError:
    return UserError(
        f"Every step overflows in float16 {where}; train a new run with precision bfloat16 or "
        "float32."
    )


def _validate(training: Training) -> tuple[float, float]:
    """Loss and accuracy over the validation images, the same for all processes."""
    rows = training.rows["validation"]
    logits, truth = _logits(training, rows), training.labels[rows]
    accuracy = (logits.argmax(1) == truth).float().mean().item()
    loss, accuracy = from_first(training.team, F.cross_entropy(logits, truth).item(), accuracy)
    return loss, accuracy


def _train_epoch(training: Training, on_progress: Progress) -> "_Epoch":
    """One pass over the training images."""
    training.module.train()
    labels, rows = training.labels, training.rows["train"]
    batches = draw_batches(labels[rows].cpu(), training.config, training.generator)
    sums = torch.zeros(2, 2, device=labels.device)  # of loss and right, of skipped and taken steps
    images, steps = [0, 0], [0, 0]  # the same
    rate = 0.0
    for done, picked in enumerate(batches):
        on_progress(done, len(batches))
        rate = float(training.optimizer.param_groups[0]["lr"])
        step = train_batch(training, rows[picked.to(rows.device)])
        sums[:, int(step.is_taken)] += torch.stack([step.loss * len(picked), step.right])
        images[step.is_taken] += len(picked)
        steps[step.is_taken] += 1
    sums = add_up(training.team, sums)
    counted = int(steps[True] > 0)
    loss, accuracy = (sums[:, counted] / images[counted]).tolist()
    return _Epoch(loss, accuracy, rate, taken=steps[True], skipped=steps[False])


@dataclass(frozen=True, slots=True)
class _Epoch:
    """How the batches of an epoch were trained."""

    loss: float  # mean over those with a step, or over all where none has
    accuracy: float  # the same
    rate: float  # of the last batch
    taken: int  # steps
    skipped: int  # steps, because gradients overflowed in float16


def _logits(training: Training, rows: Tensor) -> Tensor:
    """(N, K) float32 of `rows`, in evaluation mode, nothing augmented."""
    training.module.eval()
    share_buffers(training.team, training.module)
    with torch.inference_mode(), autocast(rows.device, training.precision):
        return compute_in_turns(
            training.team,
            rows.split(64),
            lambda part: training.module(training.inputs(part, None)).float(),
        )


def _epoch_progress(
    heartbeat: Reports, config: TrainConfig, epoch: int, started: float, pace: "_Pace"
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
