"""history.csv: one row per epoch."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from modelzoo.files import append_text, damaged_file, read_end, read_text, write_text

if TYPE_CHECKING:
    # pandas is 50 MB, and a run that waits for its turn reads no table: it is imported where used.
    import pandas as pd
from modelzoo.runs.file_names import HISTORY


def append_history(path: Path, row: Mapping[str, float]) -> None:
    """Append one line, one epoch, to the run's history; the first brings the header.

    Raises:
        UserError: The disk is full, or something else is in the place of the file.
    """
    file = path / HISTORY
    out = io.StringIO()
    writer = csv.DictWriter(out, list(row), lineterminator="\n")
    if _is_empty(file):
        writer.writeheader()
    writer.writerow(row)
    append_text(file, out.getvalue())


def _is_empty(file: Path) -> bool:
    try:
        return not read_end(file, 1)
    except FileNotFoundError:
        return True


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
    """Drop the lines after the first `epochs` epochs, which a resumed run will write again.

    A line without an end was cut while it was written, and goes too.

    Raises:
        UserError: The file is damaged, or cannot be written.
    """
    file = path / HISTORY
    try:
        lines = read_text(file).splitlines(keepends=True)
    except FileNotFoundError:
        return
    whole = [line for line in lines if line.endswith("\n")]
    write_text(file, "".join(whole[: epochs + 1]))
