"""history.csv: one row per epoch."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from modelzoo.files import write_text

if TYPE_CHECKING:
    # pandas is 50 MB, and a run that waits for its turn reads no table: it is imported where used.
    import pandas as pd
from modelzoo.files import damaged_file
from modelzoo.runs.file_names import HISTORY


def append_history(path: Path, row: Mapping[str, float]) -> None:
    """Append one line, one epoch, to the run's history; the first brings the header."""
    file = path / HISTORY
    out = io.StringIO()
    writer = csv.DictWriter(out, list(row), lineterminator="\n")
    if not file.is_file():
        writer.writeheader()
    writer.writerow(row)
    with file.open("a", encoding="utf-8") as history:
        history.write(out.getvalue())


def read_history(path: Path) -> "pd.DataFrame":
    """One row an epoch; empty before the first.

    Raises:
        UserError: The file is damaged.
    """
    import pandas as pd

    file = path / HISTORY
    if not file.is_file():
        return pd.DataFrame({"epoch": []})
    try:
        return pd.read_csv(file)
    except (ValueError, OSError) as error:
        raise damaged_file(file) from error


def keep_history(path: Path, epochs: int) -> None:
    """Drop the lines after the first `epochs` epochs, which a resumed run will write again."""
    file = path / HISTORY
    if file.is_file():
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        write_text(file, "".join(lines[: epochs + 1]))
