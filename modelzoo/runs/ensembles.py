"""ensemble.json: the runs that an ensemble joins, and how much each counts. No torch."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from modelzoo.backbones.table import BACKBONES
from modelzoo.errors import UserError
from modelzoo.files import damaged_file
from modelzoo.runs.file_names import ENSEMBLE
from modelzoo.runs.parse import parse_record
from modelzoo.text import join, join_few

Weighting = Literal["equal", "validation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsembleRecord:
    """What an ensemble is made of; the lists are of equal length, at least 2."""

    members: list[str]  # names of runs in the same folder
    backbones: list[str]  # of the members
    weights: list[float]  # of the members' probabilities; they sum to 1
    weighting: Weighting
    sha256: list[str]  # of the members' networks when it was made


def read_ensemble(path: Path) -> EnsembleRecord | None:
    """What the run in folder `path` joins; None: it is no ensemble.

    Raises:
        UserError: The file is damaged.
    """
    file = path / ENSEMBLE
    if not os.path.lexists(file):
        return None
    record = parse_record(file, EnsembleRecord)
    n = len(record.members)
    lists = (record.backbones, record.weights, record.sha256)
    names = [*record.members, *record.backbones]
    is_sound = (
        n >= 2
        and all(len(each) == n for each in lists)
        and abs(sum(record.weights) - 1) < 1e-3
        and all(name and "/" not in name and name not in (".", "..") for name in names)
    )
    if not is_sound:
        raise damaged_file(file)
    return record


def require_members(path: Path, record: EnsembleRecord) -> list[Path]:
    """The folders of the members of the ensemble in folder `path`.

    Raises:
        UserError: One is gone.
    """
    folders = [path.parent / name for name in record.members]
    for folder in folders:
        if not folder.is_dir():
            raise UserError(
                f"{folder.name}, a member of the ensemble {path.name}, is gone from {path.parent}; "
                "put it back, or make the ensemble again without it."
            )
    return folders


def say_member(path: Path) -> str:
    """A sentence where ensembles beside the run in folder `path` join it; empty where none does."""
    joined = []
    for file in sorted(path.parent.glob(f"*/{ENSEMBLE}")):
        try:
            record = read_ensemble(file.parent)
        except UserError:  # damaged: it opens no member
            continue
        if record and path.name in record.members:
            joined.append(file.parent.name)
    if not joined:
        return ""
    which = "the ensemble" if len(joined) == 1 else "the ensembles"
    return (
        f"{path.name} is a member of {which} {join_few(joined)}, which cannot explain or predict "
        "without it under this name; scores that were computed stay."
    )


def ensemble_title(record: EnsembleRecord) -> str:
    """`Ensemble of ResNet50 and 2 EfficientNet-B3`, with equal weights or not."""
    return title_of(record.backbones, record.weighting)


def title_of(backbones: Sequence[str], weighting: Weighting) -> str:
    """What an ensemble of these backbones is called."""
    titles = [BACKBONES[name].title if name in BACKBONES else name for name in backbones]
    counts = Counter(titles)
    words = [title if n == 1 else f"{n} {title}" for title, n in sorted(counts.items())]
    how = ", weighted by validation" if weighting == "validation" else ""
    return f"Ensemble of {join(words)}{how}"
