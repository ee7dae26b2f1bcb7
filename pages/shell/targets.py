"""Where runs can be sent, and what schedulers say of them, asked every few seconds. No torch."""

import time
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from modelzoo import paths
from modelzoo.errors import UserError
from modelzoo.launching.engines import ENGINES, refresh
from modelzoo.launching.target import LOCAL, Free, Target
from modelzoo.launching.targets import read_targets
from modelzoo.runs.folder import Run, list_runs
from pages.shell.text import plain


def read_targets_here() -> dict[str, Target]:
    """The targets by name, this machine first; it alone where the settings file is damaged."""
    try:
        return read_targets(paths.targets_file())
    except UserError:
        return {LOCAL.name: LOCAL}


def warn_of_settings() -> None:
    """Say what is wrong with the settings file, if anything is."""
    try:
        read_targets(paths.targets_file())
    except UserError as error:
        st.error(plain(str(error)), icon=":material/error:")


def hold_true(found: Sequence[Run]) -> dict[str, str]:
    """Hold the statuses of runs that were sent elsewhere true; a sentence per silent target.

    Args:
        found: The runs here, to know when there is another.
    """
    targets = read_targets_here()
    if len(targets) == 1:
        return {}
    return _hold_true(paths.runs_folder().resolve(), tuple(run.id for run in found), targets)


@st.cache_data(ttl=5, max_entries=4, show_spinner=False)
def _hold_true(runs: Path, _ids: tuple[str, ...], _targets: dict[str, Target]) -> dict[str, str]:
    """As `hold_true`; once in five seconds for all who look."""
    return refresh(list_runs(runs)[0], _targets, now=time.time())


@st.cache_data(ttl=30, max_entries=20, show_spinner=False)
def look_at(target: Target) -> tuple[list[Free], str]:
    """What is free at a target, and a sentence where it would take no run; kept for 30 s."""
    engine = ENGINES[target.engine]
    try:
        engine.check(target)
        return engine.list_free(target), ""
    except UserError as error:
        return [], str(error)
