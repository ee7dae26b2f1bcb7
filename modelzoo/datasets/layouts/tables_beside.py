"""Tables that lie beside the images of a folder: said, since a folder's names alone are used."""

import csv
import shlex
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path, PurePosixPath

import pandas as pd

from modelzoo.datasets.layouts.layout import Source
from modelzoo.datasets.layouts.table_cells import read_texts
from modelzoo.datasets.layouts.table_columns import SPELLINGS, spell
from modelzoo.datasets.layouts.table_reading import (
    TABLE_SUFFIXES,
    TEXT_SUFFIXES,
    WORKBOOK_SUFFIXES,
    find_separator,
)

MOST_TABLES = 10  # that are looked into
_MOST_LETTERS = 65_536  # of the start of one
_LINES = 5  # of data


def find_tables(root: Path, files: Iterable[str], deepest: Path) -> tuple[Path, ...]:
    """Tables and workbooks directly in `root`, or on the way from there to `deepest`, in order.

    Args:
        root: A folder.
        files: Ids of the files in it.
        deepest: `root`, or the one folder somewhere in it that holds all images.
    """
    inner = PurePosixPath(deepest.relative_to(root))
    levels = {inner, *inner.parents}
    suffixes = (*TABLE_SUFFIXES, *WORKBOOK_SUFFIXES)
    tables = (file for file in files if file.lower().endswith(suffixes))
    beside = (root / file for file in tables if PurePosixPath(file).parent in levels)
    return tuple(islice(beside, MOST_TABLES))


def describe_tables(source: Source) -> list[str]:
    """A sentence for each table beside the images that lists them, and for each workbook."""
    paths = [PurePosixPath(image) for image in source.images]
    # A number alone may count anything.
    stems = {path.stem for path in paths if not path.stem.isdecimal()}
    names = stems.union(path.name for path in paths)
    return [note for table in source.tables if (note := _describe(table, names))]


def _describe(table: Path, names: Collection[str]) -> str:
    """A sentence on a table that lists images of these names, or may; empty for others."""
    if table.suffix.lower() in WORKBOOK_SUFFIXES:
        return (
            f"{table.name} is a workbook, which is not read; where it lists these images, save its "
            "sheet as CSV and give that in place of the folder."
        )
    column = _find_images(table, names)
    if column is None:
        return ""
    command = f"python -m modelzoo data {shlex.quote(str(table))}"
    if spell(column) not in SPELLINGS["path"]:
        command += f" --columns {shlex.quote(f'path={column}')}"
    return (
        f"{table.name} lists images of this folder and is not used; where it says what they are, "
        f"give it in place of the folder: {command}."
    )


def _find_images(table: Path, names: Collection[str]) -> str | None:
    """The first column where most of the first cells name images; None where there is none."""
    try:
        start = _read_start(table)
    except (ValueError, OSError, csv.Error):
        return None  # damaged, or no table: nothing is lost by not using it
    for column, cells in start:
        given = [cell.strip().replace("\\", "/") for cell in cells if cell.strip()]
        if given and 2 * sum(PurePosixPath(cell).name in names for cell in given) > len(given):
            return column
    return None


def _read_start(table: Path) -> Iterator[tuple[str, Sequence[str]]]:
    """Each column's name and first cells."""
    if table.suffix.lower() in TEXT_SUFFIXES:
        with table.open(encoding="utf-8-sig", newline="") as lines:
            text = lines.read(_MOST_LETTERS)
        lines_read = text.splitlines()[: 1 + _LINES]
        rows = csv.reader(lines_read, delimiter=find_separator(lines_read[0] if text else ""))
        return ((column, cells) for column, *cells in zip(*rows, strict=False))
    import pyarrow as pa
    from pyarrow import parquet

    with parquet.ParquetFile(table) as file:
        # Other columns may hold the images themselves.
        texts = [
            each.name
            for each in file.schema_arrow
            if pa.types.is_string(each.type) or pa.types.is_large_string(each.type)
        ]
        for batch in file.iter_batches(batch_size=_LINES, columns=texts):
            frame: pd.DataFrame = batch.to_pandas()
            return iter([(name, read_texts(frame[name])) for name in frame.columns])
    return iter(())
