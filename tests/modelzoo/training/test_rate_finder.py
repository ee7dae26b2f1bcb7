"""The search for a learning rate: curves with a known answer, a small task, a whole network."""

import math
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from modelzoo.config.train_config import TrainConfig
from modelzoo.datasets.splits import Part
from modelzoo.errors import UserError
from modelzoo.runs.rate_search import read_search
from modelzoo.training.rate_finder import (
    DIVERGED,
    STEPS,
    Tried,
    find_rate,
    find_valley,
    suggest,
    try_rates,
)
from modelzoo.training.step import Training, prepare_training
from tests.modelzoo.training.small import make_run

LABELS = torch.arange(48) % 2
POINTS = torch.randn(48, 4, generator=torch.Generator().manual_seed(0)) + LABELS[:, None]
ROWS: dict[Part, torch.Tensor] = {"train": torch.arange(40), "validation": torch.arange(40, 48)}


def make_training(scale: float = 1.0, **options: Any) -> Training:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    config = TrainConfig(batch_size=8, optimizer="sgd", schedule="none", **options)
    head = list(module[-1].parameters())
    return prepare_training(
        config,
        module,
        lambda rows, _: scale * POINTS[rows],
        LABELS,
        ROWS,
        head=head,
        precision="float32",
    )


def ignore(done: int, total: int) -> None:
    """Progress that nobody sees."""


@given(st.lists(st.integers(0, 9), min_size=6, max_size=11))
def test_a_valley_is_the_longest_descent(losses: list[int]) -> None:
    _, length = find_valley([float(loss) for loss in losses])

    falling = [
        size
        for size in range(1, len(losses) + 1)
        if any(all(a > b for a, b in pairwise(each)) for each in combinations(losses, size))
    ]
    assert length == max(falling)


def test_the_place_in_a_valley_is_that_of_fastai() -> None:
    losses = [12.0] * 4 + [11.0 - k for k in range(8)] + [20.0, 30.0]

    # fastai's lds is 9 at index 11, so max_start is 2, and sections 3: 2 + int(3) + int(1.5)
    assert find_valley(losses) == (6, 9)


def test_rates_rise_geometrically_and_end_where_the_loss_diverges() -> None:
    tried = try_rates(make_training(scale=30), ignore)

    steps = len(tried.rates)
    assert steps < STEPS
    ratio = (10 / 1e-7) ** (1 / 99)
    assert tried.rates == pytest.approx([1e-7 * ratio**k for k in range(steps)])
    mean = 0.0
    for number, loss in enumerate(tried.losses, 1):
        mean = 0.98 * mean + 0.02 * loss
        assert tried.smoothed[number - 1] == pytest.approx(mean / (1 - 0.98**number))
    *before, last = tried.smoothed[10:]
    assert max(before) <= DIVERGED * min(before) < last


def test_a_body_keeps_its_share_of_the_rate() -> None:
    training = make_training(body_rate=0.25)

    tried = try_rates(training, ignore)

    head, body = training.optimizer.param_groups
    assert head["lr"] == pytest.approx(tried.rates[-1])
    assert body["lr"] == pytest.approx(0.25 * tried.rates[-1])


def curve(losses: list[float]) -> Tried:
    return Tried([1e-7 * 1e8 ** (k / 99) for k in range(len(losses))], losses, losses)


def test_the_suggestion_lies_on_the_descent() -> None:
    losses = [1 - 0.8 / (1 + math.exp(60 - k)) + 0.001 * max(0, k - 75) ** 2 for k in range(95)]

    found = suggest(curve(losses))

    steepest = 1e-7 * 1e8 ** (60 / 99)
    assert steepest / 1000 < found.suggestion < 5 * steepest
    assert found.suggestion == pytest.approx(found.suggested_at, rel=0.05)
    assert found.reason.startswith(f"{found.suggestion:g} is suggested: it lies in the steep")


@pytest.mark.parametrize(
    ("losses", "sentence"),
    [
        ([], "diverges almost at the lowest learning rate, so none can be suggested"),
        ([1.0] * 12, r"diverges almost at the lowest learning rate \(7.7e-07\), so none"),
        ([1.0 + 0.01 * k for k in range(80)], "falls at no learning rate, so none"),
    ],
)
def test_where_none_can_be_suggested_a_sentence_says_why(
    losses: list[float], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        suggest(curve(losses))


def test_an_easy_first_batch_ends_no_search() -> None:
    training = make_training()
    easy = iter([1e-9])  # its logits are far apart, and right
    points = 1e6 * (2 * LABELS[:, None] - 1).float() * torch.ones(4)
    module = nn.Linear(4, 2, bias=False)
    module.weight.data = 1e-6 * torch.tensor([[-1.0] * 4, [1.0] * 4]) * 10
    training.module = module
    training.inputs = lambda rows, _: points[rows] if next(easy, None) else POINTS[rows]

    tried = try_rates(training, ignore)

    assert tried.losses[0] < 1e-6 < tried.losses[1]
    assert len(tried.rates) > 50


def test_a_loss_that_is_no_number_is_left_out() -> None:
    assert try_rates(make_training(scale=math.inf), ignore) == Tried([], [], [])


@pytest.mark.parametrize("mode", ["frozen", "finetune"])
def test_a_search_leaves_a_rate_and_no_network(tmp_path: Path, images: Path, mode: str) -> None:
    run = make_run(tmp_path, images, mode=mode, schedule="one-cycle", epochs=30, batch_size=4)

    status = find_rate(run, store=tmp_path / "store", weights_folder=None, device="cpu")

    assert status.state == "done"
    found = read_search(run.path)
    assert found.suggested_at in found.rates
    assert 1e-7 < found.suggestion < 10
    assert not run.has_model
