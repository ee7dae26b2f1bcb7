"""Trainings of heads that papers put on a network, frozen, with trained norms, and whole."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from modelzoo.backbones.backbone import create_backbone
from modelzoo.backbones.saved import read_backbone
from modelzoo.config.train_config import Head, Mode
from modelzoo.inference.trained import load_run, predict
from modelzoo.runs.predictions import read_predictions
from modelzoo.runs.records import read_environment
from tests.modelzoo.training.small import make_run, start


@pytest.mark.parametrize(
    ("mode", "head"), [("frozen", "fastai"), ("norms", "dense"), ("finetune", "fastai")]
)
def test_a_run_with_another_head_learns_and_predicts_as_it_was_saved(
    tmp_path: Path, images: Path, mode: Mode, head: Head
) -> None:
    epochs = 20 if mode == "frozen" else 2
    run = make_run(tmp_path, images, mode=mode, head=head, epochs=epochs)

    assert start(run, tmp_path).state == "done"

    predictions = read_predictions(run.path)
    pixels = np.stack([np.array(Image.open(images / name)) for name in predictions.images])
    answers = predict(load_run(run.path), pixels)
    np.testing.assert_allclose(answers.logits, predictions.logits, atol=1e-3)
    assert read_environment(run.path).features == ("computed" if mode == "frozen" else "")
    if mode == "frozen":
        is_train = np.array(predictions.parts) == "train"
        right = predictions.logits.argmax(1) == predictions.labels
        assert right[is_train].mean() > 0.8


def test_norms_leave_the_convolutions_as_they_were(tmp_path: Path, images: Path) -> None:
    run = make_run(tmp_path, images, mode="norms", epochs=1)
    start(run, tmp_path)

    before = dict(create_backbone(run.config.backbone, 2, seed=0).network.named_parameters())
    after = dict(read_backbone(run.path)[0].network.named_parameters())

    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert {name for name in changed if before[name].ndim == 4} == set()
    assert {name.split(".")[0] for name in changed} >= {"bn1", "blocks", "bn2", "classifier"}


def test_heads_on_one_frozen_backbone_share_no_features_that_differ(
    tmp_path: Path, images: Path
) -> None:
    found: list[str] = []
    for head in ("own", "fastai", "dense", "fastai"):
        run = make_run(tmp_path, images, f"run{len(found)}", head=head, epochs=1)
        start(run, tmp_path)
        found.append(read_environment(run.path).features)

    assert found == ["computed", "computed", "computed", "cached"]
