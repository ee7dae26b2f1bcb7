"""Fetching, from a server on this machine that stands in for the internet."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from filelock import FileLock

from modelzoo.backbones import download as download_room
from modelzoo.backbones.backbone import create_backbone
from modelzoo.backbones.fetch import NotFetchedError, fetch_weights
from modelzoo.backbones.start import start_backbone
from modelzoo.backbones.table import BACKBONES
from modelzoo.backbones.weights import find_weights, list_weights
from modelzoo.errors import UserError
from tests.modelzoo.backbones.shelf import Shelf, serve

LITE0 = "tf_efficientnet_lite0"
PATH = f"/timm/{LITE0}.in1k/resolve/main/model.safetensors"
NOWHERE = "http://127.0.0.1:9"  # the discard port, where nobody listens


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[Shelf]:
    """Stands in for the hub; gives Lite0's weights."""
    monkeypatch.setattr(download_room, "TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(download_room, "PAUSE_SECONDS", 0.0)
    with serve((folder / f"{LITE0}.safetensors").read_bytes()) as shelf:
        hub_at(shelf.address, monkeypatch)
        yield shelf


def hub_at(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)


def nasnet_at(address: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    row = replace(BACKBONES["nasnet_mobile"], url=f"{address}/{name}")
    monkeypatch.setitem(BACKBONES, "nasnet_mobile", row)


def test_a_fetch_from_the_hub_reports_and_is_found_afterwards(
    empty_machine: Path, shelf: Shelf
) -> None:
    progress: list[tuple[int, int]] = []

    fetch_weights(LITE0, report=lambda done, total: progress.append((done, total)))
    _, weights = start_backbone(LITE0, 4, weights="imagenet", folder=None, seed=0)
    again = find_weights(LITE0, None)

    size = len(shelf.content)
    assert weights.source == "hub timm/tf_efficientnet_lite0.in1k"
    assert weights.sha256 == shelf.sha256
    assert progress[-1] == (size, size)
    assert again is not None
    assert again.path.is_relative_to(empty_machine / "hub")
    assert [each for each in shelf.asked if each.startswith(f"GET {PATH}")] == [f"GET {PATH}"]


def test_a_fetch_from_the_hub_goes_on_where_it_was_cut(empty_machine: Path, shelf: Shelf) -> None:
    shelf.cuts = [5_000_000, 5_000_000]  # the second answer brings nothing more

    with pytest.raises(NotFetchedError, match=r"ended after 5\.0 MB of 19 MB") as caught:
        fetch_weights(LITE0)
    missing = find_weights(LITE0, None)
    fetch_weights(LITE0)

    assert caught.value.reason == "the connection was cut"
    assert missing is None
    gets = [each for each in shelf.asked if each.startswith(f"GET {PATH}")]
    assert gets == [f"GET {PATH}", f"GET {PATH} from 5000000", f"GET {PATH} from 5000000"]
    found = find_weights(LITE0, None)
    assert found is not None
    assert found.path.read_bytes() == shelf.content


def test_nothing_is_fetched_unasked(shelf: Shelf) -> None:
    with pytest.raises(UserError, match="No ImageNet weights"):
        start_backbone(LITE0, 4, weights="imagenet", folder=None, seed=0)
    list_weights(None)

    assert shelf.asked == []


def test_nasnet_mobile_comes_from_its_address_checked_by_hash(
    empty_machine: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = create_backbone("nasnet_mobile", 1000, seed=7).network.state_dict()
    without_counts = {k: v for k, v in made.items() if not k.endswith("num_batches_tracked")}
    torch.save(without_counts, empty_machine / "file.pth")  # as in early 2018
    shelf.content = (empty_machine / "file.pth").read_bytes()
    sha256 = hashlib.sha256(shelf.content).hexdigest()
    nasnet_at(shelf.address, f"nasnetamobile-{sha256[:8]}.pth", monkeypatch)
    progress: list[tuple[int, int]] = []

    fetch_weights("nasnet_mobile", report=lambda done, total: progress.append((done, total)))
    backbone, weights = start_backbone(
        "nasnet_mobile", 1000, weights="imagenet", folder=None, seed=0
    )

    assert weights.sha256 == sha256
    assert weights.source.startswith("hub http://127.0.0.1")
    assert progress[-1] == (len(shelf.content), len(shelf.content))
    loaded = backbone.network.state_dict()
    assert all(torch.equal(loaded[name], made[name]) for name in without_counts)


@pytest.mark.parametrize("name", [LITE0, "nasnet_mobile"])
def test_other_bytes_than_were_published_are_thrown_away(
    empty_machine: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    nasnet_at(shelf.address, f"nasnetamobile-{shelf.sha256[:8]}.pth", monkeypatch)
    shelf.damages = True

    with pytest.raises(
        NotFetchedError, match=r"is not what was published \(its sha256 does not start"
    ) as caught:
        fetch_weights(name)

    assert caught.value.reason == "not what was published"
    assert find_weights(name, None) is None
    caches = [empty_machine / "torch", empty_machine / "hub"]
    left = [path for cache in caches for path in cache.rglob("*") if path.is_file()]
    assert [path.name for path in left if not path.name.endswith(".lock")] == []


@pytest.mark.parametrize("name", [LITE0, "nasnet_mobile"])
def test_no_server_is_one_sentence_at_once(
    empty_machine: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    nasnet_at(NOWHERE, "nasnetamobile-7e03cead.pth", monkeypatch)
    hub_at(NOWHERE, monkeypatch)

    with pytest.raises(
        NotFetchedError, match=r"could not be fetched from http://127\.0\.0\.1:9/.*refused"
    ) as caught:
        fetch_weights(name)

    assert caught.value.reason == "the server refused"


@pytest.mark.parametrize("name", [LITE0, "nasnet_mobile"])
def test_no_network_is_called_so(
    empty_machine: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    nasnet_at("http://nowhere.invalid", "nasnetamobile-7e03cead.pth", monkeypatch)
    hub_at("http://nowhere.invalid", monkeypatch)

    with pytest.raises(NotFetchedError, match="look at the internet connection, or put") as caught:
        fetch_weights(name)

    assert caught.value.reason == "no network"


def silence(shelf: Shelf) -> None:
    shelf.is_silent = True


def refuse(shelf: Shelf) -> None:
    shelf.status = 503


@pytest.mark.parametrize("name", [LITE0, "nasnet_mobile"])
@pytest.mark.parametrize(
    ("fault", "reason"),
    [(silence, "the server does not answer"), (refuse, "the server answered 503")],
)
def test_a_server_that_is_down_is_one_sentence(
    empty_machine: Path,
    shelf: Shelf,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    fault: Callable[[Shelf], None],
    reason: str,
) -> None:
    nasnet_at(shelf.address, f"nasnetamobile-{shelf.sha256[:8]}.pth", monkeypatch)
    fault(shelf)

    with pytest.raises(NotFetchedError, match=f"{name}.safetensors into the folder") as caught:
        fetch_weights(name)

    assert caught.value.reason == reason


def test_a_disk_that_is_full_keeps_what_came(empty_machine: Path, shelf: Shelf) -> None:
    blobs = empty_machine / "hub" / f"models--timm--{LITE0}.in1k" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / f"{shelf.sha256}.part").symlink_to("/dev/full")  # of Linux

    with pytest.raises(
        NotFetchedError, match=r"could not be kept \(No space left on device\); free some space"
    ) as caught:
        fetch_weights(LITE0)

    assert caught.value.reason == "the disk does not take them"


def test_weights_that_another_process_fetches_are_left_to_it(
    empty_machine: Path, shelf: Shelf
) -> None:
    blobs = empty_machine / "hub" / f"models--timm--{LITE0}.in1k" / "blobs"
    blobs.mkdir(parents=True)

    with (
        FileLock(blobs / f".{shelf.sha256}.part.lock"),
        pytest.raises(NotFetchedError, match="are being fetched by another process; wait for it"),
    ):
        fetch_weights(LITE0)
