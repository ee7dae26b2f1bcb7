"""A CSV or Parquet table with path, label, perhaps group and part."""

import os
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from modelzoo.datasets.dataset import Origins, Skipped
from modelzoo.datasets.layouts.layout import Entry, Layout, Listing, Source
from modelzoo.datasets.layouts.names import part_of
from modelzoo.errors import UserError

TABLE_SUFFIXES = (".csv", ".tsv", ".parquet", ".pq")
_OTHERS = {
    ".zip": "an archive; unpack it, and give the folder",
    ".gz": "an archive; unpack it, and give the folder",
    ".xlsx": "a workbook; save its sheet as CSV",
    ".xls": "a workbook; save its sheet as CSV",
}
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
MOST_BYTES = 500_000_000  # of the file: a row of 200 bytes for each of 2.5 million images
_HEADER_LETTERS = 100_000
_FEWEST = 20  # names of columns that a note lists


def _recognises(source: Source) -> bool:
    return source.path.is_file()


def _lists(source: Source) -> Listing:
    """One entry per row; paths are relative to the folder of the table.

    Raises:
        UserError: It is no table, or one without path and label.
    """
    path = source.path
    table = _read_table(path)
    notes: list[str] = []
    chosen = _choose_columns(table, source, notes)
    origins = {each: f"column {name}" for each, name in chosen.items() if each != "path"}
    why = f"it is a file that ends in {path.suffix.lower()}"
    listing = Listing(path.parent, Origins(why, **origins), notes=notes)
    found = pd.DataFrame(
        {each: table[chosen[each]] if each in chosen else "" for each in _COLUMNS},
        index=table.index,
    )
    found = found.astype(object).where(found.notna(), "").astype(str)
    labels_by_id: dict[str, set[str]] = defaultdict(set)
    rows = [_table_row(values, path) for values in found.itertuples(index=False)]
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
    if suffix in TABLE_SUFFIXES and path.stat().st_size > MOST_BYTES:
        raise UserError(
            f"{path} has {path.stat().st_size / 1e9:.1f} GB, more than a table of images needs; "
            f"give one of at most {MOST_BYTES / 1e9:.1f} GB, with the columns path, label, group "
            "and part only."
        )
    if suffix in _OTHERS:
        raise UserError(f"{path} is {_OTHERS[suffix]}.")
    if suffix not in TABLE_SUFFIXES:
        raise UserError(
            f"{path} is neither a folder nor a table; give a folder of images, or a CSV or "
            "Parquet file with the columns path and label."
        )
    try:
        if suffix in (".csv", ".tsv"):
            # Texts as they are: a class may be called NA, a subject 007.
            table = pd.read_csv(
                path,
                sep=_find_separator(path),
                dtype=str,
                keep_default_na=False,
                encoding="utf-8-sig",
            )
        else:
            table = pd.read_parquet(path)
    except (ValueError, OSError) as error:  # pandas' and pyarrow's own are ValueErrors
        raise UserError(
            f"{path} could not be read as a table; give a CSV in UTF-8 or a Parquet file."
        ) from error
    if table.empty:
        raise UserError(f"{path} has no rows; give one for each image.")
    return table


def _find_separator(path: Path) -> str:
    """What stands most often between the names of the columns: a comma, semicolon or tab."""
    with path.open(encoding="utf-8-sig") as lines:
        header = lines.readline(_HEADER_LETTERS)
    return max(",;\t", key=header.count)


def parse_columns(text: str) -> tuple[tuple[str, str], ...]:
    """The columns that a person names: `label=dx,group=MRN`; what is not named is guessed.

    Raises:
        UserError: It is no such list, or names what no column can stand for.
    """
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    columns = tuple((each.strip(), name.strip()) for each, _, name in pairs)
    names = [each for each, _ in columns]
    if len(set(names)) < len(names) or not all(each in _COLUMNS and name for each, name in columns):
        raise UserError(
            f"The columns {text!r} cannot be used; give such as label=dx,group=MRN, with path, "
            "label, group or part in front, each once."
        )
    return columns


def _choose_columns(table: pd.DataFrame, source: Source, notes: list[str]) -> dict[str, str]:
    """The column of the table for path and label, and for group and part where it has one.

    Args:
        table: As it was read.
        source: With the file's path, and the columns that a person named.
        notes: Gets a sentence on columns that are guessed, and on those that are not used.

    Raises:
        UserError: There is no column with paths or labels, or not one that was named.
    """
    given = ", ".join(map(str, table.columns)) or "none"
    for each, name in source.columns:
        if name not in table.columns:
            raise UserError(
                f"{source.path} has no column {name!r} for {each} (columns: {given}); name one of "
                "them."
            )
    by_name = {re.sub(r"[\s-]+", "_", str(name).strip().casefold()): name for name in table.columns}
    taken = {name for _, name in source.columns}
    guessed: dict[str, str] = {}
    for each, names in _COLUMNS.items():
        found = [by_name[name] for name in names if name in by_name and by_name[name] not in taken]
        guessed |= {each: found[0]} if found else {}
    chosen = guessed | dict(source.columns)
    missing = [each for each in ("path", "label") if each not in chosen]
    if missing:
        raise UserError(
            f"{source.path} has no column {' or '.join(missing)} (columns: {given}); give a table "
            "with path and label, perhaps group and part, or name its columns, such as label=dx."
        )
    folds = None
    if "part" in guessed and guessed["part"] == by_name.get("fold"):
        folds = _drop_numbered(chosen, table, notes)
    by_guess = [f"{name} as {each}" for each, name in chosen.items() if name not in (each, *taken)]
    if by_guess:
        notes.append(f"Columns are read by their names: {', '.join(by_guess)}.")
    unused = [str(name) for name in table.columns if name not in (*chosen.values(), folds)]
    if unused:
        more = f" and {len(unused) - _FEWEST} more" if len(unused) > _FEWEST else ""
        what = "1 column is" if len(unused) == 1 else f"{len(unused)} columns are"
        notes.append(f"{what} not used: {', '.join(unused[:_FEWEST])}{more}.")
    return chosen


def _drop_numbered(chosen: dict[str, str], table: pd.DataFrame, notes: list[str]) -> str | None:
    """The column that was taken for parts and holds folds, now taken out of `chosen`; else None."""
    name = chosen["part"]
    if not _is_numbered(table[name]):
        return None
    del chosen["part"]
    notes.append(f"The column {name} holds folds, not train, validation and test, and is not used.")
    return name


def _is_numbered(folds: "pd.Series[Any]") -> bool:
    """Whether a column of folds holds anything but the names of parts."""
    values = set(folds.dropna().astype(str).str.strip().str.lower()) - {""}
    return not all(map(part_of, values))


def _table_row(values: Iterable[str], table: Path) -> Entry:
    """One line of the table as an entry."""
    path, label, group, part = (value.strip() for value in values)
    if part and not part_of(part):
        raise UserError(
            f"{table} has the part {part!r}; give train, validation or test, or leave it empty."
        )
    image_id = os.path.normpath(path.replace("\\", "/")) if path else ""
    if image_id.startswith("/"):
        image_id = os.path.relpath(image_id, table.parent.absolute())
    name = image_id.removesuffix(PurePosixPath(image_id).suffix)
    return Entry(image_id, label, group or None, part_of(part), name)


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
