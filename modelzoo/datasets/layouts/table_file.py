"""A CSV or Parquet table with path, label, perhaps group and part."""

import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import pandas as pd

from modelzoo.datasets.dataset import Skipped
from modelzoo.datasets.layouts.layout import PART_BY_NAME, Entry, Layout, Listing, Source
from modelzoo.errors import UserError

TABLE_SUFFIXES = (".csv", ".parquet", ".pq")
_TABLE_COLUMNS = ("path", "label", "group", "part")


def _recognises(source: Source) -> bool:
    return source.path.is_file()


def _lists(source: Source) -> Listing:
    """One entry per row; paths are relative to the folder of the table.

    Raises:
        UserError: It is no table, or one without path and label.
    """
    path = source.path
    table = _read_table(path)
    listing = Listing(path.parent)
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
    """The known columns as texts, empty where there is no value."""
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
    missing = [name for name in ("path", "label") if name not in table.columns]
    if missing:
        given = ", ".join(map(str, table.columns)) or "none"
        raise UserError(
            f"{path} has no column {' or '.join(missing)} (columns: {given}); give a table with "
            "path and label, perhaps group and part."
        )
    if table.empty:
        raise UserError(f"{path} has no rows; give one for each image.")
    table = table.reindex(columns=list(_TABLE_COLUMNS))
    return table.astype(object).where(table.notna(), "").astype(str)


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
