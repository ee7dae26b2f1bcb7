"""What is checked before a run is made, each on images that fail in that one way."""

import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modelzoo.datasets.preparing import prepare
from modelzoo.errors import UserError
from modelzoo.launching.checks import check_at_once, check_planned
from modelzoo.launching.plan import plan_runs

COUNTS = {"a": 20, "b": 20}


def check(tmp_path: Path, counts: dict[str, int], **options: Any) -> tuple[str, ...]:
    """What is said of runs on a folder with so many images of noise in each subfolder."""
    generator = np.random.default_rng(0)
    root, runs, store = (tmp_path / name for name in ("data", "runs", "store"))
    for name, number in counts.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        for n in range(number):
            pixels = generator.integers(0, 256, (130, 130, 3), np.uint8)
            Image.fromarray(pixels).save(root / name / f"{name[-1]}{n}.png")
    planned = plan_runs(
        folder=runs,
        recipe="quick",
        data=str(root),
        backbones=["tf_efficientnet_lite0"],
        weights="none",
        **options,
    )
    check_at_once(planned, runs=runs, weights=None)
    prepared = prepare(root, store=store)
    notes = check_planned(planned, prepared, runs=runs, store=store)
    assert not runs.exists()
    return notes


def test_sound_images_pass_without_a_word(tmp_path: Path) -> None:
    assert check(tmp_path, COUNTS) == ()


@pytest.mark.parametrize(
    ("counts", "options", "sentence"),
    [
        (COUNTS, {"split": "given"}, "says nothing about parts"),
        ({"a": 40}, {}, "only one class"),
        ({"a": 3, "b": 4}, {}, "too few to train on"),
        ({"train/a": 20, "train/b": 20}, {"split": "given"}, "no image the part test"),
        (
            {"train/a": 20, "test/a": 5, "test/b": 20},
            {"split": "given", "balance": "weights"},
            "b has no training images",
        ),
        (COUNTS, {"schedule": "one-cycle", "epochs": 3}, "one-cycle needs at least 8 batches"),
    ],
)
def test_what_cannot_be_trained_is_said(
    tmp_path: Path, counts: dict[str, int], options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        check(tmp_path, counts, **options)


def test_a_cycle_that_patience_may_cut_is_said(tmp_path: Path) -> None:
    options = {"schedule": "one-cycle", "epochs": 20, "batch_size": 8}

    (note,) = check(tmp_path, COUNTS, patience=19, **options)
    assert "spans 20 epochs, and a patience of 19 may stop the training" in note
    assert check(tmp_path, COUNTS, patience=20, **options) == ()


def test_a_class_without_training_or_test_images_is_said(tmp_path: Path) -> None:
    counts = {"train/a": 20, "train/c": 20, "test/a": 5, "test/b": 20}
    notes = check(tmp_path, counts, split="given")
    assert "b has no training images." in notes
    assert "c has no test images." in notes


def test_of_many_classes_that_are_too_small_three_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError) as refused:
        check(tmp_path, {f"c{k:02}": 1 + (k < 20) for k in range(40)})

    assert str(refused.value).endswith(
        "holds 60 images (c20 1, c21 1, c22 1 and 37 more), too few to train on; give at least 30, "
        "and 5 of each class."
    )


def test_given_parts_that_the_split_does_not_use_are_said(tmp_path: Path) -> None:
    counts = {"train/a": 10, "train/b": 10, "test/a": 5, "test/b": 5}
    (note,) = check(tmp_path, counts, split="grouped")
    assert note.startswith("The data set gives parts (training and test), and the split grouped")


def test_images_that_are_enlarged_are_counted(tmp_path: Path) -> None:
    (note,) = check(tmp_path, COUNTS, input_px=160)
    assert note == "40 images smaller than 160 px, the smallest of 130 px, are enlarged to that."


def test_missing_weights_are_said(tmp_path: Path) -> None:
    planned = plan_runs(
        folder=tmp_path, recipe="quick", data=str(tmp_path), backbones=["resnet152"]
    )
    with pytest.raises(UserError, match="ResNet152"):
        check_at_once(planned, runs=tmp_path, weights=tmp_path)


def test_a_disk_without_room_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(10**9, 10**9 - 10**6, 10**6))
    with pytest.raises(UserError, match=r"About 2\.0 MB will be written to .*1\.0 MB are free"):
        check(tmp_path, COUNTS)


PARTS = {"train/a": 20, "train/b": 20, "test/a": 5, "test/b": 5}


def test_parts_that_a_split_does_not_use_are_said(tmp_path: Path) -> None:
    (note,) = check(tmp_path, PARTS, split="grouped")

    assert note == (
        "The data set gives parts (training and test), and the split grouped does not use them: "
        "scores cannot be compared with those on the given test images."
    )


def test_copies_across_given_parts_are_said_before_a_run_on_them(tmp_path: Path) -> None:
    (tmp_path / "data/train/a").mkdir(parents=True)
    (tmp_path / "data/test/a").mkdir(parents=True)
    pixels = np.random.default_rng(1).integers(0, 256, (130, 130, 3), np.uint8)
    for path in ("train/a/one.png", "test/a/other.png"):
        Image.fromarray(pixels).save(tmp_path / "data" / path)

    notes = check(tmp_path, PARTS, split="given")

    assert any(note.startswith("1 of the 11 given test images is a copy") for note in notes)
