from pathlib import Path

import pytest

from modelzoo.backbones.table import BACKBONES
from modelzoo.demo import list_demo_runs


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No weights but those of Lite0 in a folder, whatever this machine has."""
    monkeypatch.setenv("BLASTLENS_WEIGHTS", str(tmp_path))
    monkeypatch.setattr("modelzoo.backbones.weights._in_package", lambda row: None)
    monkeypatch.setattr("modelzoo.backbones.weights._in_hub_cache", lambda row: None)
    (tmp_path / "tf_efficientnet_lite0.safetensors").touch()
    return tmp_path


def test_the_demo_trains_every_backbone_with_the_weights_at_hand_and_says_which(
    bare_machine: Path,
) -> None:
    configs = list_demo_runs(bare_machine / "smears")

    assert {config.backbone for config in configs.values()} == set(BACKBONES)
    assert configs["demo-tf_efficientnet_lite0"].weights == "imagenet"
    assert configs["demo-vgg16-random-start"].weights == "none"
    assert next(iter(configs)) == "demo-tf_efficientnet_lite0"
    assert list(configs)[-1] == "demo-vgg19-random-start"


def test_all_runs_of_the_demo_are_tested_on_one_split(bare_machine: Path) -> None:
    configs = list_demo_runs(bare_machine / "smears").values()

    assert len({(config.split, config.seed, config.px, config.data) for config in configs}) == 1
