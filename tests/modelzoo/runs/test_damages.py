"""A run folder damaged in hundreds of ways: each reader gives a value or a sentence."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelzoo.errors import UserError
from modelzoo.evaluation.rows import read_leaderboard, read_row
from modelzoo.evaluation.run_scores import evaluate_run
from modelzoo.evaluation.tables import leaderboard_table, run_records
from modelzoo.evaluation.temperature import read_calibrated, write_temperature
from modelzoo.inference.neighbours import read_neighbours, write_neighbours
from modelzoo.launching.queue import list_ahead, list_at_work
from modelzoo.runs.attribution_tables import read_quality, read_validity, write_judgement
from modelzoo.runs.file_names import (
    CONFIG,
    ENVIRONMENT,
    HISTORY,
    NEIGHBOURS,
    PREDICTIONS,
    QUALITY,
    SPLIT,
    STATUS,
    TEMPERATURE,
    VALIDITY,
    WEIGHTS,
)
from modelzoo.runs.folder import Run, delete_run, list_runs, read_run, rename_run
from modelzoo.runs.history import read_history
from modelzoo.runs.lock import RUN_LOCK, hold_run
from modelzoo.runs.predictions import read_predictions
from modelzoo.runs.records import read_environment, read_split, read_weights
from modelzoo.runs.status import Status, read_date, read_status, this_process, write_status
from tests.damages import DAMAGES, spoil_copies
from tests.modelzoo.runs.test_attribution_tables import QUALITY_ROW, VALIDITY_ROW
from tests.run_folders import make_run
from xai.faithfulness.table import Summary

READERS: dict[str, Callable[[Path], object]] = {
    "config": read_run,
    "status": lambda path: read_status(path, now=time.time()),
    "history": read_history,
    "split": read_split,
    "predictions": read_predictions,
    "weights": read_weights,
    "environment": read_environment,
    "temperature": read_calibrated,
    "quality": lambda path: read_quality(path, Summary),
    "validity": read_validity,
    "neighbours": read_neighbours,
    "scores": lambda path: evaluate_run(read_run(path)),
}


def _fill(run: Run) -> None:
    """Write the files that `make_run` leaves out."""
    write_judgement(run.path, [QUALITY_ROW], [VALIDITY_ROW])
    split = read_split(run.path)
    embeddings = np.random.default_rng(0).normal(size=(len(split.rows), 8)).astype(np.float32)
    write_neighbours(run.path, embeddings, [row.image for row in split.rows], split)
    write_temperature(run.path, read_predictions(run.path))


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs, one for each damage, beside two that are whole."""
    folder = tmp_path_factory.mktemp("runs")
    whole = make_run(folder, "whole", images=40)
    _fill(whole)
    spoil_copies(DAMAGES, whole.path, folder)
    shutil.copytree(whole.path, folder / "zz-whole")
    return folder


def test_there_are_at_least_500_damages() -> None:
    assert len({damage.name for damage in DAMAGES}) == len(DAMAGES) >= 500


@pytest.mark.parametrize("name", READERS)
def test_a_reader_gives_a_value_or_a_sentence(damaged: Path, name: str) -> None:
    sentences = []
    for number, damage in enumerate(DAMAGES):
        try:
            READERS[name](damaged / f"damaged-{number:04d}")
        except UserError as error:
            sentences.append(str(error))
        except BaseException as error:
            raise AssertionError(damage.name) from error
    assert max(map(len, sentences), default=0) < 5000  # whatever the file holds


FILES = {
    CONFIG: "config",
    STATUS: "status",
    HISTORY: "history",
    SPLIT: "split",
    PREDICTIONS: "predictions",
    WEIGHTS: "weights",
    ENVIRONMENT: "environment",
    TEMPERATURE: "temperature",
    QUALITY: "quality",
    VALIDITY: "validity",
    NEIGHBOURS: "neighbours",
}


@given(st.data())
@settings(max_examples=300, deadline=None)  # nothing is timed here
def test_bytes_changed_at_random_are_read_or_a_sentence(scratch: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(list(FILES)))
    whole = (scratch / name).read_bytes()
    place = st.integers(0, len(whole))
    content = bytearray(whole)
    for at, length, put in data.draw(
        st.lists(st.tuples(place, st.integers(0, 20), st.binary(max_size=20)), min_size=1)
    ):
        content[at : at + length] = put
    (scratch / name).write_bytes(content)

    with suppress(UserError):
        READERS[FILES[name]](scratch)

    (scratch / name).write_bytes(whole)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose files a test changes and puts back."""
    run = make_run(tmp_path_factory.mktemp("scratch"), "run", images=40)
    _fill(run)
    return run.path


def test_what_is_whole_is_listed_scored_and_alike_beside_every_damage(damaged: Path) -> None:
    found, sentences = list_runs(damaged)
    assert len(found) + len(sentences) == len(DAMAGES) + 2
    # Each is scored above; here every third.
    some = [run for at, run in enumerate(found) if not at % 3 or "whole" in run.id]
    board = read_leaderboard(some, read=lambda run: read_row(run))

    rows = {row.run_id: row for row in board.rows}
    assert rows["whole"].accuracy == rows["zz-whole"].accuracy
    assert all(row.evaluation.images == rows["whole"].evaluation.images for row in board.rows)
    leaderboard_table(board.rows).to_csv()
    assert len(run_records(board, some)) == len(board.rows) + len(board.unfinished)


def test_a_damaged_status_neither_holds_the_queue_nor_ends_a_training(damaged: Path) -> None:
    found, _ = list_runs(damaged)
    waiting = make_run(damaged, "waiting")
    status = Status(state="queued", device="cpu", queued=time.time(), **this_process())
    write_status(waiting.path, status)

    assert list_ahead(waiting, status, now=time.time()) == []
    assert [each.run.id for each in list_at_work([*found, waiting], now=time.time())] == ["waiting"]
    shutil.rmtree(waiting.path)


@pytest.mark.parametrize("ahead", [60.0, 1e6, 2e9])
@pytest.mark.parametrize("host", ["another-machine", this_process()["host"]])
def test_a_heartbeat_from_the_future_is_no_sign_of_life(
    tmp_path: Path, host: str, ahead: float
) -> None:
    run = make_run(tmp_path, "future", state="stopped")
    now = time.time()
    write_status(run.path, Status(state="queued", device="cpu", host=host, heartbeat=now + ahead))

    assert read_status(run.path, now=now).state == "failed"
    other = Status(state="queued", device="cpu", queued=now, **this_process())
    assert list_ahead(Run(tmp_path / "other", run.config), other, now=now) == []
    delete_run(run.path)
    assert not run.path.exists()


def test_a_run_that_is_a_link_is_deleted_without_what_it_points_to(tmp_path: Path) -> None:
    run = make_run(tmp_path / "elsewhere", "real")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "link").symlink_to(run.path)

    delete_run(tmp_path / "runs" / "link")

    assert list((tmp_path / "runs").iterdir()) == []
    assert read_run(run.path) == run


def test_a_name_that_is_not_utf8_is_a_sentence(tmp_path: Path) -> None:
    run = make_run(tmp_path, "whole", images=8)
    run.path.with_name("dam\udcffaged").mkdir()

    found, damaged = list_runs(tmp_path)

    assert [each.id for each in found] == ["whole"]
    assert damaged.keys() == {"dam\\udcffaged"}
    "".join(damaged.values()).encode()


def test_a_run_is_renamed_unless_it_is_at_work_or_the_name_is_taken(tmp_path: Path) -> None:
    run = make_run(tmp_path, "old", images=8)
    make_run(tmp_path, "taken", images=8)

    for name in ("taken", "../escaped", ""):
        with pytest.raises(UserError):
            rename_run(run.path, name)
    renamed = rename_run(run.path, "new")

    assert {path.name for path in tmp_path.iterdir()} == {"new", "taken"}
    assert read_run(renamed).config == run.config
    write_status(renamed, Status(state="training", **this_process()))
    with pytest.raises(UserError, match="stop it before it is renamed"):
        rename_run(renamed, "newer")


def test_a_link_is_renamed_without_what_it_points_to(tmp_path: Path) -> None:
    run = make_run(tmp_path / "elsewhere", "real", images=8)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "link").symlink_to(run.path)

    renamed = rename_run(tmp_path / "runs" / "link", "other")

    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["other"]
    assert renamed.is_symlink()
    assert read_run(run.path) == run


HOLD = """
import sys
from filelock import FileLock
with FileLock(sys.argv[1]):
    print("held", flush=True)
    input()
"""


@pytest.mark.parametrize("status", ['{"state": "stopped"}', "damaged", None])
def test_a_run_that_a_process_holds_is_neither_deleted_nor_renamed(
    tmp_path: Path, status: str | None
) -> None:
    run = make_run(tmp_path, "held", images=8)
    (run.path / STATUS).unlink()
    if status is not None:
        (run.path / STATUS).write_text(status)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, run.path / RUN_LOCK],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"

        with pytest.raises(UserError, match="stop it before it is deleted"):
            delete_run(run.path)
        with pytest.raises(UserError, match="stop it before it is renamed"):
            rename_run(run.path, "new")
        assert read_run(run.path) == run
        holder.communicate(b"\n")

    delete_run(rename_run(run.path, "new"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "spoil",
    [Path.mkdir, os.mkfifo, Path.touch, lambda path: path.symlink_to(RUN_LOCK)],
    ids=["folder", "pipe", "file", "link to itself"],
)
def test_whatever_is_in_the_place_of_a_lock_a_run_is_deleted(
    tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    run = make_run(tmp_path, "spoiled", images=8)
    spoil(run.path / RUN_LOCK)

    with suppress(UserError), hold_run(run):
        pass
    delete_run(run.path)

    assert list(tmp_path.iterdir()) == []


def test_the_date_of_a_run_is_known_or_zero(tmp_path: Path) -> None:
    run = make_run(tmp_path, "run", images=8)
    write_status(run.path, Status(state="done", queued=1.7e9, heartbeat=1.8e9))
    assert read_date(run.path) == 1.7e9

    (run.path / STATUS).write_text("damaged")
    os.utime(run.path, (1.6e9, 1.6e9))
    assert read_date(run.path) == 1.6e9

    os.utime(run.path, (9e9, 9e9))  # a clock of the year 2255
    assert read_date(run.path) == 0

    delete_run(run.path)
    assert read_date(run.path) == 0
