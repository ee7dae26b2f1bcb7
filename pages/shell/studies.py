"""Cached reads of sweeps, each remembered until its files change. Optuna, and so only for Train."""

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from modelzoo.sweeps.folder import JOURNAL, SETTINGS_FILE, Sweep, open_sweep
from pages.shell.reads import Stamp

if TYPE_CHECKING:
    from modelzoo.sweeps.study import TrialFacts


def read_study(sweep: Sweep) -> "tuple[list[TrialFacts], dict[str, float]]":
    """The trials of a sweep by number, and the importance of its settings.

    Raises:
        UserError: Its journal is damaged.
    """
    files = [sweep.path / name for name in (JOURNAL, SETTINGS_FILE)]
    facts = [file.stat() for file in files if file.exists()]
    return _study(str(sweep.path), tuple(n for f in facts for n in (f.st_mtime_ns, f.st_size)))


@st.cache_resource(max_entries=20, show_spinner=False)
def _study(path: str, stamp: Stamp) -> "tuple[list[TrialFacts], dict[str, float]]":
    from modelzoo.sweeps.study import Study, read_trials  # not before a sweep is shown

    sweep = open_sweep(Path(path))
    trials = read_trials(sweep)
    return trials, Study(sweep).importance() if trials else {}
