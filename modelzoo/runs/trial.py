"""trial.json: that a run is a trial of a sweep, and so leaves the test part alone."""

from dataclasses import dataclass
from pathlib import Path

from modelzoo.files import is_regular_file, write_text
from modelzoo.runs.file_names import TRIAL
from modelzoo.runs.parse import format_record, parse_record


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Which trial of which sweep a run is.

    A run with this record reads, predicts and scores training and validation images only: settings
    that were chosen among trials by their test scores would leave no image to test them on.
    """

    sweep: str
    number: int  # from 0 on


def write_trial(path: Path, trial: Trial) -> None:
    """Mark the run in folder `path` as a trial."""
    write_text(path / TRIAL, format_record(trial))


def read_trial(path: Path) -> Trial:
    """Which trial the run in folder `path` is.

    Raises:
        UserError: It is none, or the file is damaged.
    """
    return parse_record(path / TRIAL, Trial)


def is_trial(path: Path) -> bool:
    """Whether the run in folder `path` is marked as a trial, well or not."""
    return is_regular_file(path / TRIAL)
