"""A run that waits in a scheduler's queue: no silence ends that, and a process does not hide it."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from modelzoo.config.train_config import TrainConfig
from modelzoo.runs.file_names import SUBMISSION
from modelzoo.runs.folder import Run, create_run
from modelzoo.runs.status import Status, read_status, write_status
from modelzoo.runs.submission import Submission, read_submission, write_submission


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = create_run(tmp_path, "run", TrainConfig())
    write_status(run.path, Status(state="queued", queued=1.0, heartbeat=1.0))
    return run


def test_a_run_that_was_sent_away_waits_as_long_as_it_takes(run: Run) -> None:
    now = time.time()
    assert read_status(run.path, now=now).state == "failed"  # nobody has it

    write_submission(run.path, Submission(target="cluster", job="12"))

    assert read_status(run.path, now=now).state == "queued"
    write_status(run.path, Status(state="training", host="node7", pid=5, heartbeat=1.0))
    assert read_status(run.path, now=now).state == "failed"  # it began, and fell silent


def test_what_was_written_is_read_and_what_is_damaged_is_none(run: Run) -> None:
    sent = Submission(target="cluster", job="12_3", submitted=5.5, is_stopping=True)
    write_submission(run.path, sent)
    assert read_submission(run.path) == sent
    assert read_submission(run.path) != replace(sent, is_stopping=False)

    (run.path / SUBMISSION).write_text('{"target": "cluster", "is_over": 1}')
    assert read_submission(run.path) is None
    (run.path / SUBMISSION).unlink()
    assert read_submission(run.path) is None
