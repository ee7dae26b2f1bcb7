"""The page Train with a cluster in the settings: what is free, what is submitted, and a start."""

import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from modelzoo.runs.folder import list_runs
from tests.clusters.slurm_here import Slurm
from tests.pages.opened import open_page, text_of

pytestmark = pytest.mark.slow

SETTINGS = """
[cluster]
engine = "slurm"
partition = "main"
gpus = 0
cpus = 1
memory_gb = 3
at_once = 2

[gone]
engine = "ray"
address = "http://127.0.0.1:9"
"""


@pytest.fixture
def home(tmp_path: Path, images: Path, slurm: Slurm, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BLASTLENS_HOME", str(tmp_path))
    # AppTest is a new server at every run: the page would begin again, and lose a click each time.
    monkeypatch.setattr(
        "pages.shell.entry.PagesManager", SimpleNamespace(uses_pages_directory=False)
    )
    (tmp_path / "targets.toml").write_text(SETTINGS)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "synthetic-smears").symlink_to(images)  # known to the page without a click
    return tmp_path


def test_runs_are_sent_from_the_page_and_cancelled_there(home: Path, slurm: Slurm) -> None:
    block = ["--mem=4000", "--output=/dev/null", "--wrap=sleep 1000"]
    blocking = slurm.ask("sbatch", "--parsable", *block).strip()
    slurm.wait(lambda: "RUNNING" in slurm.ask("squeue", "--noheader", "--format=%T"))

    app = open_page(
        "train",
        train_target="cluster",
        train_weights="none",
        train_backbone=["AlexNet", "13-layer CNN"],
        train_seeds=["0", "1"],
        train_split="random",
        train_submission="true",
    )

    assert not app.exception
    text = text_of(app)
    assert "CPUs: 1 of 2 free; GPUs a100: 2 of 2 free" in text
    assert "Ray does not answer at" in text
    command, script = (each.value for each in app.code[:2])
    assert command.startswith("python -m modelzoo train --recipe quick ")
    assert "--backbone alexnet,cnn13 " in command
    assert command.endswith("--seed 0,1 --target cluster")
    assert "#SBATCH --array=0-3%2" in script
    subprocess.run(["sbatch", "--test-only"], input=script, text=True, check=True)
    (start,) = (button for button in app.button if button.label == "Start 4 runs")

    start.click().run()

    assert not app.exception
    assert not app.error
    runs, _ = list_runs(home / "runs")
    assert len(runs) == 4
    waiting = slurm.ask("squeue", "--array", "--noheader", "--states=PENDING", "--format=%i")
    assert len(waiting.split()) == 4
    assert "Queued on cluster, until" in text_of(app)
    slurm.ask("scancel", blocking, waiting.split()[0].partition("_")[0])


def test_a_settings_file_that_is_damaged_is_said_and_this_machine_stays(home: Path) -> None:
    (home / "targets.toml").write_text(SETTINGS + "partition = 'x'")

    app = open_page("train")

    assert not app.exception
    assert "line 13: 'partition' is unknown for engine ray" in app.error[0].value
    assert "Target" not in [each.label for each in app.selectbox]
