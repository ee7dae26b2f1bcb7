"""Runs as pages show them, remembered until their files change. No torch."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import streamlit as st

from modelzoo import paths
from modelzoo.evaluation.roc import RocCurve, macro_roc, roc_curve
from modelzoo.evaluation.rows import Leaderboard, LeaderboardRow, read_leaderboard, read_row
from modelzoo.runs.file_names import CONFIG, ENVIRONMENT, PREDICTIONS, SPLIT, STATUS, WEIGHTS
from modelzoo.runs.folder import list_runs, read_run
from modelzoo.runs.history import read_history
from modelzoo.runs.predictions import Predictions, read_predictions
from pages.shell.errors import error_in_place

Stamp = tuple[int, ...]
MACRO = "macro-average"


def read_board() -> Leaderboard:
    """The leaderboard of all runs, damaged folders among its problems."""
    found, damaged = list_runs(paths.runs_folder())
    board = read_leaderboard(found, read=lambda run: _row(str(run.path), _stamp(run.path)))
    return Leaderboard(board.rows, board.unfinished, damaged | board.problems)


def read_curves(run_ids: Iterable[str]) -> dict[str, dict[str, RocCurve]]:
    """ROC curves of each run's test part by class, and their mean under `MACRO`."""
    curves = {}
    for run_id in run_ids:
        path = paths.runs_folder() / run_id
        with error_in_place():
            curves[run_id] = _curves(str(path), _stamp(path))
    return curves


def read_test_predictions(run_ids: Iterable[str]) -> dict[str, Predictions]:
    """Each run's predictions of the test part, of those that can be read."""
    answers = {}
    for run_id in run_ids:
        path = paths.runs_folder() / run_id
        with error_in_place():
            answers[run_id] = _answers(str(path), _stamp(path))
    return answers


def read_histories(run_ids: Iterable[str]) -> dict[str, pd.DataFrame]:
    """The history of each run that has one to be read."""
    histories = {}
    for run_id in run_ids:
        with error_in_place():
            histories[run_id] = read_history(paths.runs_folder() / run_id)
    return histories


@st.cache_data(max_entries=500, show_spinner="Scoring runs …")
def _row(path: str, stamp: Stamp) -> LeaderboardRow:
    return read_row(read_run(Path(path)))


@st.cache_data(max_entries=200, show_spinner=False)
def _answers(path: str, stamp: Stamp) -> Predictions:
    return read_predictions(Path(path)).only("test")


@st.cache_data(max_entries=200, show_spinner=False)
def _curves(path: str, stamp: Stamp) -> dict[str, RocCurve]:
    predictions = read_predictions(Path(path)).only("test")
    by_class = {
        name: curve
        for target, name in enumerate(predictions.classes)
        if (curve := roc_curve(predictions.labels, predictions.probabilities, target))
    }
    whole = {MACRO: macro_roc(list(by_class.values()))} if by_class else {}
    return whole | by_class


def _stamp(path: Path) -> Stamp:
    """When the files that scores come from were last written."""
    names = (
        CONFIG,
        SPLIT,
        PREDICTIONS,
        STATUS,
        WEIGHTS,
        ENVIRONMENT,
    )
    return tuple(
        (path / name).stat().st_mtime_ns if (path / name).is_file() else 0 for name in names
    )
