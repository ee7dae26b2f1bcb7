"""A process that fetches weights, from a server on this machine."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from filelock import FileLock

from modelzoo.backbones import download
from modelzoo.backbones.table import BACKBONES
from modelzoo.backbones.weights import WeightsState, list_weights
from modelzoo.errors import UserError
from modelzoo.launching import local
from modelzoo.launching.fetching import (
    FETCH,
    LOCK,
    Fetch,
    describe_failures,
    describe_fetch,
    describe_weights,
    fetch_missing,
    read_fetch,
    stop_fetch,
)
from modelzoo.runs.parse import format_record
from modelzoo.runs.status import this_process
from tests.modelzoo.backbones.shelf import Shelf, serve
from tests.patience import PATIENCE_SECONDS

CONTENT = bytes(range(256)) * 40_000  # 10 MB
THREE = ["resnet50", "efficientnet_b0", "densenet121"]  # the middle one is the smallest


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    """Stands in for the hub, for processes that are started, too; the caches are empty."""
    monkeypatch.setattr(download, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("BLASTLENS_HOME", str(tmp_path))
    monkeypatch.delenv("BLASTLENS_WEIGHTS", raising=False)
    with serve(CONTENT) as shelf:
        template = shelf.address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", shelf.address)
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setenv("HF_ENDPOINT", shelf.address)
        yield shelf


def fetch(home: Path, names: list[str]) -> tuple[Fetch, list[str]]:
    """How a fetch of `names` ended, and the backbones whose weights came, in that order."""
    came: list[str] = []
    ended = fetch_missing(names, home=home, report=lambda *_: None, on_fetched=came.append)
    return ended, came


def test_the_smallest_weights_come_first(shelf: Shelf, tmp_path: Path) -> None:
    ended, came = fetch(tmp_path, THREE)

    assert came == ["efficientnet_b0", "densenet121", "resnet50"]
    assert all(state.path for state in list_weights(None, THREE))
    assert (ended.state, ended.reasons) == ("done", {})
    assert read_fetch(tmp_path, now=time.time()) == ended


def test_weights_that_do_not_come_are_named_and_the_others_follow(
    shelf: Shelf, tmp_path: Path
) -> None:
    shelf.cuts = [1000, 1000]  # the first backbone's; the second answer brings nothing more

    ended, came = fetch(tmp_path, THREE)

    assert came == ["densenet121", "resnet50"]
    assert ended.reasons == {"efficientnet_b0": "the connection was cut"}
    assert "put efficientnet_b0.safetensors into the folder" in ended.sentences["efficientnet_b0"]


def test_each_reason_is_said_once(shelf: Shelf, tmp_path: Path) -> None:
    shelf.status = 503

    ended, came = fetch(tmp_path, THREE)

    (text,) = describe_failures(ended)
    assert came == []
    assert text.startswith("The weights of EfficientNet-B0 could not be fetched from http://127.")
    assert text.endswith("The same (the server answered 503) holds for DenseNet121 and ResNet50.")


def wait_for_bytes(home: Path, process: "subprocess.Popen[bytes]") -> Fetch:
    """The record of a fetch that has brought some bytes of its first weights."""
    end = time.monotonic() + PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < end:
        record = read_fetch(home, now=time.time())
        if record and record.done_bytes:
            return record
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    raise AssertionError(f"no byte came; the process ended with {process.poll()}")


def test_a_fetch_is_stopped_and_goes_on_where_it_was(shelf: Shelf, tmp_path: Path) -> None:
    command = [*local.PYTHON, "weights", "efficientnet_b0", "densenet121", "--fetch"]
    shelf.pause = 0.6
    with (tmp_path / "out").open("wb") as out:
        process = subprocess.Popen(command, cwd=local.ROOT, stdout=out, stderr=out)
    running = wait_for_bytes(tmp_path, process)

    stop_fetch(tmp_path)

    assert process.wait(PATIENCE_SECONDS) == 130
    assert (running.state, running.backbone) == ("fetching", "efficientnet_b0")
    assert running.total_bytes == len(CONTENT)
    said = (tmp_path / "out").read_text()
    assert "Stopped; what was fetched is kept, and the same command fetches the rest." in said
    stopped = read_fetch(tmp_path, now=time.time())
    assert stopped
    assert stopped.state == "stopped"
    (part,) = (tmp_path / "hub").rglob("*.part")
    kept = part.stat().st_size
    assert 0 < kept < len(CONTENT)
    shelf.pause = 0
    asked = len(shelf.asked)
    assert fetch(tmp_path, ["efficientnet_b0"])[0].state == "done"
    (again,) = (each for each in shelf.asked[asked:] if "GET /timm" in each)
    assert again.endswith(f"from {kept}")


def test_one_process_fetches_for_a_home(shelf: Shelf, tmp_path: Path) -> None:
    with FileLock(tmp_path / LOCK), pytest.raises(UserError, match="by another process already"):
        fetch(tmp_path, THREE)

    assert shelf.asked == []


def test_a_fetch_whose_process_is_gone_has_stopped(tmp_path: Path) -> None:
    gone = Fetch(state="fetching", backbone="vgg16", **this_process() | {"process_started": 1.0})
    (tmp_path / FETCH).write_text(format_record(gone))

    found = read_fetch(tmp_path, now=time.time())

    assert found
    assert found.state == "stopped"
    with pytest.raises(UserError, match="No weights are being fetched; there is nothing to stop"):
        stop_fetch(tmp_path)


@pytest.mark.parametrize("content", [None, "", "{", '{"state": "flying"}', "[1]"])
def test_a_damaged_record_is_none(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / FETCH).write_text(content)

    assert read_fetch(tmp_path, now=time.time()) is None


def test_a_fetch_on_another_machine_is_stopped_there(tmp_path: Path) -> None:
    process = this_process() | {"host": "elsewhere", "pid": os.getpid()}
    (tmp_path / FETCH).write_text(format_record(Fetch(state="fetching", **process)))

    with pytest.raises(UserError, match="are being fetched on elsewhere; stop that there"):
        stop_fetch(tmp_path)


def missing(name: str) -> WeightsState:
    size = 4 * BACKBONES[name].parameters
    return WeightsState(backbone=name, state="not here: fetch", path=None, size_bytes=size)


def test_what_is_said_of_weights_follows_the_fetch() -> None:
    running = Fetch(
        state="fetching",
        backbone="densenet121",
        done_bytes=12_000_000,
        total_bytes=32_000_000,
        reasons={"efficientnet_b0": "no network"},
    )
    names = ["efficientnet_b0", "densenet121", "resnet50"]

    said = [describe_weights(missing(name), running) for name in names]

    assert said == ["waits: no network", "fetching: 12 of 32 MB", "follows"]
    assert describe_weights(missing("resnet50"), None) == "not here: fetch"
    here = WeightsState(
        backbone="densenet121", state="in hub cache", path=Path("x"), size_bytes=32_000_000
    )
    assert describe_weights(here, running) == "in hub cache"
    assert describe_fetch(running, [missing(name) for name in names]) == (
        "ImageNet weights of DenseNet121 are being fetched: 12 of 32 MB; 122 MB are left in all."
    )
