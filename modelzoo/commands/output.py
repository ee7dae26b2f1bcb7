"""What commands print: results on the output stream, everything else on the error stream."""

import csv
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Column, Table

from modelzoo.files import replacing

if TYPE_CHECKING:
    import pandas as pd

# Paths and sentences are printed as they are: no [markup] in them, no line breaks of ours.
WIDE = 240  # characters: a table with every score and its interval
console = Console(
    markup=False, highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDE
)
notes = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)  # not for pipes


def make_table(columns: Sequence[str]) -> Table:
    """A table whose texts are folded where the terminal is narrow, never cut."""
    return Table(*(Column(name, overflow="fold") for name in columns), box=SIMPLE)


def print_frame(frame: "pd.DataFrame") -> None:
    """Print a table of texts and numbers."""
    table = make_table([str(column) for column in frame.columns])
    for row in frame.itertuples(index=False):
        table.add_row(*(str(value) for value in row))
    console.print(table)


@contextmanager
def csv_writer(out: Path | None) -> Iterator[Callable[[Sequence[str]], object]]:
    """Something that writes rows to `out`, whole or not at all, or else prints them."""
    if out is None:
        yield csv.writer(sys.stdout, lineterminator="\n").writerow
        return
    with replacing(out) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        yield csv.writer(file, lineterminator="\n").writerow
