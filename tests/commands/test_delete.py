"""Deleting and renaming runs by command, damaged ones too."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from modelzoo.runs.folder import list_run_folders, list_runs
from modelzoo.runs.status import Status, this_process, write_status
from tests.commands.conftest import Command
from tests.damages import DAMAGES, spoil_copies
from tests.run_folders import make_run


@pytest.fixture
def runs(tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of runs, of which only `whole` is not damaged."""
    make_run(tmp_path / "runs", "whole", images=8)
    for name in ("no-config", "not\udcffutf8", " odd [name] "):
        (tmp_path / "runs" / name).mkdir()
    monkeypatch.setenv("BLASTLENS_HOME", str(tmp_path))
    return tmp_path / "runs"


def test_every_damaged_run_is_deleted_by_the_name_that_it_is_listed_by(
    command: Command, runs: Path
) -> None:
    spoil_copies(DAMAGES, runs / "whole", runs)
    _, damaged = list_runs(runs)
    assert {"no-config", "not\\udcffutf8", " odd [name] "} < damaged.keys()

    for name in damaged:
        answer = command("modelzoo", "delete", "--yes", name)

        assert (answer.exit_code, answer.stderr) == (0, ""), name
        assert answer.stdout.count("\n") == 1

    assert list_runs(runs)[1] == {}
    assert "whole" in list_run_folders(runs)


def test_a_damaged_run_is_renamed(command: Command, runs: Path) -> None:
    answer = command("modelzoo", "rename", "no-config", "to-be-mended")

    assert (answer.exit_code, answer.stdout) == (0, f"Renamed to {runs / 'to-be-mended'}.\n")
    assert "no-config" not in list_run_folders(runs)


def test_a_damaged_run_is_not_deleted_while_a_process_trains_it(
    command: Command, runs: Path
) -> None:
    write_status(runs / "no-config", Status(state="training", **this_process()))

    answer = command("modelzoo", "delete", "no-config", "--yes")

    assert answer.exit_code == 2
    assert "is training; stop it before it is deleted" in answer.stderr
    assert (runs / "no-config").is_dir()


@pytest.mark.parametrize("given", ["elsewhere", "{tmp}/elsewhere", ".", "..", "", "runs", "gone"])
def test_a_folder_that_is_no_run_is_neither_deleted_nor_renamed(
    command: Command, runs: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    (runs.parent / "elsewhere").mkdir()
    monkeypatch.chdir(runs.parent)

    for typed in (["delete", "--yes"], ["rename", "new"]):
        verb, *more = typed
        answer = command("modelzoo", verb, given.format(tmp=runs.parent), *more)

        assert answer.exit_code == 2
        assert answer.stderr.count("\n") == 1

    assert (runs.parent / "elsewhere").is_dir()
    assert "no-config" in list_run_folders(runs)


def test_a_run_in_this_folder_is_meant_before_a_damaged_one_of_its_name(
    command: Command, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = runs.parent / "here"
    shutil.copytree(runs / "whole", here / "no-config")
    monkeypatch.chdir(here)

    answer = command("modelzoo", "delete", "no-config", "--yes")

    assert answer.exit_code == 0
    assert not (here / "no-config").exists()
    assert (runs / "no-config").is_dir()


@pytest.mark.parametrize(("typed", "is_left"), [(b"n\n", True), (b"y\n", False)])
def test_a_terminal_is_asked_before_a_damaged_run_is_deleted(
    tmp_path: Path, typed: bytes, is_left: bool
) -> None:
    folder = tmp_path / "runs" / "no-config"
    folder.mkdir(parents=True)
    person, terminal = os.openpty()
    os.write(person, typed)

    answer = subprocess.run(
        [sys.executable, "-m", "modelzoo", "delete", "no-config"],
        stdin=terminal,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"BLASTLENS_HOME": str(tmp_path)},
    )

    os.close(person)
    os.close(terminal)
    assert f"Delete {folder} with all that is in it?" in answer.stdout
    assert folder.is_dir() is is_left
