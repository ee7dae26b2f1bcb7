"""Where a run was sent: the target and its job, in `submission.json` of the run's folder.

A run of this machine has none: its status names its process.
"""

from dataclasses import dataclass
from pathlib import Path

from modelzoo.errors import UserError
from modelzoo.files import is_regular_file, write_text
from modelzoo.runs.file_names import SUBMISSION
from modelzoo.runs.parse import format_record, parse_record


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What was sent where; the newest alone is kept."""

    target: str  # its name in the settings file
    job: str = ""  # the scheduler's id; empty until it has given one
    submitted: float = 0.0  # seconds since the epoch
    file: str = ""  # of a job that a person hands to the scheduler
    is_over: bool = False  # the job has ended, and the run's status says how
    is_stopping: bool = False  # a person asked it to stop
    missing_since: float = 0.0  # seconds since the epoch: since when no such job waits or runs


def read_submission(path: Path) -> Submission | None:
    """The last submission of the run in folder `path`; None where there was none, or damaged.

    A damaged one is taken for none: a job that it named says in the run's status what it does.
    """
    if not is_regular_file(path / SUBMISSION):
        return None
    try:
        return parse_record(path / SUBMISSION, Submission)
    except UserError:
        return None


def write_submission(path: Path, submission: Submission) -> None:
    """Write where the run in folder `path` was sent."""
    write_text(path / SUBMISSION, format_record(submission))


def remove_submission(path: Path) -> None:
    """Forget where the run in folder `path` was sent."""
    (path / SUBMISSION).unlink(missing_ok=True)
