"""A forecast by a process: one record of each backbone, and a sentence where there is none."""

import threading
from pathlib import Path

import pytest

from modelzoo.errors import UserError
from modelzoo.launching.forecasting import STOPPED, forecast, list_arguments
from modelzoo.launching.plan import PlannedRun, plan_runs
from tests.squares import write_squares


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BLASTLENS_HOME", str(tmp_path))
    return tmp_path


def plan(folder: Path, data: Path, *backbones: str) -> list[PlannedRun]:
    return plan_runs(
        folder=folder / "runs",
        recipe="quick",
        backbones=list(backbones),
        seeds=[0, 1],
        data=str(data),
        input_px=64,
        weights="none",
        precision="float32",
    )


def test_each_backbone_is_forecast_once_and_no_run_is_made(folder: Path) -> None:
    (folder / "images").mkdir()
    planned = plan(folder, write_squares(folder / "images"), "cnn13", "tf_efficientnet_lite0")

    found = forecast(planned, device="cpu")

    assert [each["backbone"] for each in found] == ["cnn13", "tf_efficientnet_lite0"]
    assert all(each["seconds"] > 0 and each["images"] == 48 for each in found)
    assert not (folder / "runs").exists()


def test_a_forecast_that_is_stopped_says_so(folder: Path) -> None:
    (folder / "images").mkdir()
    planned = plan(folder, write_squares(folder / "images"), "vgg16")
    stop = threading.Event()
    stop.set()

    with pytest.raises(UserError, match=STOPPED):
        forecast(planned, device="cpu", stop=stop)


def test_what_cannot_be_forecast_is_said(folder: Path) -> None:
    (folder / "empty").mkdir()
    planned = plan(folder, folder / "empty", "cnn13")

    assert "--name" not in list_arguments(planned, device="cpu")
    with pytest.raises(UserError, match="empty"):
        forecast(planned, device="cpu")
