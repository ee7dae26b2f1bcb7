"""Results about a data set that can be made again, kept in the store as JSON."""

import hashlib
import json
from collections.abc import Hashable, Iterable
from pathlib import Path

from modelzoo.files import make_folder, write_text

VERSION = 1  # of what is found here; a new one leaves old results behind


def hash_values(values: Iterable[Hashable]) -> str:
    """12 hexadecimal digits that are the same for the same values."""
    return hashlib.sha256(json.dumps(list(values)).encode()).hexdigest()[:12]


def read_json(path: Path) -> object:
    """What was kept; None where there is nothing, or it is damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def write_json(path: Path, value: object) -> None:
    """Write `value`, whole or not at all, into a folder that is made where it is missing."""
    make_folder(path.parent)
    write_text(path, json.dumps(value))
