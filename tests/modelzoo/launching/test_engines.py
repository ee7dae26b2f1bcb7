"""Runs that were sent elsewhere, under a clock that was put back since."""

from pathlib import Path

import pytest

from modelzoo.config.train_config import TrainConfig
from modelzoo.launching import engines
from modelzoo.launching.target import Target
from modelzoo.runs.folder import create_run
from modelzoo.runs.status import Status, read_status, write_status
from modelzoo.runs.submission import Submission, write_submission

NOW = 1.8e9  # seconds since the epoch
RAY = Target(name="ray", engine="ray", address="http://127.0.0.1:1")  # never asked: it has no job
LATER = engines.LATE_SECONDS + 1


@pytest.mark.parametrize("moved", [0.0, 3600.0, -3600.0], ids=["right", "put back", "put on"])
@pytest.mark.parametrize("is_missing", [False, True], ids=["just sent", "missed once"])
def test_a_run_whose_sender_died_fails_whatever_the_clock_was(
    tmp_path: Path, moved: float, is_missing: bool
) -> None:
    run = create_run(tmp_path / "runs", "run", TrainConfig(data="smears"))
    then = NOW + moved - LATER  # what the sender's clock said
    write_status(run.path, Status(state="queued", heartbeat=then, queued=then))
    sent = Submission(target="ray", submitted=then, missing_since=then if is_missing else 0.0)
    write_submission(run.path, sent)

    for later in (0.0, LATER):
        engines.refresh([run], {"ray": RAY}, now=NOW + later)

    status = read_status(run.path, now=NOW + LATER)
    assert status.state == "failed"
    assert "ended without a word" in status.error
