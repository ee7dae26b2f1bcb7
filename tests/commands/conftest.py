"""A home with small runs, and a way to type a command in this process."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from modelzoo.__main__ import app as zoo
from tests.xai.small_runs import write_small_runs
from xai.__main__ import app as xai

Command = Callable[..., Result]


@pytest.fixture(scope="session")
def small_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs with untrained networks on one small data set; no test changes it."""
    home = tmp_path_factory.mktemp("home")
    write_small_runs(home)
    return home


@pytest.fixture
def command(small_home: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Types a command, `command("modelzoo", "runs")`, where the small runs are."""
    monkeypatch.setenv("BLASTLENS_HOME", str(small_home))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(small_home)
    apps = {"modelzoo": zoo, "xai": xai}
    return lambda module, *arguments: CliRunner().invoke(apps[module], [*arguments])
