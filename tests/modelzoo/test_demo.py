import contextlib
import time
from pathlib import Path

import psutil
import pytest

from modelzoo import demo, paths
from modelzoo.backbones.table import BACKBONES
from modelzoo.config.train_config import TrainConfig
from modelzoo.demo import list_demo_runs, queue_demo, read_progress
from modelzoo.launching import local
from modelzoo.runs.file_names import CONFIG, STATUS
from modelzoo.runs.folder import list_runs
from modelzoo.runs.status import Status, read_status, this_process, write_status
from tests.patience import PATIENCE_SECONDS
from tests.run_folders import make_run


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No weights but those of Lite0 in a folder, whatever this machine has."""
    monkeypatch.setenv("BLASTLENS_WEIGHTS", str(tmp_path))
    monkeypatch.setattr("modelzoo.backbones.weights._in_package", lambda row: None)
    monkeypatch.setattr("modelzoo.backbones.weights._in_hub_cache", lambda row: None)
    (tmp_path / "tf_efficientnet_lite0.safetensors").touch()
    return tmp_path


def test_the_demo_trains_every_backbone_with_the_weights_at_hand_and_says_which(
    bare_machine: Path,
) -> None:
    configs = list_demo_runs()

    assert {config.backbone for config in configs.values()} == set(BACKBONES)
    assert configs["demo-tf_efficientnet_lite0"].weights == "imagenet"
    assert configs["demo-vgg16-random-start"].weights == "none"
    assert next(iter(configs)) == "demo-tf_efficientnet_lite0"
    assert list(configs)[-1] == "demo-vgg19-random-start"


def test_all_runs_of_the_demo_are_tested_on_one_split(bare_machine: Path) -> None:
    configs = list_demo_runs().values()

    assert len({(config.split, config.seed, config.px, config.data) for config in configs}) == 1


def test_the_demo_leaves_its_runs_in_the_queue_and_they_are_trained(
    bare_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLASTLENS_HOME", str(bare_machine))
    monkeypatch.setattr(demo, "IMAGES_PER_CLASS", 8)
    config = TrainConfig(
        data=str(paths.demo_folder()), weights="none", split="random", input_px=64, epochs=2
    )
    monkeypatch.setattr(demo, "list_demo_runs", lambda: {"demo-a": config, "demo-b": config})

    queue_demo(device="cpu", on_progress=lambda *_: None, on_message=lambda _: None)

    found, _ = list_runs(paths.runs_folder())
    statuses = [read_status(run.path, now=time.time()) for run in found]
    assert [status.state for status in statuses] == ["queued", "queued"]
    before = read_progress(found, now=time.time())
    assert before
    assert (before.done, before.total, before.seconds_left) == (0, 2, 40.0)
    queue_demo(
        device="cpu", on_progress=lambda *_: None, on_message=lambda _: None
    )  # again: nothing is doubled
    for status in statuses:
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended already
            psutil.Process(status.pid).wait(PATIENCE_SECONDS)
    assert read_status(found[0].path, now=time.time()).state == "done"
    after = read_progress(found, now=time.time())
    assert after
    assert (after.done, after.seconds_left) == (2, 0.0)


@pytest.mark.parametrize("file", [CONFIG, STATUS])
def test_a_damaged_run_of_the_demo_is_said_and_the_others_are_queued(
    bare_machine: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    monkeypatch.setenv("BLASTLENS_HOME", str(bare_machine))
    paths.demo_folder().mkdir(parents=True)
    config = TrainConfig(data=str(paths.demo_folder()), weights="none")
    names = ["demo-a", "demo-b", "demo-c"]
    monkeypatch.setattr(demo, "list_demo_runs", lambda: dict.fromkeys(names, config))
    make_run(paths.runs_folder(), "demo-b", state="stopped").path.joinpath(file).write_text("{")
    queued: list[str] = []
    said: list[str] = []
    monkeypatch.setattr(local, "start", lambda run, **_: queued.append(run.id))

    queue_demo(device="cpu", on_progress=lambda *_: None, on_message=said.append)

    assert queued == ["demo-a", "demo-c"]
    assert any(file in line and line.startswith("demo-b: ") for line in said)


def test_what_is_left_of_the_demo_goes_by_the_pace_of_what_is_done(tmp_path: Path) -> None:
    done = make_run(tmp_path, "demo-a", backbone="vgg19")  # 30 s of phases, 6 s of starting
    waits = make_run(tmp_path, "demo-b", backbone="resnet50", state="stopped")
    other = make_run(tmp_path, "mine", state="failed")
    write_status(waits.path, Status(state="queued", **this_process()))

    progress = read_progress([done, waits, other], now=time.time())

    assert progress
    assert (progress.done, progress.total) == (1, 2)
    assert progress.seconds_left == pytest.approx(13 * 36 / 34)
    assert read_progress([other], now=time.time()) is None
