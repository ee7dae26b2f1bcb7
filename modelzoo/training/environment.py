"""What a training runs on, and what it cost."""

import os
import resource
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median

import torch

from modelzoo.backbones.backbone import Backbone
from modelzoo.errors import UserError
from modelzoo.runs.records import Environment

_PACKAGES = ("torch", "torchvision", "timm", "numpy", "pillow", "safetensors")


def pick_device(name: str) -> torch.device:
    """The device called `name`; "auto" takes a GPU where there is one.

    Raises:
        UserError: There is no such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    here = ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        here.append("mps")
    wanted = "cuda:0" if name == "cuda" else name
    if wanted not in here:
        raise UserError(f"Device {name!r} is not here; give auto or one of {', '.join(here)}.")
    return torch.device(wanted)


def describe_environment(
    backbone: Backbone,
    device: torch.device,
    *,
    px: int,
    seed: int,
    dataset_id: str,
    seconds: dict[str, float],
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
        memory_bytes=_peak_memory(device),
    )


def _measure_ms_per_image(backbone: Backbone, device: torch.device, px: int) -> float:
    """Median milliseconds of one image at a time, after a warm-up."""
    image = torch.zeros(1, 3, px, px, device=device).contiguous(memory_format=torch.channels_last)
    backbone.eval()
    times = []
    with torch.inference_mode():
        for _ in range(8):
            started = time.perf_counter()
            backbone(image).sum().item()  # .item() waits for the device
            times.append(1000 * (time.perf_counter() - started))
    return median(times[3:])


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
