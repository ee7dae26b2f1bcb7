"""Optimizers and schedules: their rates, step by step."""

import math
from typing import Any

import pytest
import torch
from torch import nn

from modelzoo.config.train_config import TrainConfig
from modelzoo.training import loop
from modelzoo.training.optim import group_parameters, is_by_batch, make_optimizer, make_schedule
from tests.modelzoo.training.test_loop import make_module


@pytest.mark.parametrize("patience", [1, 2, 5])
def test_the_rate_falls_after_as_many_bad_epochs_as_were_given(patience: int) -> None:
    config = TrainConfig(learning_rate=1.0, plateau_patience=patience, plateau_factor=0.1)
    optimizer = make_optimizer([torch.nn.Parameter(torch.zeros(1))], config)
    schedule = make_schedule(optimizer, config, batches=1)
    assert isinstance(schedule, torch.optim.lr_scheduler.ReduceLROnPlateau)

    rates = []
    for _ in range(1 + patience):  # the first epoch is the best, all others are as good
        rates.append(optimizer.param_groups[0]["lr"])
        schedule.step(0.5)

    assert rates == [1.0] * (1 + patience)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1)


def fastai_cosine(start: float, end: float, share: float) -> float:
    """`SchedCos` of fastai (fastai/callback/schedule.py)."""
    return start + (1 + math.cos(math.pi * (1 - share))) * (end - start) / 2


@pytest.mark.parametrize("name", ["adam", "sgd"])
def test_one_cycle_has_the_shape_of_fastai(name: Any) -> None:
    rate, steps = 0.01, 40
    config = TrainConfig(learning_rate=rate, schedule="one-cycle", epochs=4, optimizer=name)
    optimizer = make_optimizer([nn.Parameter(torch.zeros(1))], config)
    schedule = make_schedule(optimizer, config, batches=10)

    rates, momenta = [], []
    for _ in range(steps):
        group = optimizer.param_groups[0]
        rates.append(group["lr"])
        momenta.append(group["betas"][0] if name == "adam" else group["momentum"])
        optimizer.step()
        schedule.step()

    top = steps // 4 - 1  # PyTorch counts batches, fastai shares: its peak is the tenth batch
    up = [k / top for k in range(top + 1)]
    down = [(k - top) / (steps - 1 - top) for k in range(top + 1, steps)]
    expected = [fastai_cosine(rate / 25, rate, share) for share in up]
    expected += [fastai_cosine(rate, rate / 1e5, share) for share in down]
    assert rates == pytest.approx(expected, rel=1e-9)
    expected = [fastai_cosine(0.95, 0.85, share) for share in up]
    expected += [fastai_cosine(0.85, 0.95, share) for share in down]
    assert momenta == pytest.approx(expected, rel=1e-9)


def test_weights_of_the_body_have_a_rate_of_their_own_in_every_schedule() -> None:
    for name in ("none", "plateau", "cosine", "one-cycle"):
        module = make_module()
        values = {"schedule": name, "learning_rate": 0.01, "body_rate": 0.1}
        config = TrainConfig(**values, epochs=4)  # type: ignore[arg-type]  # of any field
        head = list(module[-1].parameters())
        optimizer = make_optimizer(group_parameters(module, head, config), config)
        schedule = make_schedule(optimizer, config, batches=4)
        in_head, in_body = optimizer.param_groups

        assert in_head["params"] == head
        assert len(in_head["params"]) + len(in_body["params"]) == len(list(module.parameters()))
        for _ in range(15):
            assert in_body["lr"] == pytest.approx(0.1 * in_head["lr"])
            optimizer.step()
            loop._end_epoch(schedule, 1.0)
            if is_by_batch(schedule):
                schedule.step()


def test_a_rate_of_one_and_a_head_alone_need_no_groups() -> None:
    module = make_module()
    head = list(module[-1].parameters())

    whole = group_parameters(module, head, TrainConfig())
    alone = group_parameters(module, list(module.parameters()), TrainConfig(body_rate=0.1))

    assert whole == alone == list(module.parameters())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("adam", torch.optim.Adam),
        ("adamw", torch.optim.AdamW),
        ("adamax", torch.optim.Adamax),
        ("sgd", torch.optim.SGD),
        ("rmsprop", torch.optim.RMSprop),
        ("adadelta", torch.optim.Adadelta),
    ],
)
def test_an_optimizer_is_what_its_name_says(name: Any, expected: type) -> None:
    config = TrainConfig(optimizer=name, learning_rate=0.02, weight_decay=0.1)

    optimizer = make_optimizer([nn.Parameter(torch.zeros(1))], config)

    assert type(optimizer) is expected
    assert optimizer.param_groups[0]["lr"] == 0.02
    assert optimizer.param_groups[0]["weight_decay"] == 0.1
