"""Runs that train in seconds."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from modelzoo.config.train_config import TrainConfig
from modelzoo.launching.local import ROOT
from modelzoo.runs.folder import Run, create_run

# A targets.toml with one Ray, to be filled with what `ray_here` gives.
RAY_SETTINGS = """
[ray]
engine = "ray"
address = "{ray.address}"
token_file = "{ray.token_file}"
gpus = 0
cpus = 1
memory_gb = 3
"""


def make_run(home: Path, images: Path, name: str = "run", **options: Any) -> Run:
    """A run of a small network, queued in nobody's name."""
    values: dict[str, Any] = {
        "data": str(images),
        "backbone": "cnn13",
        "weights": "none",
        "mode": "finetune",
        "split": "random",
        "input_px": 64,
        "epochs": 1,
        "batch_size": 8,
        "augmentation": "mild",
        "precision": "float32",
    }
    return create_run(home / "runs", name, TrainConfig(**(values | options)))


def train_here(run: Run, store: Path) -> None:
    """Train it in a process of this machine, to its end, with as many threads as a job here has."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}  # sums depend on it in their last bits
    command = [sys.executable, "-m", "modelzoo", "resume", str(run.path), "--device", "cpu"]
    subprocess.run(
        [*command, "--store", str(store)],
        check=True,
        capture_output=True,
        cwd=ROOT,
        env=environment,
    )
