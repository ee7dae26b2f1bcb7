"""history.csv: one row per epoch."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from modelzoo.files import damaged_file, read_text, write_text

if TYPE_CHECKING:
    # pandas is 50 MB, and a run that waits for its turn reads no table: it is imported where used.
    import pandas as pd
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
    """One row per epoch, all numbers; empty before the first.

    A row with a number that is missing or not finite is left out: it may be half written.

    Raises:
        UserError: The file is damaged.
    """
    import pandas as pd

    file = path / HISTORY
    try:
        table = pd.read_csv(io.StringIO(read_text(file))).astype("float64")
    except FileNotFoundError:
        return pd.DataFrame({"epoch": []})
    except (ValueError, csv.Error, RecursionError) as error:
        raise damaged_file(file) from error
    if "epoch" not in table.columns:
        raise damaged_file(file)
    table = table[np.isfinite(table.to_numpy()).all(axis=1)].reset_index(drop=True)
    history: pd.DataFrame = table.astype({"epoch": "int64"})
    return history


def keep_history(path: Path, epochs: int) -> None:
    """Drop the lines after the first `epochs` epochs, which a resumed run will write again."""
    file = path / HISTORY
    if file.is_file():
        lines = read_text(file).splitlines(keepends=True)
        write_text(file, "".join(lines[: epochs + 1]))
