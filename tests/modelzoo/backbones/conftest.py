"""A machine without weights but those that a test puts somewhere."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from modelzoo.backbones.backbone import create_backbone
from modelzoo.backbones.table import BACKBONES

LITE0 = "tf_efficientnet_lite0"
Tensors = dict[str, torch.Tensor]


@pytest.fixture
def empty_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No package and empty caches, so that only what a test puts somewhere is found."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    row = replace(BACKBONES[LITE0], package="weights-that-nobody-published")
    monkeypatch.setitem(BACKBONES, LITE0, row)
    return tmp_path


@pytest.fixture(scope="module")
def tensors() -> Tensors:
    """As ImageNet weights would be, but random."""
    return dict(create_backbone(LITE0, 1000, seed=3).network.state_dict())


@pytest.fixture
def folder(empty_machine: Path, tensors: Tensors) -> Path:
    folder = empty_machine / "weights"
    folder.mkdir()
    save_file(tensors, folder / f"{LITE0}.safetensors")
    return folder
