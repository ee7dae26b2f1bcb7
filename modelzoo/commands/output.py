"""What commands print: results on the output stream, everything else on the error stream.

The one place for `--json` and `--csv`: keys are those of the records that a command hands over, and
tests hold them, because other programs read them.
"""

import csv
import json
import math
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.box import SIMPLE
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from modelzoo.errors import UserError
from modelzoo.text import one_line, percent

notes = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
NARROW = 80  # characters, where no terminal says how wide it is

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table for people."""

    title: str
    text: Callable[[Record], str]
    rank: int = 0  # columns are left out where a line has no room, the highest rank first; 0: never
    is_number: bool = False  # set to the right
    is_long: bool = False  # a sentence, which may take several lines of a terminal


def print_records(
    records: Sequence[Record],
    columns: Sequence[Column],
    *,
    as_json: bool,
    as_csv: bool,
    whole: object = None,
) -> None:
    """Print `records` as JSON, as CSV, or the `columns` of them as a table for people.

    Args:
        records: With the same keys; values that are no numbers or texts are for JSON only.
        columns: For people.
        as_json: JSON and nothing else.
        as_csv: CSV and nothing else.
        whole: What JSON holds in place of the records: these and what is known beside them.

    Raises:
        UserError: Both JSON and CSV were asked for.
    """
    check_form(as_json=as_json, as_csv=as_csv)
    if as_json:
        print_json(records if whole is None else whole)
    elif as_csv:
        print_csv(records)
    else:
        print_table(records, columns)


def check_form(*, as_json: bool, as_csv: bool) -> None:
    """Raise a UserError where both forms were asked for."""
    if as_json and as_csv:
        raise UserError("Both --json and --csv were given; give one of them.")


def print_line(text: str) -> None:
    """Print one line on the output stream."""
    sys.stdout.write(f"{one_line(text)}\n")


def note_outside(shares: Sequence[float]) -> None:
    """Say on the error stream how much of the images models are not given; nothing if all is.

    Args:
        shares: Of each image, the share of its area outside the middle square.
    """
    cut = [share for share in shares if share > 0]
    if not cut:
        return
    most = percent(max(cut), 0)
    if len(cut) > 1:
        words = f"images are not square: up to {most} of each is not looked at."
    else:
        words = f"images is not square: {most} of it is not looked at."
    notes.print(f"{len(cut):,} of {len(shares):,} {words} Models are given the middle square.")


def print_json(value: object) -> None:
    """Print `value` as JSON in ASCII; numbers stay numbers, and what is not defined is null."""
    sys.stdout.write(json.dumps(_plain(value), indent=1, allow_nan=False) + "\n")


def print_csv(records: Iterable[Record]) -> None:
    """Print records as CSV with their keys as the header; nothing where there are none."""
    write_csv(sys.stdout, records)


def write_csv(file: Any, records: Iterable[Record]) -> None:
    """Write records as CSV with their keys as the header; what is not defined is empty."""
    writer = None
    for record in records:
        plain = {key: _cell(value) for key, value in record.items()}
        if writer is None:
            writer = csv.DictWriter(file, list(plain), lineterminator="\n")
            writer.writeheader()
        writer.writerow(plain)


def print_table(
    records: Sequence[Record], columns: Sequence[Column], *, whole: str = "--csv or --json"
) -> None:
    """Print one line per record; columns that have no room are left out and named.

    Only in a terminal sentences may take several lines. Names are never cut or folded.

    Args:
        records: One line each.
        columns: In their order.
        whole: The options that have every column.
    """
    width = shutil.get_terminal_size((NARROW, 24)).columns
    if sys.stdout.isatty() and any(column.is_long for column in columns):
        _print_folded(records, columns, width)
        return
    shown = _choose_columns(records, columns, width)
    texts = [_row(record, shown) for record in records]
    titles = [one_line(column.title) for column in shown]
    widths = [max(map(cell_len, cells)) for cells in zip(titles, *texts, strict=True)]
    for row in [titles, *texts]:
        cells = [
            _pad(text, width, is_number=column.is_number)
            for text, width, column in zip(row, widths, shown, strict=True)
        ]
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
    if left_out := [column.title for column in columns if column not in shown]:
        notes.print(f"(no room for {', '.join(left_out)}: a wider terminal, {whole})")


def _pad(text: str, width: int, *, is_number: bool) -> str:
    """`text` with blanks to `width` places of a terminal, in which an emoji takes two."""
    blanks = " " * (width - cell_len(text))
    return blanks + text if is_number else text + blanks


def _row(record: Record, columns: Sequence[Column]) -> list[str]:
    return [one_line(column.text(record)) for column in columns]


def _choose_columns(
    records: Sequence[Record], columns: Sequence[Column], width: int
) -> list[Column]:
    """Those of rank 0, and of the others as many as a line has room for, by their rank."""
    shown = {column.title for column in columns if column.rank == 0}
    for column in sorted(columns, key=lambda each: each.rank):
        tried = [each for each in columns if each.title in shown | {column.title}]
        lines = [
            [one_line(each.title) for each in tried],
            *(_row(record, tried) for record in records),
        ]
        widest = (max(map(cell_len, cells)) for cells in zip(*lines, strict=True))
        if column.rank and sum(widest) + 2 * (len(tried) - 1) > width:
            break
        shown.add(column.title)
    return [column for column in columns if column.title in shown]


def _print_folded(records: Sequence[Record], columns: Sequence[Column], width: int) -> None:
    """Print a table whose sentences are folded to the terminal."""
    table = Table(box=SIMPLE)
    for column in columns:
        table.add_column(one_line(column.title), no_wrap=not column.is_long, overflow="fold")
    for record in records:
        table.add_row(*_row(record, columns))
    Console(markup=False, highlight=False, width=width).print(table)


def _cell(value: object) -> object:
    """A value as CSV holds it."""
    plain = _plain(value)
    if isinstance(plain, str):  # half of a surrogate pair cannot be written
        return plain.encode(errors="backslashreplace").decode()
    return "" if plain is None else plain


def _plain(value: Any) -> Any:
    """`value` as JSON holds it: dictionaries, lists, texts, numbers, None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if hasattr(value, "tolist"):  # of numpy
        return _plain(value.tolist())
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
