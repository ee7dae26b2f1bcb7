import errno
from pathlib import Path

import pytest

from modelzoo.errors import UserError
from modelzoo.files import make_folder, replacing, write_text


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
