"""quality.csv and validity.csv: how far the attribution maps of a run can be trusted.

Columns are the fields of the records that are written and asked for; this room knows no measure.
"""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from modelzoo.errors import UserError
from modelzoo.files import read_text, write_text
from modelzoo.runs.file_names import QUALITY, VALIDITY
from modelzoo.runs.old_names import rename_quality
from modelzoo.runs.parse import parse_rows

Row = TypeVar("Row")

# What a table without rows has for a header, and what each has to have.
_KEYS = {QUALITY: ("method", "measure"), VALIDITY: ("method", "sentence")}


def write_judgement(
    path: Path, quality: Sequence[Mapping[str, object]], validity: Sequence[Mapping[str, object]]
) -> None:
    """Write quality.csv and validity.csv of the run in folder `path`.

    Args:
        path: The run's folder.
        quality: One row per method and measure, all with the same keys: numbers, None and, as
            `method` and `measure`, texts.
        validity: One row per method, all with the same keys: texts, `method` and `sentence` among
            them.
    """
    for name, rows in ((QUALITY, quality), (VALIDITY, validity)):
        columns = list(rows[0]) if rows else _KEYS[name]
        write_text(path / name, _format_rows(rows, columns))


def _format_rows(rows: Sequence[Mapping[str, object]], columns: Iterable[str]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def read_quality(path: Path, record: type[Row]) -> list[Row] | None:
    """One record per method and measure; None: the maps of the run were never evaluated.

    Args:
        path: The run's folder.
        record: A dataclass of texts, numbers and None, such as `xai.faithfulness.table.Summary`.
            A column that it has no field for is passed over; a field with a default needs none.

    Raises:
        UserError: The file is damaged.
    """
    return _read(path / QUALITY, lambda text: parse_rows(text, record, rename=rename_quality))


def read_validity(path: Path) -> list[dict[str, str]] | None:
    """One row of texts per method, `method` and `sentence` among them; None: never examined.

    Raises:
        UserError: The file is damaged.
    """
    return _read(path / VALIDITY, _parse_texts)


def _parse_texts(text: str) -> list[dict[str, str]]:
    rows = list(csv.DictReader(io.StringIO(text)))
    if not all(isinstance(cell, str) for row in rows for cell in row.values()):
        raise ValueError("a row has more or fewer cells than the header")
    return rows


def _read(file: Path, parse: Callable[[str], list[Row]]) -> list[Row] | None:
    try:
        text = read_text(file)
        header = next(csv.reader(io.StringIO(text)), [])
        if not set(_KEYS[file.name]) <= set(header):
            raise ValueError("a column is missing")
        return parse(text)
    except FileNotFoundError:
        return None
    except (UserError, ValueError, TypeError, csv.Error) as error:
        raise UserError(
            f"{file} is damaged; remove it, or run `python -m xai quality` again."
        ) from error
