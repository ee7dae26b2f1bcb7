"""What a run records of the machine."""

import pytest
import torch

from modelzoo.backbones.backbone import create_backbone
from modelzoo.training.environment import _measure_ms_per_image


def test_time_per_image_is_that_of_the_quickest_passes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ticks = iter(value for pause in [50.0, 2.0, 1.0, 80.0] * 4 for value in (0.0, pause / 1000))
    monkeypatch.setattr("time.perf_counter", lambda: next(ticks))
    backbone = create_backbone("tf_efficientnet_lite0", 2)

    found = _measure_ms_per_image(backbone, torch.device("cpu"), 64)

    assert found == pytest.approx(1.0)
