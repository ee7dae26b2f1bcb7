"""Small trainings that one process or several go through alike.

`torchrun --nproc-per-node 2 -m tests.modelzoo.training.together FOLDER` does so by two and leaves
the weights that each process ended with in FOLDER.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from modelzoo.config.train_config import TrainConfig
from modelzoo.datasets.splits import Part
from modelzoo.runs.folder import Run, create_run, read_run
from modelzoo.training.distributed import meet, together
from modelzoo.training.heartbeat import Reports, StopRequestedError
from modelzoo.training.loop import fit
from modelzoo.training.team import ALONE, Team, read_team

LABELS = torch.arange(90) % 7 % 3  # the last class is rarer
POINTS = torch.randn(90, 6, generator=torch.Generator().manual_seed(0)) + F.one_hot(LABELS, 6)
ROWS: dict[Part, Tensor] = {
    "train": torch.arange(60),
    "validation": torch.arange(60, 75),
    "test": torch.arange(75, 90),
}


class EvalNorm(nn.BatchNorm1d):
    """A batch norm whose statistics stay."""

    def train(self, mode: bool = True) -> "EvalNorm":
        return super().train(False)


def plain() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))


def normed() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 8), EvalNorm(8), nn.ReLU(), nn.Linear(8, 3))


def noisy() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 3))


# Batches of 9 are parted into 4 and 5; the last of 60 images has 6. Of 19 it has 3, which is too
# few to be parted.
CASES: dict[str, tuple[Callable[[], nn.Module], dict[str, Any]]] = {
    "weighted": (
        plain,
        {"balance": "weights", "label_smoothing": 0.1, "batch_size": 9, "head_l1": 0.01,
         "head_l2": 0.02, "optimizer": "sgd"},
    ),
    "sampled": (plain, {"balance": "sampling", "batch_size": 19, "schedule": "plateau"}),
    "cycle": (normed, {"optimizer": "adamw", "schedule": "one-cycle", "body_rate": 0.1}),
    "resumed-by-two": (plain, {"batch_size": 9}),
    "left-by-two": (plain, {"batch_size": 9}),
    "after-epoch": (plain, {"batch_size": 9}),
    "noisy": (noisy, {"batch_size": 9}),
    "overflows": (plain, {"precision": "float16", "learning_rate": 0.001}),
}  # fmt: skip
STOPPED = ("left-by-two", "after-epoch")
STOPPED_AT = 17  # reports of 7 batches and an end of each epoch: in the third
EPOCHS = 5


class Asked:
    """Reports to a person who asks to stop when there were so many; 0: never."""

    def __init__(self, stop_at: int = 0, *, after_epoch: bool = False) -> None:
        self.seen = 0
        self.stop_at = stop_at
        self.after_epoch = after_epoch

    @property
    def stop_after_epoch(self) -> bool:
        return self.after_epoch and self.seen >= self.stop_at

    def report(self, phase: str, done: int, total: int, **changes: Any) -> None:
        self.seen += 1
        if self.seen == self.stop_at and not self.after_epoch:
            raise StopRequestedError


def make(folder: Path, name: str) -> Run:
    values = {"epochs": EPOCHS, "batch_size": 8, "learning_rate": 0.01, "patience": 100}
    return create_run(folder / "runs", name, TrainConfig(**(values | CASES[name][1])))


def train(run: Run, heartbeat: Reports, team: Team = ALONE) -> tuple[nn.Module, list[str]]:
    """The network of the run's case and what `fit` says; it may be stopped."""
    torch.manual_seed(1 + team.rank)  # the first process's start is everybody's
    module = CASES[run.id][0]()
    # Gradients of one image overflow at the first scale of the loss.
    factors = torch.where(torch.arange(90) == 0, 1000 if run.id == "overflows" else 1, 1)

    def inputs(rows: Tensor, generator: torch.Generator | None) -> Tensor:
        points = factors[rows, None] * POINTS[rows]
        if generator is None:
            return points
        noise = 0.3 * torch.randn(points.shape, generator=generator)
        return (points + noise)[team.part_of(len(rows))]

    precision = "float32" if run.config.precision == "auto" else run.config.precision
    notes = fit(
        run, module, inputs, LABELS, ROWS, heartbeat, head=list(module[-1].parameters()),  # type: ignore[index]  # a Sequential
        precision=precision, team=team,
    )  # fmt: skip
    return module, notes


def main() -> None:
    folder, team = Path(sys.argv[1]), read_team(os.environ)
    with meet(team) as meeting:
        assert meeting
        if team.is_first:
            for name in CASES:
                if not (folder / "runs" / name).exists():
                    make(folder, name)
            meeting.begin()
        assert meeting.wait()
        person = Asked()
        with together(meeting, nn.Identity(), person, torch.device("cpu")) as (team, agreed):
            for name in CASES:
                person.seen = 0
                person.stop_at = STOPPED_AT if team.is_first and name in STOPPED else 0
                person.after_epoch = name == "after-epoch"
                _train_one(folder, name, team, agreed)


def _train_one(folder: Path, name: str, team: Team, agreed: Reports) -> None:
    try:
        module, notes = train(read_run(folder / "runs" / name), agreed, team)
        said, state = " ".join(notes), module.state_dict()
    except StopRequestedError:
        said, state = "stopped", {"none": torch.zeros(1)}
    save_file(state, folder / f"{name}-{team.rank}", {"said": said})


if __name__ == "__main__":
    main()
