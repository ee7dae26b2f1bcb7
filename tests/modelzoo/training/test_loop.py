import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from modelzoo.config.train_config import TrainConfig
from modelzoo.datasets.splits import Part
from modelzoo.errors import UserError
from modelzoo.runs.file_names import CHECKPOINT
from modelzoo.runs.folder import Run, create_run
from modelzoo.runs.history import read_history
from modelzoo.runs.status import Status
from modelzoo.training.heartbeat import Heartbeat, StopRequestedError
from modelzoo.training.loop import _Pace, fit
from modelzoo.training.optim import make_optimizer, make_schedule

TIMES = ["images_per_second", "seconds"]


def make_module(seed: int = 1) -> nn.Sequential:
    """A network with all that a training must carry over: batch norm and dropout."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3)
    )


@dataclass
class Task:
    """Points of three classes that overlap a little."""

    points: Tensor
    labels: Tensor
    rows: dict[Part, Tensor]

    def inputs(self, rows: Tensor, generator: torch.Generator | None) -> Tensor:
        picked = self.points[rows]
        if generator is None:
            return picked
        return picked + 0.3 * torch.randn(picked.shape, generator=generator)


@pytest.fixture
def task() -> Task:
    torch.manual_seed(0)
    labels = torch.arange(90) % 3
    points = torch.randn(90, 6) + 1.5 * F.one_hot(labels, 6)
    rows: dict[Part, Tensor] = {
        "train": torch.arange(60),
        "validation": torch.arange(60, 75),
        "test": torch.arange(75, 90),
    }
    return Task(points, labels, rows)


def make_run(folder: Path, name: str, **options: Any) -> Run:
    values = {"epochs": 6, "batch_size": 8, "learning_rate": 0.01, "patience": 100} | options
    return create_run(folder, name, TrainConfig(**values))


def train(
    run: Run,
    task: Task,
    watch: Callable[[Status], None] | None = None,
    module: nn.Module | None = None,
) -> dict[str, Tensor]:
    module = module or make_module()
    torch.manual_seed(7)
    with Heartbeat(run.path, epochs=run.config.epochs, on_progress=watch) as heartbeat:
        precision = "float32" if run.config.precision == "auto" else run.config.precision
        head = list(module[-1].parameters()) if isinstance(module, nn.Sequential) else None
        fit(
            run, module, task.inputs, task.labels, task.rows, heartbeat, head=head,
            precision=precision,
        )  # fmt: skip
    return module.state_dict()


def stop_at(batch: int) -> Callable[[Status], None]:
    """A watcher that stops the training at its `batch`-th batch."""
    seen = 0

    def watch(status: Status) -> None:
        nonlocal seen
        seen += status.phase == "training"
        if seen > batch:
            raise StopRequestedError

    return watch


@pytest.mark.parametrize("batch", [3, 8, 9, 20, 37])
@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": "adam", "schedule": "plateau", "plateau_patience": 1},
        {"optimizer": "adamw", "schedule": "cosine"},
        {"optimizer": "adamax", "schedule": "none", "balance": "sampling"},
        {"optimizer": "sgd", "schedule": "cosine", "balance": "weights"},
        {"optimizer": "rmsprop", "schedule": "plateau", "label_smoothing": 0.1},
        {"optimizer": "adadelta", "schedule": "none", "learning_rate": 1.0},
        {"optimizer": "adam", "schedule": "one-cycle"},
        {"optimizer": "sgd", "schedule": "one-cycle", "momentum": 0.0},
        {"optimizer": "adadelta", "schedule": "one-cycle", "learning_rate": 1.0},
        {"optimizer": "adam", "schedule": "plateau", "precision": "bfloat16"},
        {"optimizer": "adam", "schedule": "one-cycle", "body_rate": 0.1},
        {"optimizer": "adam", "schedule": "one-cycle", "precision": "float16"},
    ],
    ids=lambda options: "-".join(map(str, options.values())),
)
def test_a_resumed_training_equals_an_uninterrupted_one_bit_for_bit(
    tmp_path: Path, task: Task, options: dict[str, Any], batch: int
) -> None:
    whole = make_run(tmp_path, "whole", **options)
    broken = make_run(tmp_path, "broken", **options)

    expected = train(whole, task)
    with pytest.raises(StopRequestedError):
        train(broken, task, stop_at(batch))
    resumed = train(broken, task)

    assert all(torch.equal(resumed[name], expected[name]) for name in expected)
    histories = [read_history(run.path).drop(columns=TIMES) for run in (whole, broken)]
    assert histories[0].equals(histories[1])


def test_the_weights_of_the_best_epoch_are_kept(tmp_path: Path, task: Task) -> None:
    run = make_run(tmp_path, "run", learning_rate=0.3, epochs=12)
    module = make_module()

    module.load_state_dict(train(run, task))

    with torch.inference_mode():
        logits = module.eval()(task.points[task.rows["validation"]])
    loss = F.cross_entropy(logits, task.labels[task.rows["validation"]]).item()
    losses = read_history(run.path)["validation_loss"]
    assert loss == pytest.approx(losses.min(), rel=1e-6)
    assert losses.iloc[-1] > losses.min()  # else this test says nothing


def test_training_stops_early_when_nothing_gets_better(tmp_path: Path, task: Task) -> None:
    run = make_run(tmp_path, "run", learning_rate=1.0, epochs=500, patience=3)

    train(run, task)

    losses = read_history(run.path)["validation_loss"]
    assert len(losses) == losses.argmin() + 1 + 3


def test_a_loss_that_is_no_number_ends_in_a_sentence_and_keeps_the_last_good_epoch(
    tmp_path: Path, task: Task
) -> None:
    run = make_run(tmp_path, "run", epochs=2)
    train(run, task)
    kept = (run.path / CHECKPOINT).read_bytes()
    task.points[5] = math.nan
    longer = Run(run.path, TrainConfig(epochs=4, batch_size=8))

    with pytest.raises(UserError, match=r"loss became nan in epoch 3 .*; epoch 2 is kept"):
        train(longer, task)

    assert (run.path / CHECKPOINT).read_bytes() == kept


def test_a_damaged_checkpoint_is_a_sentence(tmp_path: Path, task: Task) -> None:
    run = make_run(tmp_path, "run")
    with pytest.raises(StopRequestedError):
        train(run, task, stop_at(10))
    (run.path / CHECKPOINT).write_bytes(b"half of it")

    with pytest.raises(UserError, match="is damaged, so the run cannot go on from it"):
        train(run, task)


def test_the_rate_falls_on_a_plateau(tmp_path: Path, task: Task) -> None:
    run = make_run(
        tmp_path, "run", learning_rate=1.0, epochs=30, schedule="plateau", plateau_patience=2
    )

    train(run, task)

    history = read_history(run.path)
    rates = history["learning_rate"].unique()
    assert rates[:2] == pytest.approx([1.0, 0.3])


def test_a_step_of_the_body_is_smaller_by_its_rate(tmp_path: Path, task: Task) -> None:
    options = {"optimizer": "sgd", "momentum": 0.0, "epochs": 1, "batch_size": 60}
    start = make_module().state_dict()
    moved = {}
    for rate in (1.0, 0.25):
        end = train(make_run(tmp_path, f"run{rate}", **options, body_rate=rate), task)
        moved[rate] = {name: end[name] - start[name] for name in ("0.weight", "4.weight")}

    torch.testing.assert_close(0.25 * moved[1.0]["0.weight"], moved[0.25]["0.weight"])
    torch.testing.assert_close(moved[1.0]["4.weight"], moved[0.25]["4.weight"])


def test_the_history_has_the_rate_of_each_epochs_last_batch(tmp_path: Path, task: Task) -> None:
    run = make_run(tmp_path, "run", schedule="one-cycle", epochs=4, optimizer="sgd")

    train(run, task)

    optimizer = make_optimizer([nn.Parameter(torch.zeros(1))], run.config)
    schedule = make_schedule(optimizer, run.config, batches=8)  # 60 images, the last batch of 4
    rates = []
    for _ in range(32):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert read_history(run.path)["learning_rate"].tolist() == pytest.approx(rates[7::8])


def test_a_cycle_of_another_length_is_not_gone_on_with(tmp_path: Path, task: Task) -> None:
    run = make_run(tmp_path, "run", schedule="one-cycle")
    with pytest.raises(StopRequestedError):
        train(run, task, stop_at(10))
    longer = Run(run.path, TrainConfig(schedule="one-cycle", epochs=9, batch_size=8))

    with pytest.raises(UserError, match="began with 48 batches in all, and there are 72 now"):
        train(longer, task)


def test_a_cycle_of_too_few_batches_is_a_sentence(tmp_path: Path, task: Task) -> None:
    run = make_run(tmp_path, "run", schedule="one-cycle", epochs=3, batch_size=60)

    with pytest.raises(UserError, match="needs at least 8 batches in all, and there are 3; give"):
        train(run, task)


def test_the_time_left_is_by_the_mean_pace_and_is_not_known_at_the_start() -> None:
    pace = _Pace(first=4, epochs=10, started=100.0)

    assert pace.seconds_left(4, now=100.0) is None
    assert pace.seconds_left(4.5, now=101.0) == pytest.approx(11)  # 2 s an epoch, 5.5 epochs
    assert pace.seconds_left(6, now=108.0) == pytest.approx(16)  # 4 s an epoch, 4 epochs


def test_steps_that_overflow_in_float16_are_skipped_and_counted_and_the_training_learns(
    tmp_path: Path, task: Task, caplog: pytest.LogCaptureFixture
) -> None:
    task.points *= 100  # the first scale is 65,536: gradients of 100/8 and more overflow
    run = make_run(tmp_path, "run", precision="float16", learning_rate=0.001)
    with caplog.at_level("INFO", logger="modelzoo"):
        train(run, task, module=nn.Linear(6, 3))

    said = [each for each in caplog.messages if "skipped" in each]
    assert all(
        each.endswith(" of 8 steps skipped: gradients overflowed in float16") for each in said
    )
    skipped = sum(int(each.split()[0]) for each in said)
    assert 1 <= skipped <= 16
    steps = load_file(run.path / CHECKPOINT)["optimizer.0.step"]  # as Adam counted them
    assert steps.item() == 6 * 8 - skipped
    losses = read_history(run.path)["validation_loss"]
    assert losses.is_monotonic_decreasing


def test_epochs_of_one_step_may_overflow_until_the_scale_is_found(
    tmp_path: Path, task: Task
) -> None:
    task.points *= 100
    run = make_run(tmp_path, "run", precision="float16", batch_size=60, epochs=10)

    train(run, task, module=nn.Linear(6, 3))

    history = read_history(run.path)
    assert len(history) == 10
    assert history["train_loss"].iloc[0] == pytest.approx(history["train_loss"].iloc[1], rel=1e-3)
    assert history["train_loss"].iloc[-1] < history["train_loss"].iloc[0]


@pytest.mark.parametrize(
    ("spoil", "epochs", "sentence"),
    [
        ("points", 3, "overflows in float16 in epoch 1, so epoch 0 is kept; train a new run with"),
        ("gradients", 30, r"in epoch 3, so epoch 2 is kept; train a new run with precision bfloat"),
        ("gradients", 2, "in all 2 epochs, and no weight has changed; train a new run with"),
    ],
)
def test_a_run_whose_every_step_overflows_ends_in_a_sentence(
    tmp_path: Path, task: Task, spoil: str, epochs: int, sentence: str
) -> None:
    run = make_run(tmp_path, "run", precision="float16", epochs=epochs)
    module = nn.Linear(6, 3)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    if spoil == "points":
        task.points *= 1e6  # beyond float16's largest number, 65504
    else:
        module.weight.register_hook(lambda gradient: gradient * math.inf)

    with pytest.raises(UserError, match=sentence):
        train(run, task, module=module)

    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_a_validation_loss_that_is_never_a_number_is_a_sentence(tmp_path: Path, task: Task) -> None:
    task.points[task.rows["validation"]] = math.nan
    run = make_run(tmp_path, "run", epochs=2)

    with pytest.raises(UserError, match="validation loss was no number in any of 2 epochs"):
        train(run, task)
