"""The cells of a table as texts: without blanks around them, and subjects that are known."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from modelzoo.errors import UserError
from modelzoo.text import count

# What stands where a subject is not known, without case; such a cell names no subject.
_UNKNOWN = frozenset(
    {
        "", "na", "n/a", "n.a.", "#n/a", "<na>", "nan", "nat", "none", "null", "nil", "unknown",
        "unk", "unknown patient", "unknown subject", "not known", "not available", "missing",
        "?", "??", "-", "--", "---", "–", "—", ".",
    }
)  # fmt: skip
_WHOLE = re.compile(r"(-?\d+)(\.0+)?")


def is_unknown(value: str) -> bool:
    """Whether a cell says that nothing is known."""
    return value.strip().casefold() in _UNKNOWN


def forget_unknown(values: list[str]) -> None:
    """Leave empty what says that nothing is known."""
    values[:] = ["" if is_unknown(value) else value for value in values]


def read_texts(column: "pd.Series[Any]") -> list[str]:
    """The cells of a column as texts; empty where nothing is there."""
    return column.astype(object).where(column.notna(), "").astype(str).tolist()


def read_cells(
    table: pd.DataFrame, chosen: Mapping[str, str], path: Path, notes: list[str]
) -> dict[str, list[str]]:
    """The cells of path, label, group and part, by these words.

    Args:
        table: As it was read.
        chosen: Its column for each of these words that it has one for.
        path: Of the table, for sentences.
        notes: Gets a sentence on cells that are not taken as they are.

    Raises:
        UserError: The column of paths holds no texts.
    """
    if any(isinstance(value, dict | bytes) for value in table[chosen["path"]].head()):
        raise UserError(
            f"{path} holds images themselves in its column {chosen['path']}; save them as files, "
            "and give a column with their paths."
        )
    given = {each: read_texts(table[name]) for each, name in chosen.items()}
    cells = {each: [value.strip() for value in values] for each, values in given.items()}
    trimmed = {
        chosen[each]: sum(map(str.__ne__, given[each], cells[each]))
        for each in cells
        if given[each] != cells[each]
    }
    if trimmed:
        notes.append(
            f"Blanks around {count(sum(trimmed.values()), 'cell')} are left out (columns: "
            f"{', '.join(trimmed)})."
        )
    whole = [chosen[each] for each in cells if _unify_whole_numbers(cells[each])]
    if whole:
        notes.append(f"Whole numbers are read without .0 (columns: {', '.join(whole)}).")
    for each in ("group", "part"):
        cells.setdefault(each, [""] * len(table))
    return cells


def _unify_whole_numbers(values: list[str]) -> bool:
    """Write 1.0 as 1 where a column holds whole numbers only; whether anything was changed.

    A missing value makes numbers with a decimal of a whole column, and 1.0 and 1 are one subject.
    """
    matches = [_WHOLE.fullmatch(value) for value in values]
    known = [match for value, match in zip(values, matches, strict=True) if not is_unknown(value)]
    if not all(known) or not any(match[2] for match in known if match):
        return False
    values[:] = [match[1] if match else value for value, match in zip(values, matches, strict=True)]
    return True
