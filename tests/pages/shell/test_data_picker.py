"""A path in a link is opened after a click, and never tells what lies on the disk."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.scriptrunner import RerunData
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.local_script_runner import LocalScriptRunner

from tests.pages.opened import allow_typed, open_page, open_path, text_of
from tests.run_folders import make_run, write_images


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BLASTLENS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    write_images(tmp_path / "outside", images_per_class=2)
    return tmp_path / "outside"


def said(app: AppTest) -> str:
    return "\n".join(each.value for each in (*app.error, *app.markdown))


def test_a_path_in_a_link_waits_for_a_click(home: Path, images: Path) -> None:
    app = open_page(data=str(images))

    assert not app.exception
    assert str(images) in text_of(app)
    assert "8 images of 4 classes" not in text_of(app)
    assert not (home / "store").exists()  # where every check of a data set is kept

    allow_typed(app, "data", str(images)).button(key="open-data").click().run()

    assert "8 images of 4 classes" in text_of(app)


def test_a_path_that_a_person_chooses_needs_no_second_click(home: Path, images: Path) -> None:
    app = allow_typed(open_page(), "data", str(images))

    app.selectbox(key="data").set_value(str(images)).run()

    assert "8 images of 4 classes" in text_of(app)


def test_images_that_a_run_was_trained_on_need_no_click(home: Path, images: Path) -> None:
    make_run(home / "runs", "lite0", data=str(images))

    app = open_page(data=str(images))

    assert "8 images of 4 classes" in text_of(app)


def test_a_training_on_images_of_a_link_waits_for_a_click(home: Path, images: Path) -> None:
    make_run(home / "runs", "lite0", data="elsewhere")

    app = open_page("train", train_data=str(images))

    assert not app.exception
    assert "train_start" not in {each.key for each in app.button}
    allow_typed(app, "train_data", str(images)).button(key="open-train_data").click().run()
    assert app.button(key="train_start")
    assert f"--data {images}" in app.code[0].value


@pytest.mark.parametrize("page", [None, "train"])
def test_before_the_click_the_disk_is_not_asked(
    home: Path, images: Path, page: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the page would tell whether something is there."""
    key = "train_data" if page else "data"

    there = open_page(page, **{key: str(images)})
    not_there = open_page(page, **{key: str(images.with_name("nowhere"))})

    assert said(there).replace("outside", "nowhere") == said(not_there)


def test_what_is_no_data_set_is_one_sentence_whatever_it_is(home: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "empty").mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "pipes" / "A").mkdir(parents=True)
    os.mkfifo(tmp_path / "pipes" / "A" / "p.jpg")
    names = ["nowhere", "n" * 300, "n/" * 1500 + "n", "a b", "~", "$HOME", "pipes"]
    names += ["pipe", "pipe.csv", "empty", "secret.txt", "table.csv", "loop"]

    sentences = set()
    for name in names:
        app = open_path(str(tmp_path / name))
        assert not app.exception, name
        (error,) = app.error
        sentences.add(error.value.replace(name.replace("$", r"\$").replace("~", r"\~"), "NAME"))

    assert len(sentences) == 1, sentences


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A folder that a walk leaves for the one below it only after it has told its progress."""
    (tmp_path / "many" / "below").mkdir(parents=True)
    for number in range(1100):
        (tmp_path / "many" / f"{number}.jpg").touch()
    return tmp_path / "many"


def open_and_interrupt(
    folder: Path,
    interrupt: Callable[[LocalScriptRunner, str], object],
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[AppTest, list[Path]]:
    """Home with the folder as its data set, and the folders listed in it.

    As Streamlit does for a browser, `interrupt` asks the session's runner while its script runs:
    when the walk has just begun. It is given the id of the widget that has the path, too.
    """
    runners: list[LocalScriptRunner] = []
    start, list_folder = LocalScriptRunner.start, os.scandir
    listed: list[Path] = []

    def keep_and_start(runner: LocalScriptRunner) -> None:
        runners.append(runner)
        start(runner)

    def list_and_interrupt(path: "str | os.PathLike[str]" = ".") -> "os._ScandirIterator[str]":
        if Path(path).is_relative_to(folder):
            listed.append(Path(path))
            if len(listed) == 1:
                interrupt(runners[-1], app.selectbox(key="data").id)
        return list_folder(path)

    app = allow_typed(open_page(data=str(folder)), "data", str(folder))
    monkeypatch.setattr(LocalScriptRunner, "start", keep_and_start)
    monkeypatch.setattr(os, "scandir", list_and_interrupt)
    return app.button(key="open-data").click().run(), listed


def test_a_walk_that_nobody_interrupts_lists_all(
    home: Path, many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, listed = open_and_interrupt(many, lambda runner, _: None, monkeypatch)

    assert listed == [many, many / "below"]


def test_a_walk_ends_with_its_session(
    home: Path, many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tab that is closed ends its session, which asks the script to stop."""
    app, listed = open_and_interrupt(many, lambda runner, _: runner.request_stop(), monkeypatch)

    assert not app.exception
    assert listed == [many]


def test_a_walk_ends_when_another_data_set_is_chosen(
    home: Path, many: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def choose_other(runner: LocalScriptRunner, widget: str) -> None:
        chosen = WidgetStates(widgets=[WidgetState(id=widget, string_value=str(images))])
        runner.request_rerun(RerunData(widget_states=chosen))

    app, listed = open_and_interrupt(many, choose_other, monkeypatch)

    assert not app.exception
    assert "8 images of 4 classes" in text_of(app)
    assert listed == [many]


@pytest.fixture
def table(images: Path) -> Path:
    """A table of the images whose columns of classes are not called so."""
    rows = [f"{path.relative_to(images)},{path.parent.name}" for path in images.rglob("*.jpg")]
    (images / "table.csv").write_text("\n".join(["file,dx", *rows]))
    return images / "table.csv"


def test_the_columns_of_a_table_can_be_named_on_home(home: Path, table: Path) -> None:
    app = open_path(str(table))
    assert "could not be opened as a data set" in app.error[0].value

    allow_typed(app, "data", str(table)).text_input(key="columns").set_value("label=dx").run()

    assert not app.error
    assert "8 images of 4 classes" in text_of(app)
    command = f"python -m modelzoo data {table} --columns label=dx"
    assert app.code[-1].value == f"{command}\n{command} --card data-card.md"


def test_the_columns_of_a_table_can_be_named_on_train(home: Path, table: Path) -> None:
    app = open_path(
        str(table), "train", key="train_data", train_columns="label=dx", train_weights="none"
    )

    assert app.text_input(key="train_columns").value == "label=dx"
    assert f"--data {table}" in app.code[0].value
    assert "--columns label=dx" in app.code[0].value


@pytest.mark.parametrize(("page", "key"), [(None, "data"), ("train", "train_data")])
def test_a_folder_is_not_asked_for_its_columns(
    home: Path, images: Path, page: str | None, key: str
) -> None:
    asked = {"columns": "label=dx", "train_columns": "label=dx"}

    app = open_path(str(images), page, key=key, **asked)

    assert not app.exception
    assert not {"columns", "train_columns"} & {each.key for each in app.text_input}
    assert not app.error


def test_columns_that_cannot_be_named_are_a_sentence_on_home(home: Path, table: Path) -> None:
    app = open_path(str(table), columns="colour=dx")

    assert "The columns 'colour=dx' cannot be used" in app.error[0].value
