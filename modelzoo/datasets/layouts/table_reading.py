"""A CSV or Parquet file -> its table, with every line as long as the header. Columns mean nothing.

Lines that are too long or too short are refused: which of their cells is missing, or was cut in two
by a comma without quotes, cannot be known.
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from modelzoo.errors import UserError
from modelzoo.text import count, join

TEXT_SUFFIXES = (".csv", ".tsv")
TABLE_SUFFIXES = (*TEXT_SUFFIXES, ".parquet", ".pq")
WORKBOOK_SUFFIXES = (".xlsx", ".xls", ".ods")
UNNAMED = "unnamed column"  # a number behind it
MOST_BYTES = 500_000_000  # of the file: a row of 200 bytes for each of 2.5 million images
_ARCHIVES = (".zip", ".gz")
_HEADER_LETTERS = 100_000
_SEPARATORS = ",;\t|"
_STATED = re.compile(r"\"?sep=(.)\"?\s*", re.IGNORECASE)  # a line that Excel reads and writes


def read_table(path: Path) -> pd.DataFrame:
    """The table in a file: texts of a CSV as they are, columns without a name numbered.

    Raises:
        UserError: It is none, has no rows, lines of unequal length, or a name for two columns.
    """
    suffix = path.suffix.lower()
    _check_kind(path, suffix)
    try:
        table = _read_csv(path) if suffix in TEXT_SUFFIXES else _read_parquet(path)
    except csv.Error as error:
        raise UserError(
            f"{path} could not be read as a table ({error}); close every quotation mark, and write "
            "one inside a cell twice."
        ) from error
    except (ValueError, OSError) as error:  # pandas' and pyarrow's own are ValueErrors
        raise UserError(
            f"{path} could not be read as a table; give a CSV in UTF-8 or a Parquet file."
        ) from error
    names = table.columns.tolist()
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(
            f"{path} has more than one column called {join(twice)}; give each column a name of its "
            "own."
        )
    if table.empty:
        raise UserError(f"{path} has no rows; give one for each image.")
    return table


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


def _empty(path: Path) -> UserError:
    return UserError(
        f"{path} is empty; give a table with the columns path and label, and a row for each image."
    )


def _read_csv(path: Path) -> pd.DataFrame:
    """The table in a text file; a class may be called NA, a subject 007.

    Raises:
        UserError: It is empty, or a line is not as long as the header.
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
        fitted = _fit(rows, header, path)
    table = pd.DataFrame(fitted, columns=names, dtype=object)
    is_blank = [name.startswith(UNNAMED) and not table[name].any() for name in names]
    return table.loc[:, [not blank for blank in is_blank]]


def find_separator(header: str) -> str:
    """What stands most often between the names of the columns; a comma where nothing does."""
    return max(_SEPARATORS, key=header.count)


def _split_lines(lines: Iterator[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    """The number of a line and its cells, without the lines where all are blank."""
    rows = csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)
    for row in rows:
        if any(cell.strip() for cell in row):
            yield rows.line_num, row


def _fit(rows: Iterator[tuple[int, list[str]]], header: list[str], path: Path) -> list[list[str]]:
    """The cells of each line, as many as in `header`; blank ones behind its last name are no more.

    Raises:
        UserError: A line has more or fewer cells.
    """
    width = len(header)
    named = max(number for number, name in enumerate(header, start=1) if name.strip())
    fitted, unfit = [], []
    for line, row in rows:
        if len(row) < named or any(cell.strip() for cell in row[width:]):
            unfit.append((line, len(row)))
        else:
            fitted.append((row + [""] * width)[:width])
    if unfit:
        line, cells = unfit[0]
        more = f" (and {count(len(unfit) - 1, 'more line')})" if len(unfit) > 1 else ""
        raise UserError(
            f"{path} has {count(cells, 'cell')} in line {line}{more} and {count(width, 'column')} "
            "in its header; put what holds a separator between double quotes, and give every line "
            "a cell for each column."
        )
    return fitted


def _read_parquet(path: Path) -> pd.DataFrame:
    """The table in a Parquet file; an index that names its rows is the first column of it."""
    table = pd.read_parquet(path)
    index = table.index
    if index.nlevels > 1 or index.name is not None or not pd.api.types.is_numeric_dtype(index):
        levels = [index.get_level_values(level) for level in range(index.nlevels)]
        for number, level in reversed(list(enumerate(levels, start=1))):
            name = f"{UNNAMED} {number}" if level.name is None else level.name
            table.insert(0, name, level.to_numpy(), allow_duplicates=True)
    table.columns = [str(name).strip() for name in table.columns]
    return table.reset_index(drop=True)
