"""Which images make a batch, and how much each class counts."""

import numpy as np
import pytest
import torch

from modelzoo.config.train_config import TrainConfig, count_batches
from modelzoo.training.sampling import class_weights, draw_batches


@pytest.mark.parametrize("batch_size", [1, 4, 8, 16, 17, 40])
@pytest.mark.parametrize("images", [1, 2, 16, 17, 33])
def test_batches_are_as_many_as_are_counted(images: int, batch_size: int) -> None:
    config = TrainConfig(batch_size=batch_size)

    drawn = draw_batches(torch.zeros(images).long(), config, torch.Generator())

    assert count_batches(images, config) == len(drawn)


def test_every_image_comes_once_an_epoch_and_no_batch_has_a_single_one() -> None:
    batches = draw_batches(torch.zeros(17).long(), TrainConfig(batch_size=8), torch.Generator())

    assert [len(batch) for batch in batches] == [8, 8]
    assert len(set(torch.cat(batches).tolist())) == 16


def test_sampling_draws_every_class_as_often() -> None:
    labels = torch.tensor([0] * 900 + [1] * 100)
    config = TrainConfig(balance="sampling")

    drawn = labels[torch.cat(draw_batches(labels, config, torch.Generator().manual_seed(0)))]

    assert drawn.float().mean().item() == pytest.approx(0.5, abs=0.06)


def test_class_weights_are_those_of_scikit_learn() -> None:
    from sklearn.utils.class_weight import compute_class_weight

    labels = torch.tensor([0, 0, 0, 0, 0, 1, 2, 2])
    weights = class_weights(labels, TrainConfig(balance="weights"))

    assert weights is not None
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels.numpy())
    assert weights.tolist() == pytest.approx(expected.tolist())
