import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelzoo.backbones.weights import WeightsRecord
from modelzoo.config.train_config import TrainConfig
from modelzoo.datasets.splits import Split, SplitRow, is_image_id
from modelzoo.errors import UserError
from modelzoo.runs.file_names import HISTORY, PREDICTIONS, STATUS, WEIGHTS
from modelzoo.runs.folder import Run, create_run, list_runs, read_run
from modelzoo.runs.history import append_history, keep_history, read_history
from modelzoo.runs.predictions import Predictions, read_predictions, write_predictions
from modelzoo.runs.records import read_split, read_weights, write_record, write_split
from modelzoo.runs.status import Status, read_status, this_process, write_status


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return create_run(tmp_path / "runs", "first", TrainConfig(data="smears", seed=3))


def test_a_run_read_back_has_its_config(run: Run) -> None:
    assert read_run(run.path) == run


def test_a_name_is_taken_once(run: Run) -> None:
    with pytest.raises(UserError, match="Run 'first' is already in"):
        create_run(run.path.parent, "first", run.config)

    assert read_run(run.path) == run


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "-x", "a b", "x" * 101, "a\n"])
def test_a_name_that_is_no_plain_word_makes_no_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="cannot be used; give up to 100 letters"):
        create_run(tmp_path / "runs", name, TrainConfig())

    assert list(tmp_path.rglob("*")) in ([], [tmp_path / "runs"])


def test_a_damaged_run_is_listed_apart_with_its_sentence(run: Run) -> None:
    (run.path.parent / "broken").mkdir()
    (run.path.parent / "broken" / "config.toml").write_text("seed = [")

    found, damaged = list_runs(run.path.parent)

    assert found == [run]
    assert list(damaged) == ["broken"]
    assert "no valid TOML" in damaged["broken"]


def test_a_process_that_was_killed_is_seen_as_failed_at_once(run: Run) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    import psutil

    started = psutil.Process(child.pid).create_time()
    host = socket.gethostname()
    now = time.time()
    status = Status(
        state="training", pid=child.pid, process_started=started, host=host, heartbeat=now
    )
    write_status(run.path, status)
    assert read_status(run.path, now=now).state == "training"

    os.kill(child.pid, signal.SIGKILL)
    child.communicate()

    seen = read_status(run.path, now=now)
    assert seen.state == "failed"
    assert "can be resumed" in seen.error


def test_a_process_id_used_again_by_another_process_is_not_the_run(run: Run) -> None:
    mine = Status(state="training", **this_process())
    write_status(run.path, replace(mine, process_started=mine.process_started - 3600))

    assert read_status(run.path, now=time.time()).state == "failed"


def test_a_run_elsewhere_is_taken_for_dead_when_it_has_long_been_silent(run: Run) -> None:
    elsewhere = Status(state="training", pid=1, host="another-machine", heartbeat=1000.0)
    write_status(run.path, elsewhere)

    assert read_status(run.path, now=1010.0).state == "training"
    assert read_status(run.path, now=1100.0).state == "failed"


def test_a_status_that_is_not_all_there_is_a_sentence(run: Run) -> None:
    (run.path / STATUS).write_text('{"state": "done"')
    with pytest.raises(UserError, match=r"status\.json is damaged"):
        read_status(run.path, now=0)

    (run.path / STATUS).unlink()
    with pytest.raises(UserError, match=r"status\.json is missing"):
        read_status(run.path, now=0)


def test_history_is_read_as_it_was_appended_and_cut_to_whole_epochs(run: Run) -> None:
    assert read_history(run.path).empty

    for epoch in (1, 2, 3):
        append_history(run.path, {"epoch": epoch, "train_loss": 1 / epoch})
    keep_history(run.path, 2)

    history = read_history(run.path)
    assert history["epoch"].tolist() == [1, 2]
    assert history["train_loss"].tolist() == [1, 0.5]


def test_a_line_that_was_cut_while_it_was_written_is_written_again(run: Run) -> None:
    for epoch in (1, 2):
        append_history(run.path, {"epoch": epoch, "train_loss": 1 / epoch})
    whole = (run.path / HISTORY).read_bytes()

    for length in range(len(whole)):
        (run.path / HISTORY).write_bytes(whole[:length])
        keep_history(run.path, 2)
        for epoch in range(max(1, (run.path / HISTORY).read_text().count("\n")), 3):
            append_history(run.path, {"epoch": epoch, "train_loss": 1 / epoch})

        assert (run.path / HISTORY).read_bytes() == whole, length


@pytest.mark.parametrize("put", [Path.mkdir, os.mkfifo, lambda file: file.symlink_to(file.name)])
def test_an_epoch_that_cannot_be_written_is_a_sentence(
    run: Run, put: Callable[[Path], object]
) -> None:
    put(run.path / HISTORY)

    with pytest.raises(UserError, match=r"history\.csv"):
        append_history(run.path, {"epoch": 1})
    with pytest.raises(UserError, match=r"history\.csv"):
        keep_history(run.path, 1)


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), min_size=1)


@given(
    rows=st.lists(
        st.tuples(texts.filter(is_image_id), texts, texts, st.sampled_from(["train", "test"])),
        min_size=1,
        unique_by=lambda row: row[0],
    )
)
def test_a_split_written_and_read_back_is_the_same_split(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("run")
    split = Split(tuple(SplitRow(*row) for row in rows))  # type: ignore[arg-type]  # parts as drawn
    write_split(folder, split)

    assert read_split(folder) == split
    assert read_split(folder).id == split.id


def test_splits_that_differ_in_one_part_have_other_ids() -> None:
    first = Split((SplitRow("a/1.jpg", "a", "g1", "train"),))
    second = Split((SplitRow("a/1.jpg", "a", "g1", "test"),))

    assert first.id != second.id


@pytest.fixture
def predictions() -> Predictions:
    logits = np.array([[1, -1], [0.5, 2], [3, 3]], np.float32)
    return Predictions(
        ("a/1.jpg", "b/1.jpg", "x.jpg"),
        ("test", "train", "test"),
        np.array([0, 1, -1]),
        ("a", "b"),
        logits,
        np.full((3, 2), 0.5, np.float32),
    )


def test_predictions_written_and_read_back_are_the_same(run: Run, predictions: Predictions) -> None:
    write_predictions(run.path, predictions)

    back = read_predictions(run.path)
    assert (back.images, back.parts, back.classes) == (
        predictions.images,
        predictions.parts,
        predictions.classes,
    )
    assert back.labels.tolist() == [0, 1, -1]
    np.testing.assert_array_equal(back.logits, predictions.logits)
    np.testing.assert_array_equal(back.probabilities, predictions.probabilities)


def test_one_part_of_predictions_keeps_its_rows_in_order(predictions: Predictions) -> None:
    test = predictions.only("test")

    assert test.images == ("a/1.jpg", "x.jpg")
    assert test.logits.tolist() == [[1, -1], [3, 3]]


@pytest.mark.parametrize("content", [b"", b"PAR1 not a table", b"PAR1" + bytes(40) + b"PAR1"])
def test_damaged_predictions_are_a_sentence(run: Run, content: bytes) -> None:
    (run.path / PREDICTIONS).write_bytes(content)

    with pytest.raises(UserError, match=r"predictions\.parquet is damaged"):
        read_predictions(run.path)


def test_missing_predictions_are_a_sentence(run: Run) -> None:
    with pytest.raises(UserError, match=r"predictions\.parquet is missing"):
        read_predictions(run.path)


def test_weights_and_environment_come_back_as_they_were(run: Run) -> None:
    weights = WeightsRecord(kind="imagenet", source="folder", file="w", sha256="0" * 64)
    write_record(run.path, WEIGHTS, weights)

    assert read_weights(run.path) == weights


def test_comparing_needs_no_torch() -> None:
    imports = "import modelzoo.evaluation.rows, modelzoo.launching.local, sys"
    code = f"{imports}; sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
