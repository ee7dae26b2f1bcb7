"""Which images a run is trained on, what it says of them, and what it refuses when resumed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from modelzoo.config.train_config import TrainConfig
from modelzoo.datasets.splits import SplitKind
from modelzoo.errors import UserError
from modelzoo.evaluation.run_scores import evaluate_run
from modelzoo.runs.folder import Run, create_run
from modelzoo.runs.records import read_data, read_split
from modelzoo.runs.status import Status
from modelzoo.training.heartbeat import StopRequestedError
from modelzoo.training.run import train


def write_noise(file: Path, seed: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file)


def make_run(folder: Path, data: Path, split: SplitKind) -> Run:
    config = TrainConfig(
        data=str(data),
        weights="none",
        input_px=64,
        epochs=1,
        batch_size=8,
        augmentation="none",
        split=split,
    )
    return create_run(folder / "runs", "run", config)


def start(run: Run, folder: Path, on_progress: Callable[[Status], None] | None = None) -> Status:
    store = folder / "store"
    return train(run, store=store, weights_folder=None, device="cpu", on_progress=on_progress)


def stop_before_training(status: Status) -> None:
    if status.phase == "loading weights":
        raise StopRequestedError


def test_copies_between_given_parts_stand_beside_the_scores(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for seed in range(24):
        for part in ("train", "test"):
            write_noise(data / part / "ab"[seed % 2] / f"{seed}.png", seed)
    run = make_run(tmp_path, data, split="given")

    start(run, tmp_path)

    copies = "24 of the 24 given test images are copies of training images or overlap them"
    seen = "24 of the 24 test images share their group with training or validation images"
    notes = evaluate_run(run).notes
    assert any(note.startswith(copies) for note in notes)
    assert any(note.startswith(seen) for note in notes)
    taken = len(read_split(run.path).ids("validation"))
    assert read_data(run.path).notes[-1] == (
        f"The data set gives no validation part: {taken} of the 24 given training images, in whole "
        "groups, are not trained on but used to choose the best epoch."
    )


@pytest.mark.parametrize("changed", [1, 40])
def test_a_run_whose_images_have_changed_is_not_resumed(tmp_path: Path, changed: int) -> None:
    data = tmp_path / "data"
    for seed in range(40):
        write_noise(data / "ab"[seed % 2] / f"{seed:02}.png", seed)
    run = make_run(tmp_path, data, split="random")
    assert start(run, tmp_path, stop_before_training).state == "stopped"
    for seed in range(changed):
        write_noise(data / "ab"[seed % 2] / f"{seed:02}.png", 1000 + seed)

    said = f"^{changed} of the 40 images of .* changed since this run began .*a/00.png.* put back"
    with pytest.raises(UserError, match=said):
        start(run, tmp_path)

    for seed in range(changed):
        write_noise(data / "ab"[seed % 2] / f"{seed:02}.png", seed)
    assert start(run, tmp_path).state == "done"
