"""A learning rate by a range test: the rate rises from step to step until the loss diverges.

Smith 2017 (arXiv:1506.01186, section 3.3), as `lr_find` of fastai/callback/schedule.py does it:
rates rise geometrically from 1e-7 to 10 in 100 steps, losses are smoothed by an exponential mean,
and the test ends where the smoothed loss is four times its lowest. One departure: the first ten
losses, of which fastai looks at none, end no test, since one small batch that is easy would.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from modelzoo.errors import UserError
from modelzoo.parallel import Progress
from modelzoo.runs.folder import Run
from modelzoo.runs.rate_search import RateSearch, write_search
from modelzoo.runs.status import Status
from modelzoo.training.job import Job, do_in_run
from modelzoo.training.run import Task, load_backbone, open_data, open_task
from modelzoo.training.sampling import draw_batches
from modelzoo.training.step import Training, prepare_training, train_batch

LOWEST, HIGHEST, STEPS = 1e-7, 10.0, 100
BETA = 0.98  # of the exponential mean
DIVERGED = 4.0  # times the lowest smoothed loss
SKIPPED_FIRST, SKIPPED_LAST = STEPS // 10, 5  # of the losses that are looked at
FEWEST = 6  # losses that fall one after another, or there is no descent


def find_rate(
    run: Run,
    *,
    store: Path,
    weights_folder: Path | None,
    device: str = "auto",
    on_progress: Callable[[Status], None] | None = None,
) -> Status:
    """Search a learning rate for the config of `run`, and leave what was found in its folder.

    Nothing is trained that stays: the folder is no run, and never gets a network.

    Args:
        run: With its config; its learning rate and its schedule are not used.
        store: Folder of results that can be made again.
        weights_folder: Local ImageNet weights, or None.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        on_progress: Called with every change of the status.

    Returns:
        The last status: `done` or `stopped`.

    Raises:
        UserError: It cannot be trained, or no rate can be suggested; the status says the same.
    """
    return do_in_run(
        run,
        lambda job: _search(job, weights_folder),
        store=store,
        device=device,
        on_progress=on_progress,
    )


def _search(job: Job, weights_folder: Path | None) -> None:
    dataset, split, pixels = open_data(job)
    backbone, weights = load_backbone(job, dataset, weights_folder)
    task = open_task(job, backbone, weights, dataset, split, pixels)
    training = _prepare(job, task)
    tried = try_rates(training, job.on_progress("trying learning rates"))
    write_search(job.run.path, suggest(tried))


def _prepare(job: Job, task: Task) -> Training:
    # A schedule would change the rate between two steps.
    config = replace(job.run.config, schedule="none")
    return prepare_training(
        config,
        task.module,
        task.inputs,
        task.labels,
        task.rows,
        head=task.head,
        precision=job.precision.training,
    )


@dataclass(frozen=True, slots=True)
class Tried:
    """Rates, and the loss of the batch at each."""

    rates: list[float]
    losses: list[float]
    smoothed: list[float]


def try_rates(training: Training, on_progress: Progress) -> Tried:
    """Train a batch at each rate, from the lowest on, until the loss diverges.

    Args:
        training: Before its first step; its weights are changed.
        on_progress: Called before each step.

    Returns:
        What was tried; a loss that is no number ends it and is left out.
    """
    config, groups = training.config, training.optimizer.param_groups
    shares = [group["lr"] / config.learning_rate for group in groups]  # of a body with its own rate
    labels, rows = training.labels, training.rows["train"]
    training.module.train()
    tried, mean, lowest = Tried([], [], []), 0.0, math.inf
    batches: list[Tensor] = []
    for step in range(STEPS):
        on_progress(step, STEPS)
        batches = batches or list(draw_batches(labels[rows].cpu(), config, training.generator))
        rate = LOWEST * (HIGHEST / LOWEST) ** (step / (STEPS - 1))
        for group, share in zip(groups, shares, strict=True):
            group["lr"] = rate * share
        loss = train_batch(training, rows[batches.pop(0)]).loss.item()
        if not math.isfinite(loss):
            break
        mean = BETA * mean + (1 - BETA) * loss
        smoothed = mean / (1 - BETA ** (step + 1))
        tried.rates.append(rate)
        tried.losses.append(loss)
        tried.smoothed.append(smoothed)
        if step >= SKIPPED_FIRST:
            lowest = min(lowest, smoothed)
        if smoothed > DIVERGED * lowest:
            break
    return tried


def suggest(tried: Tried) -> RateSearch:
    """The rate in the steep part of the longest descent of the smoothed loss (fastai's `valley`).

    Raises:
        UserError: The loss diverges at once, or falls at no rate.
    """
    end = len(tried.rates) - SKIPPED_LAST
    rates, losses = tried.rates[SKIPPED_FIRST:end], tried.smoothed[SKIPPED_FIRST:end]
    if len(rates) < FEWEST:
        reached = f" ({tried.rates[-1]:.2g})" if tried.rates else ""
        raise UserError(
            f"The loss diverges almost at the lowest learning rate{reached}, so none can be "
            "suggested; look at the images, or take precision float32 or other initial weights."
        )
    index, length = find_valley(losses)
    if length < FEWEST:
        raise UserError(
            "The loss falls at no learning rate, so none can be suggested; look at the labels, or "
            "take larger batches."
        )
    suggestion = float(f"{rates[index]:.2g}")
    lowest = min(range(len(losses)), key=losses.__getitem__)
    return RateSearch(
        rates=tried.rates,
        losses=tried.losses,
        smoothed=tried.smoothed,
        suggested_at=rates[index],
        suggestion=suggestion,
        reason=(
            f"{suggestion:g} is suggested: it lies in the steep middle of the longest descent of "
            f"the loss, which is lowest at {rates[lowest]:.2g}, shortly before it diverges."
        ),
    )


def find_valley(losses: Sequence[float]) -> tuple[int, int]:
    """Where `valley` of fastai finds the steep part of the longest descent.

    The descent is the longest strictly falling subsequence; the place is half its length after its
    last loss less its length (a third, and half a third).

    Returns:
        Index into `losses`, and how many of them fall one after another.
    """
    lengths: list[int] = []  # of the longest descent that ends here
    for here, loss in enumerate(losses):
        before = (lengths[k] for k in range(here) if loss < losses[k])
        lengths.append(1 + max(before, default=0))
    length = max(lengths)
    end = lengths.index(length)
    third = length / 3
    return end - length + int(third) + int(third / 2), length
