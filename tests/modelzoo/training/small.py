"""Trainings on a few small images."""

from pathlib import Path
from typing import Any

from modelzoo.config.train_config import TrainConfig
from modelzoo.runs.folder import Run, create_run
from modelzoo.runs.status import Status
from modelzoo.training.run import train


def make_run(folder: Path, images: Path, name: str = "run", **options: Any) -> Run:
    values: dict[str, Any] = {
        "data": str(images),
        "weights": "none",
        "split": "random",
        "input_px": 64,
        "epochs": 3,
        "batch_size": 8,
        "learning_rate": 0.003,
        "augmentation": "none",
        "precision": "float32",
    }
    return create_run(folder / "runs", name, TrainConfig(**(values | options)))


def start(run: Run, folder: Path) -> Status:
    return train(run, store=folder / "store", weights_folder=None, device="cpu")
