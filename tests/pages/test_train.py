import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import psutil
import pytest
from streamlit.testing.v1 import AppTest

from modelzoo.config.train_config import TrainConfig, read_recipe
from modelzoo.launching.rate_search import FOLDER, make_search
from modelzoo.runs.folder import delete_run
from modelzoo.runs.rate_search import RateSearch, write_search
from modelzoo.runs.status import State, Status, read_status, this_process, write_status
from pages.sections.train.forecast import forecasts
from tests.pages.opened import ROOT, open_page, open_path, text_of
from tests.patience import PATIENCE_SECONDS
from tests.run_folders import make_run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the app looks for runs; there are images too."""
    monkeypatch.setenv("BLASTLENS_HOME", str(tmp_path))
    # AppTest is a new server at every run: the page would begin again, and lose a click each time.
    monkeypatch.setattr(
        "pages.shell.entry.PagesManager", SimpleNamespace(uses_pages_directory=False)
    )
    (tmp_path / "data" / "synthetic-smears").mkdir(parents=True)
    return tmp_path / "runs"


def test_the_form_is_filled_with_a_run_that_can_be_started(folder: Path) -> None:
    app = open_page("train")

    assert not app.exception
    assert not app.error
    assert "#### Nothing is training." in text_of(app)
    (command,) = (each.value for each in app.code)
    assert "--name tf_efficientnet_lite0-grouped-0 --recipe quick" in command
    assert "synthetic-smears" in command
    assert "Start" in [button.label for button in app.button]
    assert not folder.exists()  # looking changes nothing


def test_without_images_the_demo_is_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLASTLENS_HOME", str(tmp_path))

    app = open_page("train")

    assert not app.exception
    assert not app.error
    assert [button.label for button in app.button] == ["Train the demo"]


def test_every_option_has_a_widget_with_its_help(folder: Path) -> None:
    app = open_page("train")

    labels = {each.label: each.help for each in [*app.selectbox, *app.number_input]}
    text = "Size of a step at the start; with one-cycle, at the peak. From 1e-08 to 10."
    assert labels["Learning rate"] == text
    assert {"Mode", "Weights", "Optimizer", "Epochs", "Precision", "Split"} <= set(labels)
    assert all(labels.values())


def test_all_ten_are_one_choice_and_each_has_its_command(folder: Path) -> None:
    app = open_page("train", train_backbone="all ten of Muduli et al. 2025", train_weights="none")

    assert not app.exception
    commands = app.code[0].value.splitlines()
    assert len(commands) == 10
    assert len({line.split("--backbone ")[1].split()[0] for line in commands}) == 10
    assert "Start 10 runs" in [button.label for button in app.button]


def test_the_link_fills_the_form(folder: Path) -> None:
    app = open_page(
        "train", train_recipe="finetune", train_epochs="7", train_split="background", train_name="a"
    )

    command = app.code[0].value
    assert "--name a --recipe finetune" in command
    assert "--epochs 7" in command
    assert "--split background" in command


@pytest.mark.parametrize(
    ("choices", "sentence"),
    [
        ({"train_input_px": "10"}, "Input size 10 px is too small for these networks"),
        ({"train_test_share": "0.6", "train_validation_share": "0.6"}, "leave less than 5 %"),
        ({"train_name": "../../escaped"}, "Run name '../../escaped' cannot be used"),
    ],
)
def test_a_choice_that_does_not_hold_is_a_sentence_and_starts_nothing(
    folder: Path, choices: dict[str, str], sentence: str
) -> None:
    app = open_page("train", **choices)

    assert not app.exception
    assert sentence in app.error[0].value
    assert not any("Start" in button.label for button in app.button)
    assert not folder.exists()


def test_images_that_are_not_there_are_a_sentence_and_start_nothing(folder: Path) -> None:
    app = open_path("nowhere", "train", key="train_data")

    assert not app.exception
    assert "nowhere was not found" in app.error[0].value
    assert not any("Start" in button.label for button in app.button)
    assert not folder.exists()


def test_a_name_that_is_taken_is_said_before_the_click(folder: Path) -> None:
    make_run(folder, "taken")

    app = open_page("train", train_name="taken")

    (error,) = (each.value for each in app.error)
    assert "Run 'taken' is already in" in error
    assert next(each for each in app.button if each.label == "Start").disabled
    app = open_page("train", train_name="take")
    assert not app.error
    assert not next(each for each in app.button if each.label == "Start").disabled


def test_the_form_begins_with_images_that_a_run_was_trained_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLASTLENS_HOME", str(tmp_path))
    for name, state in (("a-failed", "failed"), ("b-gone", "done"), ("c-good", "done")):
        data = tmp_path / name
        if name != "b-gone":
            data.mkdir()
        make_run(tmp_path / "runs", name, state=cast("State", state), data=str(data))

    app = open_page("train")

    assert f"--data {tmp_path / 'c-good'} " in app.code[0].value


def test_all_runs_are_listed_with_state_and_score_newest_first(folder: Path) -> None:
    for number, (name, state) in enumerate((("old", "done"), ("new", "failed"))):
        run = make_run(folder, name, state=cast("State", state))
        for file in run.path.iterdir():
            os.utime(file, (10**9 + number, 10**9 + number))

    (table,) = open_page("train", all_runs="true").dataframe

    assert list(table.value["Run"]) == ["new", "old"]
    assert list(table.value["State"]) == ["failed", "done"]
    assert list(table.value["Accuracy"].notna()) == [False, True]


def test_a_deleted_run_leaves_no_warning(folder: Path) -> None:
    run = make_run(folder, "here", state="failed", error="Memory ran out.")
    make_run(folder, "other")
    app = open_page("train", train_run="here")

    next(each for each in app.button if each.label == "Delete for good").click().run()

    assert not run.path.exists()
    assert not app.exception
    assert not app.warning
    assert next(each for each in app.selectbox if each.label == "Run").value is None


def test_what_a_head_takes_by_the_second_are_no_images(folder: Path) -> None:
    for name, mode in (("head", "frozen"), ("whole", "finetune")):
        make_run(folder, name, mode=mode)

    labels = {
        name: [each.label for each in open_page("train", train_run=name).metric]
        for name in ("head", "whole")
    }

    assert "Cached features/s" in labels["head"]
    assert "Images/s" in labels["whole"]


def test_a_number_past_its_limits_is_not_taken(folder: Path) -> None:
    app = open_page("train", train_patience="10001", train_weights="none")
    epochs = next(each for each in app.number_input if each.label == "Epochs")

    epochs.set_value(10_001).run()  # a browser would not let it through

    assert not app.exception
    assert "10001" not in app.code[0].value


def test_a_run_that_failed_says_why_and_can_be_resumed_or_deleted(folder: Path) -> None:
    make_run(folder, "broken", state="failed", error="Memory ran out.")

    app = open_page("train", train_run="broken")

    assert "Memory ran out." in text_of(app)
    labels = [button.label for button in app.button]
    assert "Resume" in labels
    assert "Delete for good" in labels
    assert not any(label.startswith("Stop") for label in labels)


def test_what_waits_says_how_many_are_before_it(folder: Path) -> None:
    for number, name in enumerate(("first", "second", "third")):
        make_run(folder, name, state="stopped")
        state: State = "queued" if number else "training"
        status = Status(state=state, device="cpu", queued=number, **this_process())
        write_status(folder / name, status)

    app = open_page("train")

    assert "#### EfficientNet-Lite0 is training on cpu; 2 runs are queued." in text_of(app)
    assert "`second`: Queued, position 2 on cpu." in text_of(app)
    assert "`third`: Queued, position 3 on cpu." in text_of(app)


def test_a_run_that_is_gone_is_said(folder: Path) -> None:
    make_run(folder, "here")

    app = open_page("train", train_run="gone")

    assert not app.exception
    assert "Run gone of this link is not here." in [warning.value for warning in app.warning]


def test_a_run_deleted_while_it_is_shown_is_a_sentence(folder: Path) -> None:
    run = make_run(folder, "here")
    app = open_page("train", train_run="here")
    delete_run(run.path)

    app.run()

    assert not app.exception


def test_what_cannot_be_trained_is_said_and_leaves_no_run(folder: Path) -> None:
    app = open_page("train", train_name="empty", train_weights="none", train_device="cpu")

    next(each for each in app.button if each.label == "Start").click().run()

    assert not app.exception
    assert any("holds no images" in each.value for each in app.error)
    assert not (folder / "empty").exists()


def test_batches_that_the_processes_of_a_target_cannot_share_are_said(folder: Path) -> None:
    (folder.parent / "targets.toml").write_text('[cluster]\nengine = "slurm"\ngpus = 4\n')
    app = open_page(
        "train",
        train_target="cluster",
        train_weights="none",
        train_mode="finetune",
        train_batch_size="6",
        train_name="shared",
    )

    next(each for each in app.button if each.label == "Start").click().run()

    assert [each.value for each in app.error] == [
        "4 processes cannot share batches of 6 images; give a batch size of at least 8, 2 for each,"
        " or fewer processes."
    ]
    assert not (folder / "shared").exists()


def leave_search(folder: Path, config: TrainConfig, state: State = "done") -> None:
    """What a search of the app leaves behind."""
    search = make_search(folder / FOLDER, config)
    rates = [1e-7 * 10**k for k in range(8)]
    found = RateSearch(
        rates=rates, losses=[2.0, 1.9, 2.1, 1.5, 1.2, 0.8, 0.9, 8.0],
        smoothed=[2.0, 2.0, 2.0, 1.8, 1.5, 1.2, 1.1, 2.9],
        suggested_at=rates[3], suggestion=1e-4, reason="0.0001 is suggested: it lies well.",
    )  # fmt: skip
    write_search(search.path, found)
    error = "The loss falls at no learning rate." if state == "failed" else ""
    write_status(search.path, Status(state=state, phase="trying", error=error, **this_process()))


def open_searching(**query: str) -> AppTest:
    return open_page("train", train_weights="none", rate_search="true", **query)


def test_a_rate_that_was_found_is_drawn_and_taken_over_by_one_click(folder: Path) -> None:
    leave_search(folder, read_recipe("quick", data="elsewhere"))
    app = open_searching()
    assert not app.exception
    assert "0001 is suggested: it lies well." in text_of(app)
    assert "searched with other options" in text_of(app)

    app.button(key="rate_search_use").click().run()

    assert not app.exception
    assert app.number_input(key="train_learning_rate").value == 1e-4
    assert "--learning-rate 0.0001" in app.code[0].value
    assert app.button(key="rate_search_use").disabled


def test_a_search_that_is_at_work_is_shown_and_can_be_stopped(folder: Path) -> None:
    leave_search(folder, read_recipe("quick"), state="training")

    app = open_searching()

    assert not app.exception
    assert [each.label for each in app.button if each.key == "rate_search_stop"] == ["Stop"]
    assert not any(each.key == "rate_search_start" for each in app.button)


def test_a_search_that_found_none_says_why(folder: Path) -> None:
    leave_search(folder, read_recipe("quick"), state="failed")

    app = open_searching()

    assert not app.exception
    assert "The loss falls at no learning rate." in text_of(app)
    assert any(each.key == "rate_search_start" for each in app.button)


def test_a_click_searches_in_a_process_of_its_own(folder: Path) -> None:
    app = open_searching(train_device="cpu")

    app.button(key="rate_search_start").click().run()

    assert not app.exception
    status = read_status(folder / FOLDER, now=time.time())
    assert status.pid not in (0, os.getpid())
    with suppress(psutil.NoSuchProcess):  # there are no images, so it ends soon
        psutil.Process(status.pid).wait(PATIENCE_SECONDS)
    assert "holds no images" in read_status(folder / FOLDER, now=time.time()).error


def test_the_page_needs_no_torch(folder: Path) -> None:
    code = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        "app = AppTest.from_file('streamlit_app.py', default_timeout=300)\n"
        "app.switch_page('pages/train.py').run()\n"
        "assert not app.exception\n"
        "assert 'torch' not in sys.modules\n"
    )

    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)


def test_a_forecast_that_fails_stays_a_sentence(folder: Path) -> None:
    app = open_page("train", train_forecast="true", train_weights="none")
    app.button(key="forecast_start").click().run()
    (key,) = app.session_state["forecasts"]
    forecasts().wait_for_all([key], PATIENCE_SECONDS)

    for _ in range(2):
        app.run()
        assert not app.exception
        assert any("synthetic-smears" in each.value for each in app.error)
