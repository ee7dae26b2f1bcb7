"""A CSV or Parquet table with path, label, perhaps group and part."""

import os
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from modelzoo.datasets.dataset import Skipped
from modelzoo.datasets.layouts.layout import PART_BY_NAME, Entry, Layout, Listing, Source
from modelzoo.errors import UserError

TABLE_SUFFIXES = (".csv", ".parquet", ".pq")
# What other tables call the four columns, the names taken first in front.
_COLUMNS: dict[str, tuple[str, ...]] = {
    "path": (
        "path", "file", "filename", "file_name", "filepath", "file_path", "image", "image_path",
    ),
    "label": ("label", "class", "category", "diagnosis", "target"),
    "group": (
        "group", "patient", "patient_id", "patientid", "subject", "subject_id", "case", "case_id",
        "slide", "slide_id",
    ),
    "part": ("part", "split", "set", "subset", "partition", "fold"),
}  # fmt: skip
_FEWEST = 20  # names of columns that a note lists


def _recognises(source: Source) -> bool:
    return source.path.is_file()


def _lists(source: Source) -> Listing:
    """One entry per row; paths are relative to the folder of the table.

    Raises:
        UserError: It is no table, or one without path and label.
    """
    path = source.path
    listing = Listing(path.parent)
    table = _choose_columns(_read_table(path), path, listing.notes)
    labels_by_id: dict[str, set[str]] = defaultdict(set)
    rows = [_table_row(values, path) for values in table.itertuples(index=False)]
    for row in rows:
        labels_by_id[row.id].add(row.label)
    seen: set[str] = set()
    for row in rows:
        reason = _row_problem(row, labels_by_id[row.id], seen)
        if reason:
            listing.skipped.append(Skipped(row.id, reason))
        else:
            listing.entries.append(row)
        seen.add(row.id)
    return listing


def _read_table(path: Path) -> pd.DataFrame:
    """The table in a file.

    Raises:
        UserError: It is none, or has no rows.
    """
    suffix = path.suffix.lower()
    if suffix not in TABLE_SUFFIXES:
        raise UserError(
            f"{path} is neither a folder nor a table; give a folder of images, or a CSV or "
            "Parquet file with the columns path and label."
        )
    try:
        if suffix == ".csv":
            # Texts as they are: a class may be called NA, a subject 007.
            table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        else:
            table = pd.read_parquet(path)
    except (ValueError, OSError) as error:  # pandas' and pyarrow's own are ValueErrors
        raise UserError(
            f"{path} could not be read as a table; give a CSV in UTF-8 or a Parquet file."
        ) from error
    if table.empty:
        raise UserError(f"{path} has no rows; give one for each image.")
    return table


def _choose_columns(table: pd.DataFrame, path: Path, notes: list[str]) -> pd.DataFrame:
    """The columns path, label, group and part as texts, empty where there is no value.

    Args:
        table: As it was read.
        path: Of its file, for errors.
        notes: Gets a sentence on columns that have other names, and on those that are not used.

    Raises:
        UserError: There is no column with paths, or none with labels.
    """
    by_name = {re.sub(r"[\s-]+", "_", str(name).strip().casefold()): name for name in table.columns}
    chosen = {
        column: next((by_name[name] for name in names if name in by_name), None)
        for column, names in _COLUMNS.items()
    }
    missing = [column for column in ("path", "label") if chosen[column] is None]
    if missing:
        given = ", ".join(map(str, table.columns)) or "none"
        raise UserError(
            f"{path} has no column {' or '.join(missing)} (columns: {given}); give a table with "
            "path and label, perhaps group and part."
        )
    numbered = chosen["part"]
    if numbered is not None and numbered == by_name.get("fold") and _is_numbered(table[numbered]):
        chosen["part"] = None
        notes.append(
            f"The column {numbered} holds folds, not train, validation and test, and is not used."
        )
    else:
        numbered = None
    guessed = [
        f"{name} as {column}" for column, name in chosen.items() if name not in (None, column)
    ]
    if guessed:
        notes.append(f"Columns are read by their names: {', '.join(guessed)}.")
    unused = [str(name) for name in table.columns if name not in (*chosen.values(), numbered)]
    if unused:
        more = f" and {len(unused) - _FEWEST} more" if len(unused) > _FEWEST else ""
        what = "1 column is" if len(unused) == 1 else f"{len(unused)} columns are"
        notes.append(f"{what} not used: {', '.join(unused[:_FEWEST])}{more}.")
    found = pd.DataFrame(
        {column: "" if name is None else table[name] for column, name in chosen.items()},
        index=table.index,
    )
    return found.astype(object).where(found.notna(), "").astype(str)


def _is_numbered(folds: "pd.Series[Any]") -> bool:
    """Whether a column of folds holds anything but the names of parts."""
    values = set(folds.dropna().astype(str).str.strip().str.lower()) - {""}
    return not values <= set(PART_BY_NAME)


def _table_row(values: Iterable[str], table: Path) -> Entry:
    """One line of the table as an entry."""
    path, label, group, part = (value.strip() for value in values)
    if part and part.lower() not in PART_BY_NAME:
        raise UserError(
            f"{table} has the part {part!r}; give train, validation or test, or leave it empty."
        )
    image_id = os.path.normpath(path.replace("\\", "/")) if path else ""
    if image_id.startswith("/"):
        image_id = os.path.relpath(image_id, table.parent.absolute())
    name = image_id.removesuffix(PurePosixPath(image_id).suffix)
    return Entry(image_id, label, group or None, PART_BY_NAME.get(part.lower()), name)


def _row_problem(row: Entry, labels: set[str], seen: set[str]) -> str:
    """Why a line of a table is left out; empty: it is not."""
    if not row.id:
        return "a line without a path"
    if row.id.startswith("../"):
        return "outside the table's folder"
    if not row.label:
        return "no label"
    if len(labels) > 1:
        return f"listed with the labels {' and '.join(sorted(labels))}"
    return "listed twice" if row.id in seen else ""


TABLE_FILE = Layout("table", _recognises, _lists)
