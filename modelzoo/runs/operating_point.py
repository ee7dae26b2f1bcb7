"""operating_point.json: the threshold that a person chose to keep with a run."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from modelzoo import paths
from modelzoo.errors import UserError
from modelzoo.files import write_text
from modelzoo.runs.file_names import OPERATING_POINT
from modelzoo.runs.parse import format_record, parse_record


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPoint:
    """Which classes are positive from which score on, and by what that was chosen."""

    positive: list[str]
    negative: list[str]
    criterion: Literal["argmax", "sensitivity", "specificity", "youden", "typed"]
    wanted: float | None  # the sensitivity, specificity or threshold that was asked for
    threshold: float | None  # None: the predicted class decides
    validation_positives: int  # images that it was chosen on; 0: on none, as the next
    validation_negatives: int
    # What the logits were divided by for the scores that the threshold is of; None: by nothing.
    temperature: float | None = None


def keep_point(path: Path, point: KeptPoint) -> None:
    """Write operating_point.json of the run in folder `path`, in place of the one before.

    Raises:
        UserError: The run comes with the project, or its folder cannot be written.
    """
    if not can_keep(path):
        raise UserError(
            f"Run {path.name!r} comes with the project and is not written to; train one of yours "
            "to keep an operating point with it."
        )
    write_text(path / OPERATING_POINT, format_record(point))


def can_keep(path: Path) -> bool:
    """Whether the run in folder `path` is a person's: results of the project are not written to."""
    return not path.resolve().is_relative_to(paths.reference_folder().resolve())


def read_point(path: Path) -> KeptPoint | None:
    """What was kept with the run in folder `path`; None: nothing was.

    Raises:
        UserError: The file is damaged.
    """
    if not os.path.lexists(path / OPERATING_POINT):
        return None
    return parse_record(path / OPERATING_POINT, KeptPoint)
