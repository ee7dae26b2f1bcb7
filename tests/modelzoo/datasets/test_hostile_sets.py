"""Sets that vanish, change or are opened twice while they are read, and folders of other things."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from modelzoo.datasets.opening import open_dataset
from modelzoo.datasets.overlaps import find_overlaps
from modelzoo.errors import UserError


@pytest.mark.parametrize(
    ("at", "sentence"),
    [
        (0, r"holds 1,0\d\d files and no images \(.* could not be opened: no such file"),
        (1, "has gone since the data set was opened|because: could not be read"),
    ],
)
def test_a_set_that_vanishes_while_it_is_opened_is_a_sentence(
    smears: Path, store: Path, at: int, sentence: str
) -> None:
    for n in range(2000):  # enough that the search reports before the check begins
        (smears / f"{n}.txt").touch()

    def remove(done: int, total: int) -> None:
        if done == at and smears.exists():
            shutil.rmtree(smears)

    with pytest.raises(UserError, match=sentence):
        find_overlaps(open_dataset(smears, store=store, progress=remove), store=store)


def test_a_set_that_vanishes_before_it_is_compared_is_a_sentence(smears: Path, store: Path) -> None:
    dataset = open_dataset(smears, store=store)
    shutil.rmtree(smears)
    with pytest.raises(UserError, match="has gone since the data set was opened"):
        find_overlaps(dataset, store=store)


def test_a_folder_that_cannot_be_opened_is_said(tmp_path: Path, store: Path) -> None:
    """As root may open all, the folder is a link that leads into itself."""
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(UserError, match="was not found"):
        open_dataset(tmp_path / "loop", store=store)


def test_a_folder_of_other_files_is_counted(tmp_path: Path, store: Path) -> None:
    for n in range(30):
        (tmp_path / "data" / "a").mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / "a" / f"{n}.dat").touch()
    with pytest.raises(UserError, match="holds 30 files and no images; give a folder"):
        open_dataset(tmp_path / "data", store=store)


def test_two_processes_may_open_one_set_at_once(
    tmp_path: Path, store: Path, write_image: Callable[..., Path]
) -> None:
    for n in range(12):
        write_image(f"data/{'ab'[n % 2]}/{n}.png", seed=n, px=100)
    command = [sys.executable, "-m", "modelzoo", "data", str(tmp_path / "data"), "--json"]
    both = [
        subprocess.Popen([*command, "--store", str(store)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    first, second = (process.communicate()[0] for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert first == second
