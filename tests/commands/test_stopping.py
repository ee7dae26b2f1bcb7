"""Ctrl-C in the middle of a command that writes: what is said is true, and no half of a file stays.

Ctrl-C is raised where the work is done, in place of one call of a function of ours.
"""

import importlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.commands.conftest import Command
from tests.pages.opened import ROOT

NOTHING = "Stopped; nothing was written.\n"
# A command, and which call of which function Ctrl-C meets.
INTERRUPTED = {
    "reading images": (
        "modelzoo predict --run lite0-64 data --out out/p.csv",
        "modelzoo.inference.decoding.decode_image",
        5,
    ),
    "writing predictions": (
        "modelzoo predict --run lite0-64 data --out out/p.csv",
        "modelzoo.commands.predict._flatten",
        5,
    ),
    "printing predictions": (
        "modelzoo predict --run lite0-64 data",
        "modelzoo.commands.predict._predict",
        1,
    ),
    "looking at images": (
        "modelzoo data data --out out/d.csv",
        "modelzoo.datasets.preparing.find_groups",
        1,
    ),
    "writing a data set": (
        "modelzoo data data --out out/d.csv",
        "modelzoo.datasets.report.describe_dataset",
        1,
    ),
    "scoring a run": (
        "modelzoo evaluate lite0-64 --csv",
        "modelzoo.evaluation.run_scores.evaluate_run",
        1,
    ),
    "scoring runs": ("modelzoo runs --csv", "modelzoo.evaluation.rows.read_leaderboard", 1),
    "ranking images": (
        "modelzoo images --run lite0-64 --csv",
        "modelzoo.evaluation.hardest.rank_hardest",
        1,
    ),
    "evaluating maps": (
        "xai quality --run lite0-64 --methods grad-cam --n 2",
        "xai.commands.evaluating.evaluate_image",
        2,
    ),
    "loading a run to explain": (
        "xai explain --run lite0-64 --image data --out out",
        "xai.commands.explaining.start",
        1,
    ),
}


@pytest.fixture
def home(
    small_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> Path:
    """A copy of the small runs, with a folder `out`."""
    home = tmp_path / "home"
    shutil.copytree(small_home / "runs", home / "runs")
    (home / "data").symlink_to(small_home / "data")
    (home / "out").mkdir()
    monkeypatch.setenv("BLASTLENS_HOME", str(home))
    monkeypatch.chdir(home)
    return home


def interrupt(monkeypatch: pytest.MonkeyPatch, function: str, at: int) -> None:
    """Raise what Ctrl-C raises at the call number `at` of a function, instead of it."""
    module, _, name = function.rpartition(".")
    owner = importlib.import_module(module)
    original = getattr(owner, name)
    calls = 0

    def call(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == at:
            raise KeyboardInterrupt
        return original(*arguments, **options)

    monkeypatch.setattr(owner, name, call)


def files_in(home: Path) -> dict[str, bytes]:
    found = [file for folder in ("runs", "out") for file in (home / folder).rglob("*")]
    return {str(file): file.read_bytes() for file in found if file.is_file()}


@pytest.mark.parametrize(("typed", "function", "at"), INTERRUPTED.values(), ids=INTERRUPTED)
def test_ctrl_c_says_that_nothing_was_written(
    command: Command,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    function: str,
    at: int,
) -> None:
    before = files_in(home)
    interrupt(monkeypatch, function, at)

    answer = command(*typed.split(" "))

    assert (answer.exit_code, answer.stdout, answer.stderr) == (130, "", NOTHING)
    assert files_in(home) == before


def test_a_file_that_was_there_stays_when_the_new_one_is_stopped(
    command: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed, function, at = INTERRUPTED["writing predictions"]
    (home / "out" / "p.csv").write_text("old")
    interrupt(monkeypatch, function, at)

    assert command(*typed.split(" ")).stderr == NOTHING

    assert {path.name for path in (home / "out").iterdir()} == {"p.csv"}
    assert (home / "out" / "p.csv").read_text() == "old"


def test_explaining_says_that_it_goes_on_and_it_does(
    command: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = ["xai", "explain", "--run", "lite0-64", "--image", "data/Pro", "--out", "out"]
    with monkeypatch.context() as patch:
        interrupt(patch, "xai.commands.explaining._add_maps", 3)

        stopped = command(*typed)

    assert (stopped.exit_code, stopped.stdout) == (130, "")
    assert stopped.stderr == "Stopped; the same command goes on from here.\n"
    again = command(*typed)
    assert again.exit_code == 0, again.output
    assert "Maps: 8 made, 2 there already." in again.stdout


def test_fetching_weights_says_what_is_kept(
    command: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BLASTLENS_WEIGHTS", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(home / "hub"))
    monkeypatch.setenv("TORCH_HOME", str(home / "torch"))
    interrupt(monkeypatch, "modelzoo.launching.fetching.fetch_weights", 1)

    answer = command("modelzoo", "weights", "vgg16", "resnet50", "--fetch")

    assert (answer.exit_code, answer.stdout) == (130, "")
    assert answer.stderr == (
        "Stopped; what was fetched is kept, and the same command fetches the rest.\n"
    )


@pytest.mark.parametrize("module", ["modelzoo", "xai"])
def test_ctrl_c_during_the_imports_ends_without_a_traceback(module: str, tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGINT)")

    answer = subprocess.run(
        [sys.executable, "-m", module, "--help"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(tmp_path), "PYTHONSAFEPATH": ""},
        # As from a shell: where these tests run behind `&`, Ctrl-C is ignored by all they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )

    assert answer.returncode == -signal.SIGINT
    assert (answer.stdout, answer.stderr) == ("", "")
