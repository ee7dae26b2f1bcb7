import hashlib
import shutil
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from modelzoo.backbones import download as room
from modelzoo.backbones.download import BeingFetchedError, NotKeptError, download
from tests.modelzoo.backbones.shelf import Shelf, serve

CONTENT = bytes(range(256)) * 4096  # 1 MB
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    monkeypatch.setattr(room, "TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(room, "PAUSE_SECONDS", 0.0)
    with serve(CONTENT) as shelf:
        yield shelf


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "file.pth"


def fetch(shelf: Shelf, file: Path, sha256_start: str = SHA256) -> list[tuple[int, int]]:
    """Download; the bytes that were reported."""
    reported: list[tuple[int, int]] = []
    download(
        f"{shelf.address}/file",
        file,
        sha256_start=sha256_start,
        report=lambda done, total: reported.append((done, total)),
    )
    return reported


def part_of(file: Path) -> Path:
    return file.with_name("file.pth.part")


def test_a_file_comes_whole_and_the_bytes_are_told(shelf: Shelf, file: Path) -> None:
    reported = fetch(shelf, file)

    assert file.read_bytes() == CONTENT
    assert reported[0] == (0, len(CONTENT))
    assert reported[-1] == (len(CONTENT), len(CONTENT))
    assert not part_of(file).exists()


def test_what_an_earlier_process_brought_is_not_asked_for_again(shelf: Shelf, file: Path) -> None:
    file.parent.mkdir()
    part_of(file).write_bytes(CONTENT[:700_000])

    reported = fetch(shelf, file)

    assert shelf.asked == ["GET /file from 700000"]
    assert reported[0] == (700_000, len(CONTENT))
    assert file.read_bytes() == CONTENT


def test_a_connection_that_is_cut_is_taken_up_where_it_was(shelf: Shelf, file: Path) -> None:
    shelf.cuts = [300_000, 900_000]

    fetch(shelf, file)

    assert shelf.asked == ["GET /file", "GET /file from 300000", "GET /file from 900000"]
    assert file.read_bytes() == CONTENT


def test_a_server_that_knows_no_parts_sends_all_of_it_again(shelf: Shelf, file: Path) -> None:
    shelf.knows_ranges = False
    shelf.cuts = [300_000]

    fetch(shelf, file)

    assert file.read_bytes() == CONTENT


def test_a_server_that_always_cuts_at_one_place_is_not_asked_for_ever(
    shelf: Shelf, file: Path
) -> None:
    shelf.knows_ranges = False
    shelf.cuts = [300_000] * 10

    with pytest.raises(ConnectionResetError, match=r"ended after 300 kB of 1\.0 MB"):
        fetch(shelf, file)

    assert len(shelf.asked) == 2
    assert part_of(file).read_bytes() == CONTENT[:300_000]


def test_a_part_that_is_whole_already_is_taken_as_it_is(shelf: Shelf, file: Path) -> None:
    file.parent.mkdir()
    part_of(file).write_bytes(CONTENT)  # the process died before it was renamed

    fetch(shelf, file)

    assert shelf.asked == [f"GET /file from {len(CONTENT)}"]
    assert file.read_bytes() == CONTENT


def test_a_part_that_is_longer_than_the_file_is_begun_anew(shelf: Shelf, file: Path) -> None:
    file.parent.mkdir()
    part_of(file).write_bytes(CONTENT + b"more")

    fetch(shelf, file)

    assert file.read_bytes() == CONTENT


def test_another_hash_throws_it_away_and_leaves_what_was_there(shelf: Shelf, file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"as it was")
    shelf.damages = True

    with pytest.raises(ValueError, match=f"its sha256 does not start with {SHA256[:16]}"):
        fetch(shelf, file)

    assert file.read_bytes() == b"as it was"
    assert not part_of(file).exists()


def test_a_server_that_says_nothing_is_not_waited_for(shelf: Shelf, file: Path) -> None:
    shelf.is_silent = True

    with pytest.raises(TimeoutError):
        fetch(shelf, file)

    assert len(shelf.asked) == 1


def test_a_server_that_is_slow_is_waited_for(shelf: Shelf, file: Path) -> None:
    shelf.pause = 0.05  # half a second in all, which is longer than may pass without a byte

    reported = fetch(shelf, file)

    assert len(reported) >= 10
    assert file.read_bytes() == CONTENT


def test_a_refusal_keeps_what_came(shelf: Shelf, file: Path) -> None:
    file.parent.mkdir()
    part_of(file).write_bytes(CONTENT[:5])
    shelf.status = 503

    with pytest.raises(urllib.error.HTTPError, match="503"):
        fetch(shelf, file)

    assert part_of(file).read_bytes() == CONTENT[:5]


def test_a_disk_that_is_full_is_told_from_a_network_that_is_gone(shelf: Shelf, file: Path) -> None:
    file.parent.mkdir()
    part_of(file).symlink_to("/dev/full")  # of Linux: each write fails as on a full disk

    with pytest.raises(NotKeptError, match="No space left on device"):
        fetch(shelf, file)


def test_what_does_not_fit_is_not_begun(
    shelf: Shelf, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=900_000))

    with pytest.raises(NotKeptError, match=r"1\.0 MB are to come into .* and 900 kB are free"):
        fetch(shelf, file)

    assert not part_of(file).exists()


def test_two_processes_do_not_write_one_file(shelf: Shelf, file: Path) -> None:
    file.parent.mkdir()

    with FileLock(file.with_name(".file.pth.part.lock")), pytest.raises(BeingFetchedError):
        fetch(shelf, file)

    assert shelf.asked == []
