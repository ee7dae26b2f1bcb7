"""One run on several processes: real ones, that torchrun starts and gloo joins on the CPU."""

import contextlib
import dataclasses
import itertools
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from torch import Tensor, nn
from typer.testing import CliRunner

from modelzoo.__main__ import app
from modelzoo.backbones.backbone import Backbone, create_backbone
from modelzoo.config.train_config import TrainConfig
from modelzoo.datasets.store import Pixels
from modelzoo.errors import UserError
from modelzoo.launching import local
from modelzoo.runs.file_names import CHECKPOINT, LOG, STATUS
from modelzoo.runs.folder import Run, read_run
from modelzoo.runs.history import read_history
from modelzoo.runs.records import read_environment
from modelzoo.runs.status import read_status
from modelzoo.training import distributed
from modelzoo.training.distributed import Meeting, meet
from modelzoo.training.heartbeat import StopRequestedError
from modelzoo.training.pixels import pixel_inputs
from modelzoo.training.team import ALONE, Team, find_place, read_team, require_shares
from tests.modelzoo.training import together
from tests.modelzoo.training.small import make_run, start

TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
TIMES = ["images_per_second", "seconds"]
PARTED = "2 processes shared each batch, and batch norms saw each one's images by themselves"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes made of all cases, one of which had been begun by one process."""
    folder = tmp_path_factory.mktemp("together")
    with pytest.raises(StopRequestedError):
        together.train(together.make(folder, "resumed-by-two"), together.Asked(together.STOPPED_AT))
    script = ["-m", "tests.modelzoo.training.together", str(folder)]
    subprocess.run([*TORCHRUN, *script], check=True, timeout=300)
    return folder


def read(file: Path) -> tuple[dict[str, Tensor], str]:
    with safe_open(file, framework="pt") as content:
        return (
            {name: content.get_tensor(name) for name in content.keys()},  # noqa: SIM118  # no mapping
            content.metadata()["said"],
        )


def assert_alike(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> None:
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        torch.testing.assert_close(value, theirs[name], rtol=0, atol=1e-5)


def assert_same_history(ours: Path, theirs: Path) -> None:
    first, second = (read_history(path).drop(columns=TIMES) for path in (ours, theirs))
    assert len(first) == together.EPOCHS
    np.testing.assert_allclose(first.to_numpy(), second.to_numpy(), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["weighted", "sampled", "cycle", "resumed-by-two"])
def test_two_processes_train_as_one_with_the_whole_batch(
    tmp_path: Path, trained: Path, name: str
) -> None:
    alone = together.make(tmp_path, name)
    module, _ = together.train(alone, together.Asked())

    weights, said = read(trained / f"{name}-0")
    assert_alike(weights, module.state_dict())
    assert_same_history(trained / "runs" / name, alone.path)
    assert said == ""


@pytest.mark.parametrize(("name", "epochs"), [("left-by-two", 2), ("after-epoch", 3)])
def test_one_process_goes_on_with_what_two_have_left(
    tmp_path: Path, trained: Path, name: str, epochs: int
) -> None:
    said = [read(trained / f"{name}-{rank}")[1] for rank in (0, 1)]
    left = Run(trained / "runs" / name, TrainConfig())
    assert said == ["stopped", "stopped"]  # though only the first was asked
    assert len(read_history(left.path)) == epochs

    whole = together.make(tmp_path, name)
    expected, _ = together.train(whole, together.Asked())
    module, _ = together.train(read_run(left.path), together.Asked())

    assert_alike(module.state_dict(), expected.state_dict())
    assert_same_history(left.path, whole.path)


def test_batch_norms_and_dropout_by_process_are_said_and_the_first_ones_network_is_kept(
    trained: Path,
) -> None:
    (first, said), (second, _) = (read(trained / f"noisy-{rank}") for rank in (0, 1))

    assert said.startswith(PARTED)
    weights = [name for name in first if "running" not in name]
    best = read_history(trained / "runs" / "noisy")["validation_loss"].argmin() + 1
    if best == together.EPOCHS:  # else the second has the last epoch's
        assert all(torch.equal(first[name], second[name]) for name in weights)
    assert (trained / "runs" / "noisy" / CHECKPOINT).is_file()


def test_a_step_that_overflows_in_one_process_is_skipped_by_both(
    tmp_path: Path, trained: Path
) -> None:
    alone = together.make(tmp_path, "overflows")
    together.train(alone, together.Asked())

    steps = []
    for path in (alone.path, trained / "runs" / "overflows"):
        with safe_open(path / CHECKPOINT, framework="pt") as content:
            steps.append(content.get_tensor("optimizer.0.step").item())
    assert steps[0] == steps[1] < together.EPOCHS * 8
    assert read_history(alone.path)["validation_loss"].is_monotonic_decreasing
    (first, _), (second, _) = (read(trained / f"overflows-{rank}") for rank in (0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first)


def _wait_for_epoch(run: Run, epoch: int, child: "subprocess.Popen[Any]") -> None:
    while len(read_history(run.path)) < epoch:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(0.05)
        assert child.poll() is None, (run.path / LOG).read_text()


def _environment_of(process: psutil.Process) -> dict[str, str]:
    with contextlib.suppress(psutil.Error):
        return process.environ()
    return {}


def _resume(*start: str, run: Run, store: Path, more: tuple[str, ...] = ()) -> list[str]:
    arguments = ["-m", "modelzoo", "resume", str(run.path), "--device", "cpu"]
    return [*start, *arguments, "--store", str(store), *more]


def test_a_run_on_two_processes_loses_one_is_stopped_and_is_ended_by_one(
    tmp_path: Path, images: Path
) -> None:
    store = tmp_path / "store"
    many: dict[str, Any] = {"mode": "finetune", "epochs": 10_000, "patience": 10_000}
    run = make_run(tmp_path, images, backbone="cnn13", **many)

    child = subprocess.Popen(_resume(*TORCHRUN, run=run, store=store), cwd=local.ROOT)
    _wait_for_epoch(run, 1, child)
    members = psutil.Process(child.pid).children(recursive=True)
    next(each for each in members if _environment_of(each).get("RANK") == "1").kill()
    assert child.wait(120) != 0
    assert not any(each.is_running() for each in members)
    status = read_status(run.path, now=time.time())
    assert status.state == "failed"
    assert "One of the 2 processes that train this run ended without a word" in status.error
    epochs = len(read_history(run.path))

    with (tmp_path / "errors").open("w+") as errors:
        child = subprocess.Popen(
            _resume(sys.executable, run=run, store=store, more=("--processes", "2")),
            cwd=local.ROOT, stderr=errors,
        )  # fmt: skip
        _wait_for_epoch(run, epochs + 1, child)
        child.terminate()
        assert child.wait(120) == 130
    assert read_status(run.path, now=time.time()).state == "stopped"
    said = (tmp_path / "errors").read_text()
    assert "Stopped; go on with: python -m modelzoo resume" in said
    assert "Traceback" not in said

    epochs = len(read_history(run.path))
    ends = Run(run.path, dataclasses.replace(run.config, epochs=epochs + 1))
    assert start(ends, tmp_path).state == "done"
    assert list(read_history(run.path)["epoch"]) == list(range(1, epochs + 2))
    environment = read_environment(run.path)
    assert environment.processes == 1
    assert environment.notes[0].startswith(PARTED)


@given(count=st.integers(1, 200), size=st.integers(1, 16))
def test_the_parts_of_a_batch_are_the_batch(count: int, size: int) -> None:
    parts = [list(range(count))[Team(rank, size).part_of(count)] for rank in range(size)]

    if count < 2 * size:
        assert parts == size * [list(range(count))]
    else:
        assert list(itertools.chain.from_iterable(parts)) == list(range(count))
        assert min(map(len, parts)) >= 2
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("augmentation", ["none", "mild", "muduli2025"])
def test_an_image_is_changed_alike_whoever_computes_it(augmentation: Any) -> None:
    backbone = create_backbone("cnn13", 2)
    values = np.random.default_rng(0).integers(0, 255, (12, 64, 64, 3), np.uint8)
    pixels = Pixels(tuple(map(str, range(12))), values)
    config = TrainConfig(augmentation=augmentation)

    def changed(team: Team) -> Tensor:
        inputs = pixel_inputs(backbone, pixels, config, torch.device("cpu"), team)
        generator = torch.Generator().manual_seed(3)
        images = [inputs(rows, generator) for rows in (torch.arange(7), torch.arange(7, 12))]
        assert torch.equal(inputs(torch.tensor([1]), None), whole_of(pixels, backbone)[1:2])
        return torch.cat(images)

    alone = changed(ALONE)
    parts = [changed(Team(rank, 2)) for rank in (0, 1)]

    torch.testing.assert_close(torch.cat([parts[0][:3], parts[1][:4]]), alone[:7])
    torch.testing.assert_close(torch.cat([parts[0][3:], parts[1][4:]]), alone[7:])


def whole_of(pixels: Pixels, backbone: Backbone) -> Tensor:
    images: Tensor = backbone.normalise(torch.from_numpy(pixels.values))
    return images


def test_batch_norms_that_share_statistics_keep_names_activations_and_results() -> None:
    backbone = create_backbone("efficientnet_b0", 2, head="fastai", seed=0).eval()
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        before, names = backbone(images), list(backbone.state_dict())

        distributed.share_norms(backbone)

        assert list(backbone.state_dict()) == names
        torch.testing.assert_close(backbone(images), before)
    assert any(isinstance(each, nn.SyncBatchNorm) for each in backbone.modules())
    assert not distributed.has_parted_norms(Team(0, 2), backbone)


GIVEN = {
    "WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2",
    "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500",
}  # fmt: skip


def test_a_process_knows_its_place_by_its_environment() -> None:
    assert read_team(GIVEN) == Team(1, 2, 1, 2)
    assert read_team({}) == read_team(GIVEN | {"WORLD_SIZE": "1"}) == ALONE


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"MASTER_ADDR": ""}, "but MASTER_ADDR does not say"),
        ({"RANK": "", "MASTER_PORT": "x"}, "but RANK, MASTER_PORT does not say"),
        ({"RANK": "2"}, "but RANK does not say"),
        ({"WORLD_SIZE": "two"}, "WORLD_SIZE is 'two' in the environment, but WORLD_SIZE"),
        ({"WORLD_SIZE": "0"}, "WORLD_SIZE is '0'"),
    ],
)
def test_half_an_environment_is_a_sentence(changes: dict[str, str], words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        read_team(GIVEN | changes)

    assert "torchrun --nproc-per-node 2 -m modelzoo resume RUN, or unset" in str(caught.value)


def test_more_processes_than_images_or_gpus_are_a_sentence() -> None:
    with pytest.raises(UserError, match="3 processes cannot share batches of 4 images; give"):
        require_shares(TrainConfig(mode="finetune", batch_size=4), 3)
    require_shares(TrainConfig(mode="finetune", batch_size=6), 3)
    require_shares(TrainConfig(mode="frozen", batch_size=4), 3)
    with pytest.raises(UserError, match="99 processes on this machine need a GPU each, and"):
        find_place(Team(size=99, local_size=99), "cuda")
    with pytest.raises(UserError, match="2 processes cannot share device 'cuda:1'; give auto"):
        find_place(Team(size=2, local_size=2), "cuda:1")
    assert find_place(Team(size=99, local_size=99), "cpu") == "cpu"


def test_a_process_that_nobody_meets_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]  # that nobody listens at, once it is closed
    for name, value in (GIVEN | {"MASTER_PORT": str(port)}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(distributed, "CONNECT_SECONDS", 0.2)

    with pytest.raises(UserError, match=f"Process 2 of 2 met nobody at 127.0.0.1:{port}, where"):
        meet(Team(1, 2)).__enter__()


def test_a_process_that_is_late_or_cannot_go_on_ends_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = torch.distributed.HashStore()  # type: ignore[attr-defined]  # of C++
    first, second = (Meeting(Team(rank, 3), store) for rank in (0, 1))
    monkeypatch.setattr(distributed, "GATHER_SECONDS", 0.0)
    seen = []

    with pytest.raises(UserError, match="2 of 3 processes were not ready within"):
        first.gather(torch.device("cpu"), lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3)]

    second.tell("Memory ran out.")
    second.tell("And then the connection was lost.")
    with pytest.raises(UserError, match=r"^Memory ran out\.$"):
        first.gather(torch.device("cpu"), lambda done, total: None)
    assert str(first.explain(StopRequestedError())) == "Memory ran out."  # torchrun's signal came
    own = ValueError("of its own")
    assert first.explain(own) is own


@pytest.mark.parametrize(
    ("command", "environment", "words"),
    [
        (["train", "--data", "."], GIVEN, "Each process of torchrun would make the run for itself"),
        (["resume", "run", "--device", "cpu"], {"WORLD_SIZE": "2"}, "WORLD_SIZE is '2'"),
        (["resume", "run", "--processes", "9", "--device", "cpu"], {}, "9 processes cannot share"),
        (["resume", "run", "--processes", "2", "--target", "x"], {}, "--processes is for this mac"),
    ],
)
def test_a_command_that_cannot_be_shared_is_a_sentence_and_changes_nothing(
    tmp_path: Path, images: Path, monkeypatch: pytest.MonkeyPatch,
    command: list[str], environment: dict[str, str], words: str,
) -> None:  # fmt: skip
    run = make_run(tmp_path, images, mode="finetune")
    before = (run.path / STATUS).read_bytes()
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    answer = CliRunner().invoke(app, [*command, "--runs", str(run.path.parent)])

    assert answer.exit_code == 2
    assert words in answer.stderr
    assert (run.path / STATUS).read_bytes() == before
    assert len(list(run.path.parent.iterdir())) == 1
