"""Searches for a learning rate as processes of their own; each has a folder like a run's. No torch.

The folder is hidden beside the runs, so that no list shows it and the device's queue holds for it.
"""

import os
import shutil
import time
from pathlib import Path

from modelzoo.config.train_config import TrainConfig, format_config, read_config
from modelzoo.errors import UserError
from modelzoo.files import make_folder, write_text
from modelzoo.launching import local
from modelzoo.runs.file_names import CONFIG
from modelzoo.runs.folder import Run
from modelzoo.runs.lock import is_held
from modelzoo.runs.status import HOST, Status, read_status, write_status

FOLDER = ".rate-search"  # of the app's last search


def make_search(path: Path, config: TrainConfig) -> Run:
    """Make the folder `path` of a search that is queued; what an earlier one left there goes.

    Raises:
        UserError: Another process searches there.
    """
    if is_held(path) or ((found := open_search(path)) and is_at_work(found)):
        raise UserError(
            "A learning rate is being searched by another process; wait for it, or stop it first."
        )
    shutil.rmtree(path, ignore_errors=True)
    make_folder(path)
    write_text(path / CONFIG, format_config(config))
    now = time.time()
    write_status(path, Status(state="queued", queued=now, heartbeat=now, host=HOST))
    return Run(path, config)


def open_search(path: Path) -> Run | None:
    """The search in folder `path`; None where there is none, or a damaged one."""
    try:
        run = Run(path, read_config(path / CONFIG))
        read_status(path, now=time.time())
    except UserError:
        return None
    return run


def is_at_work(search: Run) -> bool:
    """Whether the search waits for its device or goes on."""
    return read_status(search.path, now=time.time()).state in ("queued", "training")


def start_search(runs: Path, config: TrainConfig, *, store: Path, device: str) -> Run:
    """Search a rate for `config` in the app's folder, in a process that outlives this one.

    Args:
        runs: Folder of the runs.
        config: Of a run that does not exist yet.
        store: Folder of results that can be made again.
        device: torch's name of it: "cpu", "cuda:1".

    Raises:
        UserError: A search is at work already, or its log cannot be written.
    """
    run = make_search(make_folder(runs) / FOLDER, config)
    local.start(run, store=store, device=device, verb=("find-rate", "--folder"))
    return run


def remove_search(search: Run) -> None:
    """Remove the folder of a search that has ended."""
    shutil.rmtree(search.path, ignore_errors=True)


def name_search(runs: Path) -> Path:
    """A folder in `runs` for a search of this process."""
    return runs / f"{FOLDER}-{os.getpid()}"
