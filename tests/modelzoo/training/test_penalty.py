"""The penalty on the weights of a head, by hand."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from modelzoo.backbones.backbone import create_backbone
from modelzoo.config.train_config import TrainConfig
from modelzoo.datasets.splits import Part
from modelzoo.runs.folder import create_run
from modelzoo.runs.history import read_history
from modelzoo.training.head import StandardisedLinear
from modelzoo.training.heartbeat import Heartbeat
from modelzoo.training.loop import fit
from modelzoo.training.step import head_penalty, prepare_training

LABELS = torch.tensor([0, 1] * 8)
POINTS = torch.randn(16, 3, generator=torch.Generator().manual_seed(0))
ROWS: dict[Part, Tensor] = {"train": torch.arange(8), "validation": torch.arange(8, 16)}


def train(folder: Path, module: nn.Module, **options: Any) -> float:
    """One step of gradient descent; the training loss that the history has."""
    values: dict[str, Any] = {"optimizer": "sgd", "momentum": 0.0, "learning_rate": 0.5}
    run = create_run(folder, "run", TrainConfig(**values, **options))
    with Heartbeat(run.path, epochs=1) as heartbeat:
        fit(run, module, lambda rows, _: POINTS[rows], LABELS, ROWS, heartbeat)
    return float(read_history(run.path)["train_loss"].iloc[0])


def test_the_penalty_is_that_of_keras() -> None:
    matrices = [torch.tensor([[1.0, -2.0], [3.0, 0.0]]), torch.tensor([[-0.5]])]

    penalty = head_penalty(matrices, TrainConfig(head_l1=0.006, head_l2=0.016))

    # keras.regularizers.L1L2: l1 * sum(|w|) + l2 * sum(w^2), for each layer
    assert penalty.item() == pytest.approx(0.006 * 6.5 + 0.016 * 14.25)


def test_a_step_follows_the_gradient_of_loss_and_penalty(tmp_path: Path) -> None:
    module = nn.Linear(3, 2)
    expected = nn.Linear(3, 2)
    expected.load_state_dict(module.state_dict())

    loss = train(tmp_path, module, epochs=1, batch_size=8, head_l1=0.1, head_l2=0.2)

    entropy = F.cross_entropy(expected(POINTS[:8]), LABELS[:8])
    penalty = 0.1 * expected.weight.abs().sum() + 0.2 * (expected.weight**2).sum()
    (entropy + penalty).backward()
    for name, parameter in expected.named_parameters():
        assert parameter.grad is not None
        moved = parameter - 0.5 * parameter.grad
        torch.testing.assert_close(dict(module.named_parameters())[name], moved)
    assert loss == pytest.approx(entropy.item(), rel=1e-6)  # as that of the validation images


def test_only_matrices_of_the_head_are_penalised() -> None:
    config = TrainConfig(head_l2=0.1, batch_size=8)
    backbone = create_backbone("tf_efficientnet_lite0", 2, head="dense")
    matrices = [id(each.weight) for each in backbone.modules() if isinstance(each, nn.Linear)]
    linear = StandardisedLinear.of(POINTS.numpy(), 2)

    def penalised(module: nn.Module, head: list[nn.Parameter], config: TrainConfig) -> list[int]:
        training = prepare_training(
            config, module, lambda rows, _: rows, LABELS, ROWS, head=head, precision="float32"
        )
        return [id(each) for each in training.penalised]

    assert penalised(backbone, backbone.head_parameters(), config) == matrices
    assert penalised(linear, list(linear.parameters()), config) == [id(linear.linear.weight)]
    assert penalised(linear, list(linear.parameters()), TrainConfig()) == []
