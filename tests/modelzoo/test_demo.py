import contextlib
import time
from pathlib import Path

import psutil
import pytest

from modelzoo import demo, paths
from modelzoo.backbones.weights import WeightsState
from modelzoo.commands.weights import _go_on_with_demo
from modelzoo.config.train_config import TrainConfig
from modelzoo.demo import (
    DEMO_BACKBONES,
    describe_waiting,
    list_demo_runs,
    list_scratch_runs,
    list_untrained,
    queue_demo,
    read_progress,
)
from modelzoo.launching import local
from modelzoo.launching.fetching import Fetch
from modelzoo.runs.file_names import CONFIG, STATUS
from modelzoo.runs.folder import list_runs
from modelzoo.runs.status import Status, read_status, this_process, write_status
from tests.patience import PATIENCE_SECONDS
from tests.run_folders import make_run

LITE0 = "tf_efficientnet_lite0"


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No weights but those of Lite0 in a folder, whatever this machine has."""
    monkeypatch.setenv("BLASTLENS_WEIGHTS", str(tmp_path))
    monkeypatch.setattr("modelzoo.backbones.weights._in_package", lambda row: None)
    monkeypatch.setattr("modelzoo.backbones.weights.find_cached", lambda row: None)
    monkeypatch.setenv("BLASTLENS_HOME", str(tmp_path))
    (tmp_path / "tf_efficientnet_lite0.safetensors").touch()
    return tmp_path


def bring_weights(folder: Path, backbone: str) -> None:
    (folder / f"{backbone}.safetensors").touch()


def test_the_demo_trains_what_has_weights_and_starts_nothing_at_random(bare_machine: Path) -> None:
    first = list_demo_runs()
    bring_weights(bare_machine, "vgg16")
    bring_weights(bare_machine, "resnet50")
    later = list_demo_runs()

    assert list(first) == ["demo-tf_efficientnet_lite0"]
    assert list(later) == ["demo-tf_efficientnet_lite0", "demo-resnet50", "demo-vgg16"]
    assert {config.weights for config in later.values()} == {"imagenet"}
    assert {config.px for config in later.values()} == {224}


def test_a_random_start_is_one_that_was_asked_for(bare_machine: Path) -> None:
    configs = list_scratch_runs(["vgg16"])
    before = list(list_demo_runs())
    make_run(paths.runs_folder(), "demo-vgg16-random-start", backbone="vgg16", state="stopped")
    bring_weights(bare_machine, "vgg16")

    after = list(list_demo_runs())

    assert configs["demo-vgg16-random-start"].weights == "none"
    assert "demo-vgg16-random-start" not in before
    assert after[-2:] == ["demo-vgg16", "demo-vgg16-random-start"]  # begun, so the demo goes on


def test_all_runs_of_the_demo_are_tested_on_one_split(bare_machine: Path) -> None:
    for backbone in DEMO_BACKBONES:
        bring_weights(bare_machine, backbone)
    configs = [*list_demo_runs().values(), *list_scratch_runs(DEMO_BACKBONES).values()]

    assert len(configs) == 2 * len(DEMO_BACKBONES)
    assert len({(config.split, config.seed, config.px, config.data) for config in configs}) == 1


def test_who_waits_for_weights_is_known_once_the_demo_was_begun(bare_machine: Path) -> None:
    before = list_untrained([])
    begun = [make_run(paths.runs_folder(), f"demo-{LITE0}", backbone=LITE0)]
    bring_weights(bare_machine, "resnet50")

    untrained = list_untrained(begun)

    assert before == []
    assert len(untrained) == len(DEMO_BACKBONES) - 1
    assert untrained[0].backbone == "efficientnet_b0"  # the smallest
    assert [each.backbone for each in untrained if each.path] == ["resnet50"]


def missing(name: str) -> WeightsState:
    return WeightsState(backbone=name, state="not here: fetch", path=None, size_bytes=10**6)


@pytest.mark.parametrize(
    ("names", "fetch", "said"),
    [
        (
            ["vgg16"],
            None,
            "In the demo VGG16 waits for its weights (not fetched yet); fetch them, or put "
            "vgg16.safetensors into the folder that BLASTLENS_WEIGHTS names.",
        ),
        (
            ["resnet50", "vgg16"],
            Fetch(state="done", reasons={"resnet50": "no network", "vgg16": "no network"}),
            "In the demo ResNet50 and VGG16 wait for their weights (no network); fetch them, or "
            "put resnet50.safetensors and so on into the folder that BLASTLENS_WEIGHTS names.",
        ),
        (
            ["resnet50", "vgg16"],
            Fetch(state="fetching", backbone="resnet50"),
            "In the demo ResNet50 and VGG16 wait for their weights and are trained when these are "
            "here.",
        ),
    ],
)
def test_why_backbones_wait_is_one_sentence(
    names: list[str], fetch: Fetch | None, said: str
) -> None:
    assert describe_waiting([missing(name) for name in names], fetch) == said


def test_weights_that_were_fetched_are_trained_where_the_demo_was_begun(
    bare_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued: list[str] = []
    monkeypatch.setattr(local, "start", lambda run, **_: queued.append(run.id))
    paths.demo_folder().mkdir(parents=True)
    bring_weights(bare_machine, "vgg16")
    _go_on_with_demo("vgg16")
    before = list(queued)
    make_run(paths.runs_folder(), f"demo-{LITE0}", backbone=LITE0, state="stopped")

    _go_on_with_demo("vgg16")
    _go_on_with_demo("resnet50")  # whose weights are not here after all

    assert before == []
    assert queued == ["demo-vgg16"]  # and what a person stopped is left alone


def test_the_demo_leaves_its_runs_in_the_queue_and_they_are_trained(
    bare_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
