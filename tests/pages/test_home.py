from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from modelzoo.runs.file_names import PREDICTIONS, STATUS
from modelzoo.runs.status import Status, this_process, write_status
from tests.pages.opened import allow_typed, open_page, open_path, text_of
from tests.run_folders import make_run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the app looks for runs."""
    monkeypatch.setenv("BLASTLENS_HOME", str(tmp_path))
    return tmp_path / "runs"


def test_an_empty_machine_offers_the_demo(folder: Path) -> None:
    app = open_page()

    assert not app.exception
    assert "#### Nothing has been trained here yet." in text_of(app)
    assert "Train the demo" in [button.label for button in app.button]
    assert app.metric[0].value == "0"
    assert "**Not for diagnosis.**" in text_of(app)
    assert not folder.exists()  # looking changes nothing


def test_what_the_runs_show_comes_first(folder: Path) -> None:
    make_run(folder, "a", backbone="vgg16", skill=0.2)
    make_run(folder, "b", backbone="resnet50", skill=4)
    make_run(folder, "c", state="stopped")

    app = open_page()

    assert not app.exception
    assert "#### ResNet50 has the highest accuracy; VGG16 is lower" in text_of(app)
    assert [metric.value for metric in app.metric[:2]] == ["2", "1"]
    assert all(metric.help for metric in app.metric)


def test_what_trains_is_shown_with_its_progress(folder: Path) -> None:
    run = make_run(folder, "xception-0", backbone="xception", state="stopped")
    status = Status(
        state="training",
        phase="training",
        epoch=3,
        epochs=30,
        seconds_left=120,
        **this_process(),
    )
    write_status(run.path, status)

    app = open_page()

    (bar,) = app.get("progress")
    assert bar.proto.value == 10
    assert "**Xception** `xception-0`: Training, epoch 4 of 30" in text_of(app)
    assert "**Xception is training on this machine, about 2 minutes left.**" in text_of(app)


def test_the_demo_says_how_long_the_rest_takes(folder: Path) -> None:
    make_run(folder, "demo-vgg19", backbone="vgg19")
    waits = make_run(folder, "demo-resnet50", backbone="resnet50", state="stopped")
    write_status(waits.path, Status(state="queued", **this_process()))

    app = open_page()

    (bar,) = app.get("progress")
    assert bar.proto.text == (
        "The demo has trained 1 of 2 backbones on synthetic smears; "
        "the rest takes about 14 seconds."
    )


def test_a_damaged_run_does_not_keep_the_page_from_ending(folder: Path) -> None:
    (make_run(folder, "a").path / PREDICTIONS).write_bytes(b"PAR1")
    (make_run(folder, "b").path / STATUS).write_bytes(b"{")

    app = open_page()  # fails where a page runs again without end

    assert not app.exception
    assert app.metric[0].value == "1"


def test_a_folder_in_the_link_is_looked_into(folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "images"
    for index, name in enumerate(["Benign", "Pro"]):
        (data / name).mkdir(parents=True)
        pixels = np.random.default_rng(index).integers(0, 255, (32, 32, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(data / name / "one.png")
    (data / "Pro" / "broken.jpg").write_bytes(b"\xff\xd8no image")

    app = open_path(str(data))

    assert not app.exception
    assert "2 images of 2 classes in 2 groups" in text_of(app)
    assert app.dataframe[0].value["Class"].tolist() == ["Benign", "Pro"]
    assert app.dataframe[1].value["Examples"].tolist() == ["Pro/broken.jpg"]


def test_a_folder_that_is_not_there_is_a_sentence(folder: Path, tmp_path: Path) -> None:
    app = open_path(str(tmp_path / "nowhere"))

    assert not app.exception
    assert "nowhere" in app.error[0].value


def test_a_search_that_was_stopped_goes_on(folder: Path, tmp_path: Path) -> None:
    for index, name in enumerate(["Benign", "Pro"]):
        (tmp_path / "data" / name).mkdir(parents=True)
        noise = np.random.default_rng(index).integers(0, 255, (32, 32, 3)).astype(np.uint8)
        Image.fromarray(noise).save(tmp_path / "data" / name / "one.png")
    data = str(tmp_path / "data")
    app = open_path(data)
    app.session_state["stopped-home"] = data  # as its button does

    stopped = text_of(allow_typed(app, "data", data).run())
    button = next(each for each in app.button if each.label == "Go on")
    allow_typed(app, "data", data)
    button.click().run()

    assert "Stopped. Files that were checked are not checked again." in stopped
    assert "2 images of 2 classes" not in stopped
    assert not app.exception
    assert "2 images of 2 classes" in text_of(app)
