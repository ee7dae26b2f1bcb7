"""A forecast is steps times images, and the probe is of the network that was asked for."""

from pathlib import Path

import pytest
import torch
from torch.nn.modules.module import register_module_forward_pre_hook

from modelzoo.backbones.backbone import Backbone
from modelzoo.config.train_config import Mode, TrainConfig
from modelzoo.training.forecast import Cost, forecast_seconds, measure_cost

COST = Cost(step=0.1, forward=0.01, memory=1, batch_size=8, precision="float32")


@pytest.mark.parametrize(
    ("mode", "seconds"),
    [
        ("frozen", 0.01 * 200),
        # 5 epochs of 140 training images, 20 of validation, and a prediction of all.
        ("finetune", 5 * (0.1 * 140 + 0.01 * 20) + 0.01 * 200),
    ],
)
def test_seconds_are_those_of_every_step_and_pass(mode: Mode, seconds: float) -> None:
    config = TrainConfig(data="x", mode=mode, epochs=5, test_share=0.2, validation_share=0.1)

    assert forecast_seconds(config, 200, COST) == pytest.approx(seconds)


def test_a_probe_times_the_network_that_was_asked_for(tmp_path: Path) -> None:
    def cost(**changes: object) -> Cost:
        given = {"backbone": "cnn13", "weights": "none", "mode": "finetune", "batch_size": 4}
        config = TrainConfig(data="x", precision="float32", **(given | changes))  # type: ignore[arg-type]  # plain values
        return measure_cost(config, 2, store=tmp_path, device=torch.device("cpu"))

    shapes = set()
    hook = register_module_forward_pre_hook(
        lambda module, given: shapes.add(given[0].shape[1:]) if type(module) is Backbone else None
    )
    with hook:
        found = cost(input_px=72)

    assert shapes == {(3, 72, 72)}
    assert found.step > 0
    assert found.forward > 0
    assert found.batch_size == 4
    assert found.memory > 10e6  # a process with torch
    assert cost(input_px=64, mode="frozen").step == 0
