"""A search for a learning rate in a process of its own."""

import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from modelzoo.config.train_config import TrainConfig
from modelzoo.datasets.synthetic.smears import write_smears
from modelzoo.errors import UserError
from modelzoo.launching import local
from modelzoo.launching.rate_search import (
    FOLDER,
    is_at_work,
    make_search,
    open_search,
    start_search,
)
from modelzoo.runs.file_names import CONFIG
from modelzoo.runs.folder import Run, list_runs
from modelzoo.runs.rate_search import read_search
from modelzoo.runs.status import Status, read_status
from tests.patience import PATIENCE_SECONDS


def wait_for(search: Run) -> Status:
    """The last status of a search, once its process has ended."""
    with suppress(psutil.NoSuchProcess):  # it has ended already
        psutil.Process(read_status(search.path, now=time.time()).pid).wait(PATIENCE_SECONDS)
    return read_status(search.path, now=time.time())


def test_a_search_goes_on_beside_and_is_no_run(tmp_path: Path) -> None:
    write_smears(tmp_path / "smears", images_per_class=12, px=64)
    runs, store = tmp_path / "runs", tmp_path / "store"
    config = TrainConfig(
        data=str(tmp_path / "smears"), weights="none", input_px=64, batch_size=8, split="random"
    )

    search = start_search(runs, config, store=store, device="cpu")
    with pytest.raises(UserError, match="being searched by another process"):
        start_search(runs, config, store=store, device="cpu")

    assert wait_for(search).state == "done"
    assert 1e-7 < read_search(search.path).suggestion < 10
    assert list_runs(runs) == ([], {})


def test_a_search_can_be_stopped_and_made_anew(tmp_path: Path) -> None:
    write_smears(tmp_path / "smears", images_per_class=12, px=64)
    config = TrainConfig(data=str(tmp_path / "smears"), weights="none", mode="finetune")
    search = start_search(tmp_path / "runs", config, store=tmp_path / "store", device="cpu")
    local.stop(search)

    assert wait_for(search).state == "stopped"
    assert is_at_work(make_search(search.path, config))


def test_a_damaged_search_is_none(tmp_path: Path) -> None:
    search = make_search(tmp_path / FOLDER, TrainConfig(data="smears"))
    (search.path / CONFIG).write_text("half")

    assert open_search(search.path) is None
    assert open_search(tmp_path / "nowhere") is None
