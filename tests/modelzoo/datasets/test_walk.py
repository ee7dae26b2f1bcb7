import os
import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelzoo.datasets.listing import list_images
from modelzoo.datasets.opening import open_dataset
from modelzoo.datasets.walk import walk
from modelzoo.errors import UserError
from tests.run_folders import write_images


def test_pipes_and_sockets_are_left_out_and_said(tmp_path: Path) -> None:
    write_images(tmp_path, images_per_class=1)
    os.mkfifo(tmp_path / "Pro" / "p.jpg")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "Pro" / "s.jpg"))

    found = walk(tmp_path)
    dataset = open_dataset(tmp_path, store=tmp_path / "store")

    server.close()
    assert found.unread == {"Pro/p.jpg": "not a regular file", "Pro/s.jpg": "not a regular file"}
    assert {each.id for each in dataset.skipped} >= {"Pro/p.jpg", "Pro/s.jpg"}
    assert len(dataset.images) == 4


def test_each_folder_is_listed_once_whatever_links_to_it(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    for folder in (root / "a", elsewhere / "deeper"):
        folder.mkdir(parents=True)
        (folder / "1.jpg").touch()
    (root / "b").symlink_to("a")
    (root / "a" / "back").symlink_to("..")
    (root / "c").symlink_to(elsewhere)
    (root / "d").symlink_to(elsewhere / "deeper")
    (root / "nowhere.jpg").symlink_to("gone")

    found = walk(root)

    (linked,) = (each for each in found.files if not each.startswith("a/"))
    assert linked in ("c/deeper/1.jpg", "d/1.jpg")  # whichever link is met first
    assert found.files == sorted(["a/1.jpg", linked])
    again = "a link to a folder that is listed already"
    other = "d/" if linked.startswith("c") else "c/"
    assert found.unread == {
        "a/back/": again, "b/": again, other: again, "nowhere.jpg": "not a regular file",
    }  # fmt: skip


def test_folders_that_link_to_each_other_end(tmp_path: Path) -> None:
    for name in "abcd":
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").touch()
        for other in set("abcd") - {name}:
            (tmp_path / name / other).symlink_to(f"../{other}")

    assert walk(tmp_path).files == ["a/1.jpg", "b/1.jpg", "c/1.jpg", "d/1.jpg"]


def test_a_folder_with_too_many_files_is_a_sentence(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"{number}.jpg").touch()

    assert len(walk(tmp_path, most_files=12).files) == 12
    with pytest.raises(UserError, match="more than 11 files"):
        walk(tmp_path, most_files=11)


@pytest.mark.parametrize("name", ["{}", "{}/{}/{}", "x/{}", ".{}", "links/{}"])
def test_folders_without_files_are_counted_too(tmp_path: Path, name: str) -> None:
    (tmp_path / "links").mkdir()
    for number in range(12):
        if name.startswith("links"):
            (tmp_path / name.format(number)).symlink_to(tmp_path)  # loops, not followed
        else:
            (tmp_path / name.format(*[number] * 3)).mkdir(parents=True)

    assert walk(tmp_path).files == []
    with pytest.raises(UserError, match="more than 11 files; give the folder of one data set"):
        walk(tmp_path, most_files=11)


def test_a_walk_through_folders_alone_ends_when_progress_raises(tmp_path: Path) -> None:
    for number in range(1000):
        (tmp_path / f"{number}").mkdir()

    def stop(files: int) -> None:
        assert files == 0
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        walk(tmp_path, on_progress=stop)


def test_the_walk_ends_when_progress_raises(tmp_path: Path) -> None:
    for number in range(1000):
        (tmp_path / f"{number}.jpg").touch()

    def stop(files: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        walk(tmp_path, on_progress=stop)


@settings(deadline=None, max_examples=60)
@given(st.one_of(st.text(max_size=600), st.text("a", min_size=300, max_size=5000)))
def test_any_text_as_a_path_is_a_sentence(text: str) -> None:
    path = Path(f"nowhere-{text}")

    for look in (lambda: open_dataset(path, store=Path("unused")), lambda: list_images(path)):
        with pytest.raises(UserError, match="was not found"):
            look()
