import errno
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelzoo.errors import UserError
from modelzoo.files import (
    append_text,
    is_same,
    make_folder,
    may_replace,
    open_to_append,
    portable_name,
    read_bytes,
    read_end,
    read_text,
    replacing,
    shorten_name,
    write_text,
)


def test_an_error_while_writing_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    write_text(file, "old")

    def write_half() -> None:
        with replacing(file) as temporary:
            temporary.write_text("half")
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011  # raised above, without words
        write_half()

    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("letter", ["n", "é", "😀"])
def test_a_file_may_have_the_longest_name_there_is(tmp_path: Path, letter: str) -> None:
    name = letter * (255 // len(letter.encode()))

    write_text(tmp_path / name, "new")

    assert [file.name for file in tmp_path.iterdir()] == [name]


@given(st.sets(st.text(st.characters(codec="utf-8"), max_size=40), max_size=5))
def test_names_that_are_shortened_fit_in_bytes_and_stay_apart(ends: set[str]) -> None:
    names = ["é" * 30 + end for end in ends]

    short = [shorten_name(name, 70) for name in names]

    assert len(set(short)) == len(names)
    assert all(len(name.encode()) <= 70 for name in short)
    assert shorten_name("short.jpg", 70) == "short.jpg"


@given(st.sets(st.text(st.characters(codec="utf-8"), max_size=200), max_size=5))
def test_an_exported_name_is_taken_by_every_system(names: set[str]) -> None:
    portable = {name: portable_name(name, 60) for name in names}

    assert all(len(name.encode()) <= 60 for name in portable.values())
    assert all(re.fullmatch(r"[\w.~-]*", name) for name in portable.values())


def test_exported_names_differ_where_classes_do() -> None:
    assert portable_name("Pro B") == "Pro_B"
    assert portable_name("*a*") != portable_name("$a$")
    assert portable_name("a" * 100 + "1") != portable_name("a" * 100 + "2")


def test_a_full_disk_is_a_sentence_and_loses_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    write_text(file, "old")

    def fill_disk() -> None:
        with replacing(file) as temporary:
            temporary.write_text("ha")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(UserError, match=r"disk of .*a\.txt is full"):
        fill_disk()

    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_below_a_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(UserError, match="could not be written"):
        make_folder(tmp_path / "file" / "below")


UNREADABLE: dict[str, Callable[[Path], object]] = {
    "folder": Path.mkdir,
    "pipe": os.mkfifo,
    "link to itself": lambda path: path.symlink_to(path.name),
    "link to a device": lambda path: path.symlink_to("/dev/zero"),
}


@pytest.mark.parametrize("make", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("read", [read_bytes, read_text, lambda file: read_end(file, 10)])
def test_what_is_no_regular_file_is_a_sentence_at_once(
    tmp_path: Path, make: Callable[[Path], object], read: Callable[[Path], object]
) -> None:
    make(tmp_path / "file")

    with pytest.raises(UserError, match="is damaged"):
        read(tmp_path / "file")


@pytest.mark.parametrize("name", ["gone", "file/below", "link"])
@pytest.mark.parametrize("read", [read_bytes, read_text, lambda file: read_end(file, 10)])
def test_what_is_not_there_is_told_apart(
    tmp_path: Path, name: str, read: Callable[[Path], object]
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("gone")

    with pytest.raises(FileNotFoundError):
        read(tmp_path / name)


def test_a_file_is_read_up_to_its_bound_and_its_end_without_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"0123456789")

    assert read_bytes(file, most=10) == b"0123456789"
    assert [read_end(file, most) for most in (3, 10, 99)] == [b"789", *2 * [b"0123456789"]]
    with pytest.raises(UserError, match="is damaged"):
        read_bytes(file, most=9)
    with file.open("ab") as out:
        out.truncate(10**10)  # as large as that without a byte on the disk
    with pytest.raises(UserError, match="is damaged"):
        read_bytes(file)
    assert read_end(file, 3) == bytes(3)


def make_read_pipe(path: Path) -> None:
    os.mkfifo(path)
    os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # left open: a writer finds a reader


UNWRITABLE = UNREADABLE | {
    "pipe with a reader": make_read_pipe,
    "link to a file": lambda path: path.symlink_to("elsewhere"),
    "link to nowhere": lambda path: path.symlink_to("nowhere"),
}


@pytest.mark.parametrize("make", UNWRITABLE.values(), ids=UNWRITABLE)
@pytest.mark.parametrize("append", [lambda file: append_text(file, "new"), open_to_append])
def test_only_a_regular_file_is_appended_to(
    tmp_path: Path, append: Callable[[Path], object], make: Callable[[Path], object]
) -> None:
    (tmp_path / "elsewhere").write_text("old")
    file = tmp_path / "log.txt"
    make(file)

    with pytest.raises(UserError, match=r"log\.txt is no regular file"):
        append(file)

    assert {path.name for path in tmp_path.iterdir()} == {"elsewhere", "log.txt"}
    assert (tmp_path / "elsewhere").read_text() == "old"


def test_what_is_appended_comes_after_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "log.txt"

    append_text(file, "a\n")
    append_text(file, "b\n")

    assert file.read_text() == "a\nb\n"


def test_only_nothing_or_what_begins_alike_may_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "ours.csv").write_text("image,label\n1,a\n")
    (tmp_path / "wider.csv").write_text("image,label,patient\n1,a,7\n")
    (tmp_path / "empty.csv").touch()
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "nowhere.csv").symlink_to("gone")
    os.mkfifo(tmp_path / "pipe.csv")
    names = ("ours", "wider", "empty", "folder", "nowhere", "pipe", "new", "ours.csv/below")

    replaceable = [
        name for name in names if may_replace(tmp_path / f"{name}.csv", b"image,label\n")
    ]

    assert replaceable == ["ours", "new", "ours.csv/below"]


def test_a_file_is_the_same_by_any_of_its_names(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.touch()
    (tmp_path / "link.csv").symlink_to(file)

    assert is_same(file, tmp_path / "x/../a.csv")
    assert is_same(file, tmp_path / "link.csv")
    assert not is_same(file, tmp_path / "b.csv")
