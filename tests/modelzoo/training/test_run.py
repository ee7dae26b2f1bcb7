"""Whole trainings on a few small images, in this process and in ones that are killed."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import timm
import torch
from PIL import Image

from modelzoo.backbones.backbone import Backbone
from modelzoo.backbones.saved import read_backbone
from modelzoo.config.train_config import TrainConfig
from modelzoo.datasets import store as pixel_store
from modelzoo.datasets.dataset import Dataset
from modelzoo.datasets.images import decode_image
from modelzoo.errors import UserError
from modelzoo.evaluation.temperature import fit_run
from modelzoo.inference.neighbours import ood_percentile
from modelzoo.inference.trained import load_run, predict
from modelzoo.launching import local
from modelzoo.runs.file_names import LOG, PREDICTIONS, STATUS
from modelzoo.runs.folder import Run
from modelzoo.runs.history import read_history
from modelzoo.runs.ood import read_ood
from modelzoo.runs.predictions import read_predictions
from modelzoo.runs.records import (
    read_data,
    read_environment,
    read_split,
    read_temperature,
    read_weights,
)
from modelzoo.runs.status import Status, read_status
from modelzoo.training.heartbeat import StopRequestedError
from modelzoo.training.run import train
from tests.modelzoo.training.small import make_run, start


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, images: Path) -> Run:
    """A frozen run of three epochs that is done; to be copied before it is changed."""
    folder = tmp_path_factory.mktemp("trained")
    run = make_run(folder, images)
    start(run, folder)
    return run


def test_a_frozen_run_leaves_all_that_is_promised(tmp_path: Path, images: Path) -> None:
    run = make_run(tmp_path, images, epochs=40, learning_rate=0.01)

    assert start(run, tmp_path).state == "done"

    left = {file.name for file in run.path.iterdir() if not file.name.startswith(".")}
    assert left == {
        "config.toml", "status.json", "history.csv", "split.csv", "data.json", "images.csv",
        "predictions.parquet", "model.safetensors", "config.json", "neighbours.safetensors",
        "weights.json", "environment.json", "temperature.json", "ood.csv", "log.txt",
    }  # fmt: skip
    assert read_weights(run.path).kind == "none"
    predictions = read_predictions(run.path)
    assert len(predictions.images) == 48
    temperature = read_temperature(run.path)
    assert temperature == fit_run(predictions, run.id)
    assert set(predictions.parts) == {"train", "validation", "test"}
    assert (predictions.logits.argmax(1) == predictions.labels).mean() > 0.8
    np.testing.assert_allclose(predictions.probabilities.sum(1), 1, atol=1e-5)


def test_predictions_are_those_of_the_network_that_was_saved(tmp_path: Path, images: Path) -> None:
    run = make_run(tmp_path, images, mode="finetune", epochs=1)
    start(run, tmp_path)

    predictions = read_predictions(run.path)
    pixels = np.stack([np.array(Image.open(images / name)) for name in predictions.images])
    answers = predict(load_run(run.path), pixels)
    np.testing.assert_allclose(answers.logits, predictions.logits, atol=1e-3)
    kept = read_ood(run.path)
    assert kept
    assert set(kept) == {row.image for row in read_split(run.path).rows if row.part != "train"}
    seen = dict(zip(predictions.images, answers.ood_percentile.tolist(), strict=True))
    assert kept == pytest.approx({image: seen[image] for image in kept}, abs=3)

    theirs = timm.create_model(f"local-dir:{run.path}", pretrained=True).eval()
    backbone, _, _ = read_backbone(run.path)
    with torch.inference_mode():
        logits = theirs(backbone.normalise(torch.from_numpy(pixels)))
    np.testing.assert_allclose(logits.numpy(), predictions.logits, atol=1e-3)


def test_a_second_head_runs_no_backbone_and_a_second_backbone_decodes_no_image(
    tmp_path: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = {"forward": 0, "decode": 0}

    def count(kind: str, original: Any) -> Any:
        def counting(*args: Any, **kwargs: Any) -> Any:
            counts[kind] += 1
            return original(*args, **kwargs)

        return counting

    monkeypatch.setattr(Backbone, "embed", count("forward", Backbone.embed))
    monkeypatch.setattr(pixel_store, "decode_image", count("decode", decode_image))

    start(make_run(tmp_path, images, "first"), tmp_path)
    assert counts["forward"] > 0
    assert counts["decode"] == 2 * 48  # at 224 px to find what overlaps, and at the input's size

    counts.update(forward=0, decode=0)
    start(make_run(tmp_path, images, "second", seed=0, learning_rate=0.1), tmp_path)
    assert counts == {"forward": 0, "decode": 0}
    features = [read_environment(tmp_path / "runs" / name).features for name in ("first", "second")]
    assert features == ["computed", "cached"]

    start(make_run(tmp_path, images, "third", backbone="efficientnet_b0", epochs=1), tmp_path)
    assert counts["forward"] > 0
    assert counts["decode"] == 0


def test_masked_images_get_no_wilder_logits_than_whole_ones(
    tmp_path: Path, pbs: Dataset, pbs_store: Path, real_weights: Path
) -> None:
    run = make_run(
        tmp_path, pbs.root, weights="imagenet", split="grouped", input_px=128,
        epochs=120, batch_size=64, weight_decay=0.01, schedule="cosine", patience=30,
    )  # fmt: skip
    train(run, store=pbs_store, weights_folder=real_weights, device="cpu")
    trained = load_run(run.path)
    names = read_split(run.path).ids("test")[::5]
    files = [Path(run.config.data) / name for name in names]
    whole = np.stack(
        [np.array(Image.open(file).convert("RGB").resize((128, 128))) for file in files]
    )
    masked = whole.copy()
    masked[:, 16:112, 16:112] = whole.mean(axis=(1, 2), keepdims=True).astype(np.uint8)

    logits, masked_logits = (predict(trained, pixels).logits for pixels in (whole, masked))

    assert masked_logits.std() < 1.5 * logits.std()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"data": "nowhere"}, "nowhere"),
        ({"weights": "imagenet", "backbone": "vgg16"}, "No ImageNet weights of VGG16"),
    ],
)
def test_what_cannot_be_trained_ends_in_a_sentence_that_the_status_has_too(
    tmp_path: Path, images: Path, options: dict[str, Any], sentence: str
) -> None:
    run = make_run(tmp_path, images, **options)

    with pytest.raises(UserError, match=sentence) as caught:
        start(run, tmp_path)

    status = read_status(run.path, now=time.time())
    assert (status.state, status.error) == ("failed", str(caught.value))


def test_a_device_that_is_not_here_is_a_sentence(tmp_path: Path, images: Path) -> None:
    run = make_run(tmp_path, images)

    with pytest.raises(UserError, match="Device 'cuda:99' is not here; give auto or one of cpu"):
        train(run, store=tmp_path, weights_folder=None, device="cuda:99")


@pytest.mark.parametrize(
    "spoil",
    [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("../../elsewhere")],
    ids=["folder", "pipe", "link"],
)
def test_a_log_that_is_no_file_is_a_sentence_and_nothing_is_written_elsewhere(
    tmp_path: Path, images: Path, spoil: Callable[[Path], object]
) -> None:
    run = make_run(tmp_path, images)
    spoil(run.path / LOG)

    with pytest.raises(UserError, match=r"log\.txt is no regular file"):
        start(run, tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


# Holds the lock of a run until its input is closed.
HOLDER = """
import sys
from pathlib import Path
from modelzoo.runs.folder import read_run
from modelzoo.runs.lock import hold_run

with hold_run(read_run(Path(sys.argv[1]))):
    print("mine", flush=True)
    sys.stdin.read()
"""


def test_two_processes_do_not_train_one_run(tmp_path: Path, images: Path) -> None:
    run = make_run(tmp_path, images)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(run.path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=local.ROOT,
    ) as other:  # fmt: skip
        assert other.stdout
        assert other.stdout.readline() == b"mine\n"
        with pytest.raises(UserError, match="'run' is being trained by another process"):
            start(run, tmp_path)

    assert start(run, tmp_path).state == "done"


def _in_a_process(run: Run, folder: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "modelzoo", "resume", str(run.path), "--device", "cpu"]
    return subprocess.Popen([*command, "--store", str(folder / "store")], stderr=subprocess.DEVNULL)


def _wait_for_epoch(run: Run, epoch: int, child: "subprocess.Popen[bytes]") -> None:
    """Return when so many epochs are in the history; the process must live until then."""
    while len(read_history(run.path)) < epoch:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(0.05)
        assert child.poll() is None, (run.path / LOG).read_text()


OF_PAPERS = {
    "mode": "norms",
    "backbone": "cnn13",
    "head": "fastai",
    "split": "leaky-augmented",
    "copies_per_class": 30,
    "body_rate": 0.1,
    "head_l2": 0.001,
}


@pytest.mark.parametrize(
    ("number", "options"),
    [(signal.SIGTERM, OF_PAPERS), (signal.SIGKILL, {"mode": "finetune", "optimizer": "adamw"})],
    ids=["stopped, as papers train", "killed"],
)
def test_a_finetuning_that_was_stopped_or_killed_resumes_to_the_same_result(
    tmp_path: Path, images: Path, number: signal.Signals, options: dict[str, Any]
) -> None:
    # So many epochs that it is met while it trains, however late the signal comes.
    options = options | {"epochs": 10_000, "patience": 10_000, "augmentation": "mild"}
    broken = make_run(tmp_path, images, "broken", **options)
    child = _in_a_process(broken, tmp_path)
    _wait_for_epoch(broken, 2, child)

    os.kill(child.pid, number)
    child.wait()

    status = read_status(broken.path, now=time.time())
    assert status.state == ("stopped" if number == signal.SIGTERM else "failed")
    # Now it may end: the number of epochs changes nothing of the epochs before.
    options["epochs"] = len(read_history(broken.path)) + 2
    broken = Run(broken.path, TrainConfig(**asdict(broken.config) | options))
    whole = make_run(tmp_path, images, "whole", **options)
    assert start(broken, tmp_path).state == "done"
    assert start(whole, tmp_path).state == "done"
    first, second = (pd.read_parquet(run.path / PREDICTIONS) for run in (whole, broken))
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_training_images_are_like_themselves_and_others_are_not(trained: Run) -> None:
    loaded = load_run(trained.path)

    own = ood_percentile(loaded.neighbours.embeddings, loaded.neighbours)
    strange = predict(loaded, np.full((1, 64, 64, 3), (255, 0, 0), np.uint8)).ood_percentile

    assert own.max() < 5
    assert strange[0] == 100


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "neighbours.safetensors"])
@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_a_run_with_a_damaged_or_missing_file_is_a_sentence(
    tmp_path: Path, trained: Run, name: str, damage: str
) -> None:
    path = shutil.copytree(trained.path, tmp_path / "run")
    content = (path / name).read_bytes()
    (path / name).unlink()
    if damage == "cut":
        (path / name).write_bytes(content[: len(content) // 2])

    with pytest.raises(UserError, match=r"missing|damaged|no trained model"):
        load_run(path)


def test_environment_says_what_it_cost(trained: Run) -> None:
    environment = read_environment(trained.path)

    assert environment.parameters == 4_652_008 - 1281 * 1000 + 1281 * 2
    assert environment.ms_per_image > 0
    assert environment.threads == torch.get_num_threads()
    assert set(environment.seconds) == {"data", "weights", "features", "training", "results"}
    assert json.loads((trained.path / STATUS).read_text())["state"] == "done"


def test_memory_that_runs_out_is_a_sentence_that_says_what_to_do(
    tmp_path: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def features_too_large(self: Backbone, x: torch.Tensor) -> torch.Tensor:
        return torch.empty(2**50)  # the allocator's own answer to what no machine has

    monkeypatch.setattr(Backbone, "features", features_too_large)

    with pytest.raises(UserError, match="Memory ran out with batches of 8 images of 64 px"):
        start(make_run(tmp_path, images, mode="finetune"), tmp_path)


@pytest.mark.parametrize("vanish", [shutil.rmtree, lambda path: path.rename(path.with_name("b"))])
@pytest.mark.parametrize("phase", ["checking images", "training", "writing results"])
def test_a_run_whose_folder_vanishes_ends_and_leaves_nothing(
    tmp_path: Path, images: Path, vanish: Callable[[Path], object], phase: str
) -> None:
    run = make_run(tmp_path, images, epochs=2)

    def on_progress(status: Status) -> None:
        if status.phase == phase and run.path.exists():
            vanish(run.path)

    with pytest.raises(UserError, match="was deleted or renamed while its run trained"):
        train(
            run,
            store=tmp_path / "store",
            weights_folder=None,
            device="cpu",
            on_progress=on_progress,
        )

    assert not run.path.exists()


def test_parts_that_the_split_does_not_use_are_a_doubt_of_the_run(
    tmp_path: Path, images: Path
) -> None:
    names = sorted(f"{file.parent.name}/{file.name}" for file in images.rglob("*.png"))
    rows = [(name, name.split("/")[0], ("train", "test")[k % 2]) for k, name in enumerate(names)]
    pd.DataFrame(rows, columns=["path", "label", "part"]).to_csv(images / "parts.csv", index=False)
    run = make_run(tmp_path, images / "parts.csv", split="random")

    def on_progress(status: Status) -> None:
        if status.phase == "loading weights":
            raise StopRequestedError

    train(run, store=tmp_path / "store", weights_folder=None, device="cpu", on_progress=on_progress)

    doubts = read_data(run.path).doubts
    assert any(each.startswith("The data set gives parts (training and test)") for each in doubts)


@pytest.mark.parametrize("balance", ["weights", "sampling"])
def test_a_class_without_training_images_cannot_be_balanced(
    tmp_path: Path, images: Path, balance: str
) -> None:
    names = sorted(f"{file.parent.name}/{file.name}" for file in images.rglob("*.png"))
    table = pd.DataFrame(
        {
            "path": [str(images / name) for name in names],
            "label": [name.split("/")[0] for name in names],
            "part": ["test" if name.startswith("right") else "train" for name in names],
        }
    )
    table.loc[table.index[:6], "part"] = "validation"
    table.to_csv(images / f"{balance}.csv", index=False)
    run = make_run(tmp_path, images / f"{balance}.csv", split="given", balance=balance)

    with pytest.raises(UserError, match="right has no training images"):
        start(run, tmp_path)

    assert "right has no training images" in read_status(run.path, now=time.time()).error
