"""Weights on Home: what is being fetched, what in the demo waits for them, and the ways on."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from modelzoo.launching import local
from modelzoo.launching.fetching import FETCH, Fetch
from modelzoo.runs.parse import format_record
from modelzoo.runs.status import this_process
from tests.pages.opened import open_page, text_of
from tests.run_folders import make_run

LITE0 = "tf_efficientnet_lite0"
RUNNING = Fetch(
    state="fetching",
    backbone="efficientnet_b0",
    done_bytes=12_000_000,
    total_bytes=21_000_000,
    **this_process(),
)
OFFLINE = Fetch(
    state="done",
    reasons={"vgg16": "no network"},
    sentences={"vgg16": "The weights of VGG16 could not be fetched."},
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the app looks for runs, and for weights: those of Lite0 alone."""
    monkeypatch.setenv("BLASTLENS_HOME", str(tmp_path))
    monkeypatch.setenv("BLASTLENS_WEIGHTS", str(tmp_path))
    monkeypatch.setattr("modelzoo.backbones.weights._in_package", lambda row: None)
    monkeypatch.setattr("modelzoo.backbones.weights.find_cached", lambda row: None)
    (tmp_path / f"{LITE0}.safetensors").touch()
    # Each run of an AppTest is the first of a server, which begins again, and a click is lost.
    monkeypatch.setattr(
        "pages.shell.entry.PagesManager", SimpleNamespace(uses_pages_directory=False)
    )
    return tmp_path


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that the page starts, which are not run: what follows `-m modelzoo`."""
    commands: list[list[str]] = []

    def start(command: Sequence[str], log: Path) -> int:
        commands.append([*command][3:])
        return 1

    monkeypatch.setattr(local, "start_detached", start)
    return commands


def note(home: Path, fetch: Fetch) -> None:
    (home / FETCH).write_text(format_record(fetch))


def labels_of(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def click(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def test_without_a_demo_nothing_waits(home: Path) -> None:
    app = open_page()

    assert not app.exception
    assert "wait for their weights" not in text_of(app)
    assert not {"Stop fetching", "Fetch missing weights"} & set(labels_of(app))


def test_a_fetch_is_shown_with_its_progress_and_can_be_stopped(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note(home, RUNNING)
    stopped: list[Path] = []
    monkeypatch.setattr("pages.sections.home.weights.stop_fetch", stopped.append)

    app = open_page()
    (bar,) = app.get("progress")
    click(app, "Stop fetching")

    assert not app.exception
    assert bar.proto.value == 57
    assert bar.proto.text == (
        "ImageNet weights of EfficientNet-B0 are being fetched: 12 of 21 MB; 2,003 MB are left in "
        "all."
    )
    assert stopped == [home]


def test_the_demo_says_what_waits_and_why_and_trains_from_scratch_when_asked(
    home: Path, started: list[list[str]]
) -> None:
    make_run(home / "runs", f"demo-{LITE0}", backbone=LITE0)
    note(home, OFFLINE)

    app = open_page()
    click(app, "VGG16")
    click(app, "All 10")
    click(app, "Fetch missing weights")

    assert not app.exception
    assert "In the demo EfficientNet-B0, NASNet-Mobile, " in text_of(app)
    assert "wait for their weights (no network); fetch them, or put" in text_of(app)
    assert started[0] == ["demo", "--queue", "--from-scratch", "vgg16"]
    assert started[1][:3] == ["demo", "--queue", "--from-scratch"]
    assert len(started[1][3].split(",")) == 10
    assert started[2] == ["weights", "--fetch"]


def test_weights_that_were_put_there_can_be_trained(home: Path, started: list[list[str]]) -> None:
    make_run(home / "runs", f"demo-{LITE0}", backbone=LITE0)
    (home / "resnet50.safetensors").touch()

    app = click(open_page(), "Train them in the demo")

    assert not app.exception
    assert "The weights of ResNet50 are here now." in text_of(app)
    assert started == [["demo", "--queue"]]


def test_the_table_says_of_each_backbone_where_its_weights_are(home: Path) -> None:
    note(home, OFFLINE)

    app = open_page(weights="true")

    assert not app.exception
    table = app.dataframe[0].value.set_index("Backbone")
    assert table["State"]["EfficientNet-Lite0"] == "in folder"
    assert table["State"]["VGG16"] == "waits: no network"
    assert table["State"]["VGG19"] == "not here: fetch"
    assert "The weights of VGG16 could not be fetched." in text_of(app)
    assert "Weights of 12 backbones are missing, 2,015 MB" in text_of(app)
