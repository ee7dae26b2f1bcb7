"""Run folders and predictions as a training leaves them, made without one. For tests."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from modelzoo.backbones.weights import WeightsRecord
from modelzoo.config.train_config import TrainConfig
from modelzoo.datasets.splits import Part, Split, SplitRow
from modelzoo.datasets.synthetic.smears import write_smears
from modelzoo.runs.file_names import ENVIRONMENT, WEIGHTS
from modelzoo.runs.folder import Run, create_run
from modelzoo.runs.history import append_history
from modelzoo.runs.predictions import Predictions, write_predictions
from modelzoo.runs.records import Environment, write_record, write_split
from modelzoo.runs.status import State, Status, write_status

CLASSES = ("Benign", "Early", "Pre", "Pro")
PARTS: tuple[Part, ...] = ("test", "train", "validation", "test", "train")  # by group, in turns


def predictions_of(
    labels: npt.ArrayLike, logits: npt.ArrayLike, *, classes: tuple[str, ...] = CLASSES
) -> Predictions:
    """Predictions of the test part with these logits, on images named by their place."""
    rows = np.asarray(logits, np.float32)
    odds = np.exp(rows - rows.max(1, keepdims=True)) if len(rows) else rows
    return Predictions(
        tuple(f"{index:04d}.jpg" for index in range(len(rows))),
        ("test",) * len(rows),
        np.asarray(labels, np.int64),
        classes,
        rows,
        odds / odds.sum(1, keepdims=True) if len(rows) else odds,
    )


def guess(
    generator: np.random.Generator, *, images: int = 100, skill: float = 2.0, classes: int = 4
) -> Predictions:
    """Predictions whose true class is `skill` logits ahead of standard normal noise."""
    labels = np.arange(images) % classes
    logits = generator.normal(size=(images, classes))
    logits[np.arange(images), labels] += skill
    return predictions_of(labels, logits, classes=CLASSES[:classes])


def write_images(folder: Path, *, images_per_class: int = 10) -> list[str]:
    """Write synthetic smears into `folder`; their ids, the classes in turns as in `make_run`."""
    write_smears(folder, images_per_class=images_per_class, px=64)
    by_class = [sorted((folder / name).glob("*.jpg")) for name in CLASSES]
    return [
        f"{file.parent.name}/{file.name}" for files in zip(*by_class, strict=True) for file in files
    ]


def make_run(
    folder: Path,
    name: str,
    *,
    skill: float = 2.0,
    images: int = 120,
    images_per_group: int = 2,
    image_ids: Sequence[str] = (),
    state: State = "done",
    error: str = "",
    starts_at_random: bool = False,
    **config: Any,
) -> Run:
    """Write the run folder `folder / name`; only a run that is done has predictions.

    Images are called after their place, or as `image_ids` says; their classes take turns.
    """
    run = create_run(folder, name, TrainConfig(**({"data": "smears"} | config)))
    image_ids = image_ids or [f"{index:04d}.jpg" for index in range(images)]
    images = len(image_ids)
    groups = [index // (len(CLASSES) * images_per_group) for index in range(images)]
    split = Split(
        tuple(
            SplitRow(
                image_id,
                CLASSES[index % len(CLASSES)],
                f"{run.config.split}{group}-{index % len(CLASSES)}",
                PARTS[(group + run.config.seed) % len(PARTS)],
            )
            for index, (image_id, group) in enumerate(zip(image_ids, groups, strict=True))
        )
    )
    write_split(run.path, split)
    for epoch in range(1, 6):
        append_history(
            run.path,
            {
                "epoch": epoch,
                "train_loss": 1 / epoch,
                "train_accuracy": 1 - 0.5 / epoch,
                "validation_loss": 1.1 / epoch if epoch < 4 else 0.5,
                "validation_accuracy": 1 - 0.6 / epoch if epoch < 4 else 0.7,
            },
        )
    write_status(run.path, Status(state=state, error=error, epoch=5, epochs=5))
    if state != "done":
        return run
    _write_guesses(run, split, skill)
    weights = WeightsRecord(kind="none" if starts_at_random else "imagenet")
    write_record(run.path, WEIGHTS, weights)
    write_record(run.path, ENVIRONMENT, _environment(run.config.seed))
    return run


def _write_guesses(run: Run, split: Split, skill: float) -> None:
    guessed = guess(np.random.default_rng(7), images=len(split.rows), skill=skill)
    write_predictions(
        run.path,
        Predictions(
            tuple(row.image for row in split.rows),
            tuple(row.part for row in split.rows),
            guessed.labels,
            guessed.classes,
            guessed.logits,
            guessed.probabilities,
        ),
    )


def _environment(seed: int) -> Environment:
    return Environment(
        versions={"torch": "2.11.0"},
        device="cpu",
        cores=2,
        seed=seed,
        git="",
        dataset_id="abc123",
        parameters=3_376_132,
        ms_per_image=12.5,
        seconds={"features": 20.0, "training": 10.0},
        memory_bytes=10**9,
    )
