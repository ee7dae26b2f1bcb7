"""What a training runs on, and what it cost."""

import os
import resource
import subprocess
import sys
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from statistics import fmean
from typing import Literal

import torch

from modelzoo.backbones.backbone import Backbone
from modelzoo.errors import UserError
from modelzoo.runs.records import Environment, PrecisionRecord
from modelzoo.training.devices import find_device

REPEATS = 16  # passes that are timed
_PACKAGES = ("torch", "torchvision", "timm", "numpy", "pillow", "safetensors")


def pick_device(name: str) -> torch.device:
    """The device that `find_device` finds, as torch's own; one answer for every command and page.

    Raises:
        UserError: There is no such device here, or torch cannot use it.
    """
    device = torch.device(find_device(name).name)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UserError(
            f"Device {device} is here, but this build of torch cannot use it; give cpu, or install "
            "a driver that fits."
        )
    return device


def describe_environment(
    backbone: Backbone,
    device: torch.device,
    *,
    px: int,
    seed: int,
    dataset_id: str,
    seconds: dict[str, float],
    features: Literal["", "computed", "cached"],
    precision: PrecisionRecord,
    notes: list[str],
    processes: int,
) -> Environment:
    """The record that a run keeps of its machine and its cost, measured now."""
    return Environment(
        versions={"python": sys.version.split()[0]} | {name: version(name) for name in _PACKAGES},
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        cores=os.cpu_count() or 1,
        seed=seed,
        git=_git_commit(),
        dataset_id=dataset_id,
        parameters=sum(value.numel() for value in backbone.parameters()),
        ms_per_image=_measure_ms_per_image(backbone, device, px),
        seconds=seconds,
        features=features,
        precision=asdict(precision),
        notes=notes,
        processes=processes,
        memory_bytes=_peak_memory(device),
        threads=torch.get_num_threads(),
    )


def _measure_ms_per_image(backbone: Backbone, device: torch.device, px: int) -> float:
    """Milliseconds of one image at a time: the mean of the quickest quarter of `REPEATS`.

    Other work on the machine only ever adds time, and the quickest repeats met least of it.
    """
    image = torch.zeros(1, 3, px, px, device=device).contiguous(memory_format=torch.channels_last)
    backbone.eval()
    times = []
    with torch.inference_mode():
        for _ in range(REPEATS):
            started = time.perf_counter()
            backbone(image).sum().item()  # .item() waits for the device
            times.append(1000 * (time.perf_counter() - started))
    return fmean(sorted(times)[: REPEATS // 4])


def _peak_memory(device: torch.device) -> int:
    """Bytes at the peak, of the GPU or of the process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _git_commit() -> str:
    """Commit of the project, with a + when files differ from it; empty outside a checkout."""
    try:
        answer = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--exclude=*"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip()
