"""The state of runs as badges, progress bars and sentences. No torch."""

import time
from collections.abc import Iterable

import streamlit as st

from modelzoo import paths
from modelzoo.errors import UserError
from modelzoo.evaluation.rows import backbone_title, describe_status
from modelzoo.launching.queue import AtWork
from modelzoo.runs.folder import Run, list_runs, list_trials
from modelzoo.runs.status import Status, read_status
from modelzoo.text import describe_seconds
from pages.shell.text import code, plain

STATE_COLOURS = {"queued": "gray", "training": "blue", "stopped": "orange", "failed": "red"}


def list_runs_here() -> list[Run]:
    """The runs here and the trials of sweeps; damaged folders are shown on the page Compare."""
    found, _ = list_runs(paths.runs_folder())
    return found + list_trials(paths.runs_folder())


def describe_at_work(at_work: list[AtWork]) -> str:
    """What trains, for how long, and how many wait, in one sentence."""
    training = [each for each in at_work if each.status.state == "training"]
    waiting = len(at_work) - len(training)
    wait = {0: "", 1: "; one run is queued"}.get(waiting, f"; {waiting} runs are queued")
    if not training:
        return f"Nothing is training{wait}."
    first = training[0]
    left = first.status.seconds_left
    until = "" if left is None else f", about {describe_seconds(left)} left"
    if len(training) == 1:
        where = first.status.device or "this machine"
        return f"{backbone_title(first.run)} is training on {where}{until}{wait}."
    return f"{len(training)} runs are training{wait}."


def read_states(found: Iterable[Run]) -> frozenset[tuple[str, str]]:
    """Id and state of each run."""
    return frozenset((run.id, _state(run)) for run in found)


def draw_progress(run: Run, status: Status, ahead: int = 0) -> None:
    """One line on a run, and a bar while it trains; `ahead` runs have their turn before it."""
    colour = STATE_COLOURS.get(status.state, "green")
    words = describe_status(status, run.config.mode)
    if status.state == "queued" and ahead:
        words = f"Queued, position {ahead + 1} on {status.device}."
    title, name = plain(backbone_title(run)), code(run.id)
    st.markdown(f":{colour}-badge[{status.state}] **{title}** {name}: {plain(words)}")
    if status.state == "training":
        st.progress(_share_of(status))


def _share_of(status: Status) -> float:
    """How much of the run is done, of its epochs where it counts them, in [0, 1]."""
    if status.phase == "training" and status.epochs:
        return min((status.epoch + status.progress) / status.epochs, 1.0)
    return min(max(status.progress, 0.0), 1.0)


def _state(run: Run) -> str:
    try:
        return read_status(run.path, now=time.time()).state
    except UserError:
        return "damaged"
