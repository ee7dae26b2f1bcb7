import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from modelzoo.datasets.synthetic.smears import write_smears
from modelzoo.runs.file_names import PREDICTIONS
from modelzoo.runs.folder import list_runs
from modelzoo.runs.history import read_history
from modelzoo.runs.status import read_status

KILLS = 5
FROM_AN_EMPTY_STORE = 1  # the others spare the search for overlaps, half of so small a run


@pytest.mark.slow
def test_killed_at_any_moment_a_run_resumes_to_the_same_result(tmp_path: Path) -> None:
    write_smears(tmp_path / "images", images_per_class=8, px=96)
    script = [sys.executable, "-m", "tests.modelzoo.training.train_and_die"]

    counts = [str(KILLS), str(FROM_AN_EMPTY_STORE)]
    subprocess.run([*script, tmp_path / "runs", tmp_path / "images", *counts], check=True)

    expected = pd.read_parquet(tmp_path / "runs" / "whole" / PREDICTIONS)
    found, damaged = list_runs(tmp_path / "runs")
    assert not damaged
    assert len(found) == 2 + KILLS
    for run in found:
        assert read_status(run.path, now=time.time()).state == "done", run.id
        assert list(read_history(run.path)["epoch"]) == [1, 2, 3, 4], run.id
        predictions = pd.read_parquet(run.path / PREDICTIONS)
        pd.testing.assert_frame_equal(predictions, expected, check_exact=True)
