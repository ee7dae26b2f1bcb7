"""JSON and CSV of a run as typed records: every field is checked, whatever wrote the file."""

import csv
import io
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from modelzoo.errors import UserError
from modelzoo.files import damaged_file, read_text

SCHEMA = 1  # of every file of a run that says so; version 0.1.0 wrote none
MOST = 2**63  # of whole numbers: beyond it no clock, process or count lies
MOST_BYTES = 1_000_000  # of a file
MOST_LETTERS = 10_000  # of a text: the longest are sentences that name a path

Record = TypeVar("Record", bound=Any)


def format_record(record: Any) -> str:
    """A dataclass as JSON, with the number of its schema."""
    return json.dumps({"schema": SCHEMA, **asdict(record)}, indent=1)


def parse_record(file: Path, record: type[Record]) -> Record:
    """The JSON file as a dataclass; fields with a default may be missing, others are passed over.

    Numbers are finite and not negative; texts can be encoded and are no books.

    Raises:
        UserError: The file is missing or damaged.
    """
    try:
        values = json.loads(read_text(file, most=MOST_BYTES))
        kinds: dict[str, Any] = _kinds_of(record)  # type: ignore[arg-type]  # types have a hash
        given = {name: values[name] for name in kinds if name in values}
        for name, value in given.items():
            if not _is_of(value, kinds[name]):
                raise ValueError(f"{name} holds {value!r}")
        read: Record = record(**given)
        return read
    except FileNotFoundError:
        raise UserError(f"{file} is missing; train the run again.") from None
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise damaged_file(file) from error


def parse_rows(
    text: str, record: type[Record], *, rename: Callable[[Mapping[str, str]], Mapping[str, str]]
) -> list[Record]:
    """The rows of CSV as dataclasses; columns without a field are passed over.

    Args:
        text: With a header.
        record: A dataclass of `str`, `int`, `float` and, where a cell may be empty, `| None`.
        rename: Gives a row the names of today.

    Raises:
        ValueError: A cell is no such value; numbers are finite, and whole ones not negative.
        TypeError: A column that has no default is missing.
        csv.Error: It is no CSV.
    """
    kinds: dict[str, Any] = _kinds_of(record)  # type: ignore[arg-type]  # types have a hash
    return [
        record(**{name: _from_cell(row[name], kinds[name]) for name in kinds if name in row})
        for row in map(rename, csv.DictReader(io.StringIO(text)))
    ]


def _from_cell(cell: str | None, kind: Any) -> object:
    """The value of annotated type `kind` that a cell of CSV holds; None: the row is too short."""
    if cell is None:
        raise ValueError("a row has fewer cells than the header")
    if isinstance(kind, UnionType):
        (kind,) = (each for each in get_args(kind) if each is not NoneType)
        if not cell:
            return None
    if kind is str:
        return cell
    number: float = kind(cell)
    if not math.isfinite(number) or (kind is int and number < 0):
        raise ValueError(f"{cell} is no such number")
    return number


@cache
def _kinds_of(record: Any) -> dict[str, Any]:
    """The annotated type of each field of a dataclass."""
    hints = get_type_hints(record)
    return {spec.name: hints[spec.name] for spec in fields(record)}


def _is_of(value: object, kind: Any) -> bool:
    """Whether `value`, from JSON, is of the annotated type `kind`."""
    if get_origin(kind) is Literal:
        return isinstance(value, str) and value in get_args(kind)
    if isinstance(kind, UnionType):
        return any(_is_of(value, each) for each in get_args(kind))
    if get_origin(kind) is dict:
        names, values = get_args(kind)
        return isinstance(value, dict) and all(
            _is_of(key, names) and _is_of(each, values) for key, each in value.items()
        )
    if get_origin(kind) is list:
        (each_kind,) = get_args(kind)
        return isinstance(value, list) and all(_is_of(each, each_kind) for each in value)
    if kind is NoneType:
        return value is None
    if kind is bool:
        return isinstance(value, bool)
    if kind is str:
        return isinstance(value, str) and len(value) <= MOST_LETTERS and is_encodable(value)
    if isinstance(value, bool) or not isinstance(value, int if kind is int else int | float):
        return False
    return 0 <= value < MOST if isinstance(value, int) else math.isfinite(value) and value >= 0


def is_encodable(text: str) -> bool:
    """Whether `text` can be printed and stored: half a surrogate pair cannot."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
