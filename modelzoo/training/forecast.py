"""How long a training would take, and how much memory: by a few steps on noise, before any run."""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import torch
import torch.nn.functional as F

from modelzoo.backbones.backbone import Backbone, create_backbone
from modelzoo.config.train_config import Dtype, TrainConfig
from modelzoo.training.head import freeze_all_but_norms
from modelzoo.training.optim import make_optimizer
from modelzoo.training.precision import autocast, choose_precision

ROUNDS = 4  # the first warms up


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one network on one device."""

    step: float  # seconds per image of a training step; 0: frozen, and only its head is trained
    forward: float  # seconds per image of a forward pass
    memory: int  # bytes: at the peak on a GPU, else what the process holds
    batch_size: int  # of the steps: half of the config's where a whole batch does not fit
    precision: Dtype  # of steps, or of a frozen network's features


def measure_cost(config: TrainConfig, n_classes: int, *, store: Path, device: torch.device) -> Cost:
    """Time a few steps and passes on noise, of a network with random weights.

    Args:
        config: Of the run; its data is not looked at.
        n_classes: Outputs.
        store: Folder of results that can be made again: the choice of a precision is kept there.
        device: Where it would be trained.

    Raises:
        UserError: The network's package is not installed.
        torch.OutOfMemoryError: Half a batch does not fit into the GPU's memory, either.
    """
    backbone = create_backbone(config.backbone, n_classes, head=config.head).to(device)
    backbone.to(memory_format=torch.channels_last)
    if config.mode == "norms":
        freeze_all_but_norms(backbone)
    settled = choose_precision(config, backbone, store=store, device=device)
    precision = settled.features if config.mode == "frozen" else settled.training
    try:
        return _measure(backbone, config, device, precision, config.batch_size)
    except torch.OutOfMemoryError:
        gc.collect()
        torch.cuda.empty_cache()
        return _measure(backbone, config, device, precision, max(config.batch_size // 2, 1))


def _measure(
    backbone: Backbone, config: TrainConfig, device: torch.device, precision: Dtype, size: int
) -> Cost:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    images = torch.randn(max(size, 2), 3, config.px, config.px, device=device)
    images = images.contiguous(memory_format=torch.channels_last)
    labels = torch.zeros(len(images), dtype=torch.long, device=device)
    trained = [each for each in backbone.parameters() if each.requires_grad]
    optimizer = make_optimizer(trained, config)

    def step() -> None:
        with autocast(device, precision):
            logits = backbone(images).float()
        F.cross_entropy(logits, labels).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    def forward() -> None:
        with torch.inference_mode(), autocast(device, precision):
            backbone(images)

    seconds = 0.0
    if config.mode != "frozen":
        seconds = _time(step, device) / len(images)
    memory = psutil.Process().memory_info().rss
    if device.type == "cuda":
        memory = torch.cuda.max_memory_allocated(device)
    backbone.eval()
    forward_seconds = _time(forward, device) / len(images)
    return Cost(seconds, forward_seconds, memory, len(images), precision)


def _time(work: Callable[[], None], device: torch.device) -> float:
    """Seconds of the quickest of a few rounds."""
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - started)
    return float(np.min(times[1:]))


def count_images(config: TrainConfig, n_images: int, n_classes: int) -> int:
    """The images of a data set with the copies that the config adds, about."""
    doubled = 2 * n_images if config.split == "leaky-validation" else n_images
    return max(doubled, n_classes * config.copies_per_class)


def forecast_seconds(config: TrainConfig, n_images: int, cost: Cost) -> float:
    """Seconds of a whole run on `n_images` if no epoch is spared, without decoding and loading.

    Frozen: one pass over every image, a head takes seconds. Else every epoch has a step over the
    training images and a pass over those of validation, and all are predicted at the end.
    """
    if config.mode == "frozen":
        return cost.forward * n_images
    train = (1 - config.test_share - config.validation_share) * n_images
    epoch = cost.step * train + cost.forward * config.validation_share * n_images
    return config.epochs * epoch + cost.forward * n_images
