"""A CSV or Parquet file -> its table, with every line as long as the header. Columns mean nothing.

Only the columns that are asked for are read, so that the others take no memory. Lines that are too
long or too short are refused: which of their cells is missing, or was cut in two by a comma
without quotes, cannot be known.
"""

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from modelzoo.errors import UserError
from modelzoo.text import count, join

IsWanted = Callable[[str, int], bool]  # a column's name, its number from 0
TEXT_SUFFIXES = (".csv", ".tsv")
TABLE_SUFFIXES = (*TEXT_SUFFIXES, ".parquet", ".pq")
WORKBOOK_SUFFIXES = (".xlsx", ".xls", ".ods")
UNNAMED = "unnamed column"  # a number behind it
MOST_BYTES = 500_000_000  # of the file: 1 kB for each of the rows there may be
# Twice as many as a folder may have files. With a path of its own in each, all of them missing,
# opening such a table took 28 s and 1.1 GB.
MOST_ROWS = 400_000
_ARCHIVES = (".zip", ".gz")
_HEADER_LETTERS = 100_000
_SEPARATORS = ",;\t|"
_STATED = re.compile(r"\"?sep=(.)\"?\s*", re.IGNORECASE)  # a line that Excel reads and writes


def read_table(path: Path, is_wanted: IsWanted) -> tuple[pd.DataFrame, list[str]]:
    """The wanted columns in a file, texts of a CSV as they are, and the names of all its columns.

    Columns without a name are numbered, and left out where they are empty.

    Args:
        path: Of a CSV or Parquet file.
        is_wanted: Whether a column is read, by its name and its number from 0.

    Raises:
        UserError: It is none, has no rows or too many, lines of unequal length, or a name for two
            columns.
    """
    suffix = path.suffix.lower()
    _check_kind(path, suffix)
    try:
        read = _read_csv if suffix in TEXT_SUFFIXES else _read_parquet
        table, names = read(path, is_wanted)
    except csv.Error as error:
        raise UserError(
            f"{path} could not be read as a table ({error}); close every quotation mark, and write "
            "one inside a cell twice."
        ) from error
    except (ValueError, OSError) as error:  # pandas' and pyarrow's own are ValueErrors
        raise UserError(
            f"{path} could not be read as a table; give a CSV in UTF-8 or a Parquet file."
        ) from error
    if not len(table):
        raise UserError(f"{path} has no rows; give one for each image.")
    return table, names


def _check_kind(path: Path, suffix: str) -> None:
    """Raise a UserError where a file is no table by its name and size."""
    if suffix in _ARCHIVES:
        raise UserError(f"{path} is an archive; unpack it, and give the folder.")
    if suffix in WORKBOOK_SUFFIXES:
        raise UserError(f"{path} is a workbook; save its sheet as CSV.")
    if suffix not in TABLE_SUFFIXES:
        raise UserError(
            f"{path} is neither a folder nor a table; give a folder of images, or a CSV or "
            "Parquet file with the columns path and label."
        )
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise UserError(
            f"{path} has {size / 1e9:.1f} GB, more than a table of images needs; give one of at "
            f"most {MOST_BYTES / 1e9:.1f} GB, with the columns path, label, group and part only."
        )
    if size == 0:
        raise _empty(path)


def _check_names(names: list[str], path: Path) -> None:
    """Raise a UserError where two columns have one name."""
    times = Counter(names)
    if twice := sorted(name for name in times if times[name] > 1):
        raise UserError(
            f"{path} has more than one column called {join(twice)}; give each column a name of its "
            "own."
        )


def _too_many_rows(path: Path) -> UserError:
    return UserError(
        f"{path} has more than {MOST_ROWS:,} rows, more than a table of images needs; give one row "
        "for each image of one data set."
    )


def _empty(path: Path) -> UserError:
    return UserError(
        f"{path} is empty; give a table with the columns path and label, and a row for each image."
    )


def _read_csv(path: Path, is_wanted: IsWanted) -> tuple[pd.DataFrame, list[str]]:
    """The table in a text file; a class may be called NA, a subject 007.

    Raises:
        UserError: It is empty, a line is not as long as the header, or there are too many.
        csv.Error: Its quotation marks do not close.
    """
    with path.open(encoding="utf-8-sig", newline="") as lines:
        first = lines.readline(_HEADER_LETTERS)
        stated = _STATED.fullmatch(first)
        lines.seek(0)
        rows = _split_lines(lines, stated[1] if stated else find_separator(first))
        if stated:
            next(rows)
        _, header = next(rows, (0, []))
        if not header:
            raise _empty(path)
        names = [
            name.strip() or f"{UNNAMED} {number}" for number, name in enumerate(header, start=1)
        ]
        _check_names(names, path)
        wanted = [number for number, name in enumerate(names) if is_wanted(name, number)]
        cells: dict[int, list[str]] = {number: [] for number in wanted}
        blank = {number for number, name in enumerate(header) if not name.strip()}
        known: dict[str, str] = {}  # each text once: most cells stand in many lines
        length = 0
        for row in _fit(rows, header, path):
            length += 1
            for number in wanted:
                cells[number].append(known.setdefault(row[number], row[number]))
            blank -= {number for number in blank if row[number]}
    columns = {names[number]: cells[number] for number in wanted if number not in blank}
    table = pd.DataFrame(columns, index=range(length), dtype=object)
    return table, [name for number, name in enumerate(names) if number not in blank]


def find_separator(header: str) -> str:
    """What stands most often between the names of the columns; a comma where nothing does."""
    return max(_SEPARATORS, key=header.count)


def _split_lines(lines: Iterator[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    """The number of a line and its cells, without the lines where all are blank."""
    rows = csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)
    for row in rows:
        if any(cell.strip() for cell in row):
            yield rows.line_num, row


def _fit(
    rows: Iterator[tuple[int, list[str]]], header: list[str], path: Path
) -> Iterator[list[str]]:
    """The cells of each line, as many as in `header`; blank ones behind its last name are no more.

    Raises:
        UserError: A line has more or fewer cells, or there are too many lines.
    """
    width = len(header)
    named = max(number for number, name in enumerate(header, start=1) if name.strip())
    first, unfit = (0, 0), 0
    for number, (line, row) in enumerate(rows, start=1):
        if number > MOST_ROWS:
            raise _too_many_rows(path)
        if len(row) < named or any(cell.strip() for cell in row[width:]):
            first, unfit = first if unfit else (line, len(row)), unfit + 1
        elif not unfit:
            row += [""] * (width - len(row))
            yield row
    if unfit:
        line, cells = first
        more = f" (and {count(unfit - 1, 'more line')})" if unfit > 1 else ""
        raise UserError(
            f"{path} has {count(cells, 'cell')} in line {line}{more} and {count(width, 'column')} "
            "in its header; put what holds a separator between double quotes, and give every line "
            "a cell for each column."
        )


def _read_parquet(path: Path, is_wanted: IsWanted) -> tuple[pd.DataFrame, list[str]]:
    """The table in a Parquet file; an index that names its rows is the first column of it.

    Raises:
        UserError: It has too many rows, or two columns of one name.
    """
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        if file.metadata.num_rows > MOST_ROWS:
            raise _too_many_rows(path)
        schema = file.schema_arrow
    levels = (schema.pandas_metadata or {}).get("index_columns", [])
    given = [name for name in schema.names if name not in levels]
    names = [name.strip() for name in given]
    wanted = [each for each, name in enumerate(names) if is_wanted(name, each)]
    table = pd.read_parquet(path, columns=[given[each] for each in wanted])
    table.columns = [names[each] for each in wanted]
    index = _read_index(table)
    for name, values in reversed(index):
        table.insert(0, name, values, allow_duplicates=True)
    names = [*(name for name, _ in index), *names]
    _check_names(names, path)
    return table.reset_index(drop=True), names


def _read_index(table: pd.DataFrame) -> "list[tuple[str, Any]]":
    """Name and values of each level of an index that names the rows; none of one that counts."""
    index = table.index
    if index.nlevels == 1 and index.name is None and pd.api.types.is_numeric_dtype(index):
        return []
    levels = [index.get_level_values(level) for level in range(index.nlevels)]
    return [
        (f"{UNNAMED} {number}" if level.name is None else str(level.name).strip(), level.to_numpy())
        for number, level in enumerate(levels, start=1)
    ]
