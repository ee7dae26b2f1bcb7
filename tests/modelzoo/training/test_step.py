"""Steps whose batch does not fit into memory, which `inputs` says in the place of a GPU."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from modelzoo.backbones.backbone import Backbone
from modelzoo.config.train_config import TrainConfig
from modelzoo.datasets.splits import Part
from modelzoo.errors import UserError
from modelzoo.evaluation.rows import read_row
from modelzoo.runs.folder import Run, create_run
from modelzoo.runs.records import read_environment
from modelzoo.runs.status import Status
from modelzoo.training.heartbeat import Heartbeat, StopRequestedError
from modelzoo.training.loop import fit
from modelzoo.training.step import Inputs
from tests.modelzoo.training.small import make_run, start

LABELS = torch.arange(40) % 3 // 2  # of two classes, one twice as often
POINTS = torch.randn(40, 6, generator=torch.Generator().manual_seed(0)) + F.one_hot(LABELS, 6)
ROWS: dict[Part, Tensor] = {
    "train": torch.arange(27),  # batches of 8, 8, 8 and 3
    "validation": torch.arange(27, 34),
    "test": torch.arange(34, 40),
}
NOTE = (
    "Memory ran out with batches of 8 images, so each is computed in two halves whose gradients "
    "are added up; batch norms see the halves."
)


class Memory:
    """`inputs` that fit in batches of `most` images."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.sizes: list[int] = []  # of the training batches asked for
        self.states: list[Tensor] = []  # of the generator when they were

    def __call__(self, rows: Tensor, generator: torch.Generator | None) -> Tensor:
        if generator is not None:
            self.sizes.append(len(rows))
            self.states.append(generator.get_state())
            torch.rand(len(rows), generator=generator)  # an augmentation, drawn before it fails
            if len(rows) > self.most:
                raise torch.OutOfMemoryError("CUDA out of memory.")
        return POINTS[rows].double()


def make(folder: Path, name: str, **options: Any) -> Run:
    values = {"epochs": 3, "batch_size": 8, "learning_rate": 0.01, "label_smoothing": 0.1}
    return create_run(folder, name, TrainConfig(**(values | options)))


def train(
    run: Run, inputs: Inputs, watch: Callable[[Status], None] | None = None
) -> tuple[dict[str, Tensor], list[str]]:
    torch.manual_seed(1)
    module = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 2)).double()
    with Heartbeat(run.path, epochs=run.config.epochs, on_progress=watch) as heartbeat:
        notes = fit(run, module, inputs, LABELS, ROWS, heartbeat)
    return module.state_dict(), notes


@pytest.mark.parametrize("balance", ["none", "weights"])
def test_halves_add_up_to_the_same_training(tmp_path: Path, balance: str) -> None:
    whole, no_notes = train(make(tmp_path, "whole", balance=balance), Memory(8))
    memory = Memory(4)
    halved, notes = train(make(tmp_path, "halved", balance=balance), memory)

    # Losses are float32, as are logits.
    assert all(torch.allclose(halved[name], whole[name], atol=1e-5) for name in whole)
    assert (no_notes, notes) == ([], [NOTE])
    assert memory.sizes[:8] == [8, 4, 4, 4, 4, 4, 4, 3]  # tried once; a batch of 3 fits
    assert torch.equal(memory.states[0], memory.states[1])  # the draws are those of the whole


def test_a_resumed_training_does_not_try_whole_batches_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole, _ = train(make(tmp_path, "whole"), Memory(4))
    run = make(tmp_path, "run")

    def stop_in_the_second_epoch(status: Status) -> None:
        if status.epoch == 1 and status.progress > 0.4:
            raise StopRequestedError

    caplog.clear()
    with pytest.raises(StopRequestedError):
        train(run, Memory(4), stop_in_the_second_epoch)
    memory = Memory(4)
    resumed, notes = train(run, memory)

    assert caplog.messages.count(NOTE) == 1
    assert notes == [NOTE]
    assert max(memory.sizes) == 4
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)


@pytest.mark.parametrize(("most", "batch_size"), [(3, 8), (2, 3)])
def test_what_does_not_fit_in_halves_ends_the_training(
    tmp_path: Path, most: int, batch_size: int
) -> None:
    with pytest.raises(torch.OutOfMemoryError):
        train(make(tmp_path, "run", batch_size=batch_size), Memory(most))


def test_a_run_whose_batches_were_halved_says_so_beside_its_scores(
    tmp_path: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = Backbone.features
    fits = 4

    def features_that_fit(self: Backbone, x: Tensor) -> Tensor:
        if self.training and len(x) > fits:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return features(self, x)

    monkeypatch.setattr(Backbone, "features", features_that_fit)

    run = make_run(tmp_path, images, mode="finetune", epochs=1)
    assert start(run, tmp_path).state == "done"
    assert read_environment(run.path).notes == [NOTE]
    assert NOTE in read_row(run).notes

    fits = 3
    with pytest.raises(UserError, match=r"Memory ran out with batches of 8 images of 64 px; the"):
        start(make_run(tmp_path, images, "again", mode="finetune"), tmp_path)
