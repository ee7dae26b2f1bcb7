"""The hash of what a run has learned. No torch."""

import hashlib
from pathlib import Path

from modelzoo.errors import UserError
from modelzoo.files import is_regular_file
from modelzoo.runs.file_names import MODELS


def hash_model(path: Path) -> str:
    """The sha256 of the weights of the run in folder `path`, as 64 hexadecimal digits.

    Of an ensemble that of `ensemble.json`, which has those of its members.

    Raises:
        UserError: It has no model.
    """
    file = next((path / name for name in MODELS if is_regular_file(path / name)), None)
    if file is None:
        raise UserError(f"Run {path.name!r} has no trained model; train it again.")
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
