"""Which column of a table is path, label, group and part: as a person says, or by its name."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import pandas as pd

from modelzoo.datasets.layouts.names import part_of
from modelzoo.datasets.layouts.table_cells import is_unknown, read_texts
from modelzoo.datasets.layouts.table_reading import UNNAMED
from modelzoo.datasets.walk import is_image
from modelzoo.errors import UserError
from modelzoo.text import join

_PERSONS = ("patient", "subject", "person", "participant", "donor", "case")
_SAMPLES = ("sample", "specimen")  # as often of an image each as of a person: never guessed
_ENDINGS = ("", "id", "name", "number", "no", "nr", "code", "uid")
# What tables call the four columns, letters and digits only; those in front are taken first. All
# spellings of a patient come before those of a slide, of which a patient has several, and before
# a group, which may be anything.
SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "path": (
        "path", "file", "filename", "filepath", "image", "imagepath", "imagefile", "imagefilename",
        "imagefilepath", "imagename", "img", "imgpath", "imgfile", "imgname", "imageid", "imgid",
    ),
    "label": (
        "label", "labels", "class", "classname", "classlabel", "category", "diagnosis", "target",
    ),
    "group": (
        *map("".join, product(_PERSONS, _ENDINGS)),
        "group",
        *map("".join, product(["slide"], _ENDINGS)),
    ),
    "part": ("part", "split", "set", "subset", "partition", "fold"),
}  # fmt: skip
_SUBJECTS = frozenset((*SPELLINGS["group"], *map("".join, product(_SAMPLES, _ENDINGS))))
OPTIONAL = ("group", "part")
_FEWEST = 20  # names of columns that a note lists
_FEW = 3  # values in a sentence


def parse_columns(text: str) -> tuple[tuple[str, str], ...]:
    """The columns that a person names: `label=dx,group=MRN`; what is not named is guessed.

    `group=` and `part=` say that no column holds these; their names are empty here.

    Raises:
        UserError: It is no such list, or names what no column can stand for.
    """
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    columns = tuple((each.strip(), name.strip()) for each, _, name in pairs)
    names = [each for each, _ in columns]
    is_known = all(
        each in SPELLINGS and equals and (name or each in OPTIONAL)
        for (each, name), (_, equals, _) in zip(columns, pairs, strict=True)
    )
    if len(set(names)) < len(names) or not is_known:
        raise UserError(
            f"The columns {text!r} cannot be used; give such as label=dx,group=MRN, with path, "
            "label, group or part in front, each once. Only group= and part= may be left empty: "
            "the table then has none."
        )
    return columns


def spell(name: str) -> str:
    """A column's name without case, blanks, dashes and the like: `Patient-ID` is `patientid`."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFC", name).casefold())


def may_name_subjects(name: str) -> bool:
    """Whether a column is called as one of people, slides or samples may be."""
    return spell(name) in _SUBJECTS


def name_subject(column: str) -> str:
    """What a column that keeps images together has: `slide` where it is called so, `subject`."""
    return "slide" if spell(column).startswith("slide") else "subject"


def may_be_used(name: str, number: int, named: Sequence[tuple[str, str]]) -> bool:
    """Whether a column has to be read to know which one is path, label, group and part.

    Args:
        name: Of the column.
        number: Of the column, from 0: the first may hold the paths without a name.
        named: The columns that a person named, from `parse_columns`.
    """
    spelling = spell(name)
    return (
        spelling in _SUBJECTS
        or any(spelling in spellings for spellings in SPELLINGS.values())
        or any(name == column for _, column in named)
        or (number == 0 and name.startswith(UNNAMED))
    )


def choose_columns(
    table: pd.DataFrame,
    names: Sequence[str],
    named: Sequence[tuple[str, str]],
    path: Path,
    notes: list[str],
) -> dict[str, str]:
    """The column of the table for path and label, and for group and part where it has one.

    Args:
        table: Its columns that may be used.
        names: Of all columns.
        named: The columns that a person named, from `parse_columns`.
        path: Of the table, for sentences.
        notes: Gets a sentence on columns that are guessed, and on those that are not used.

    Raises:
        UserError: There is no column with paths or labels, or not one that was named, or one of
            parts holds something else, too.
    """
    by_person = _check_named(names, named, path)
    taken = set(by_person.values())
    chosen: dict[str, str] = {}
    refused: list[str] = []
    for each, spellings in SPELLINGS.items():
        if each in by_person:
            found = [by_person[each]] if by_person[each] else []
        else:
            found = _find_spelt(table, spellings, taken)
        if each == "path" and not found:
            found = _find_unnamed_path(table)
        if each == "group":  # a column of people that is left empty says less than any other
            found.sort(key=lambda name: not _find_values(table, name))
        if each == "part":
            found, refused = _sort_out_parts(table, found, path, each in by_person)
        chosen |= {each: found[0]} if found else {}
    _require(chosen, names, path)
    notes += [_describe_no_parts(table, name) for name in refused]
    by_guess = [f"{name} as {each}" for each, name in chosen.items() if name not in (each, *taken)]
    if by_guess:
        notes.append(f"Columns are read by their names: {', '.join(by_guess)}.")
    unused = [name for name in names if name not in (*chosen.values(), *refused)]
    if unused:
        more = f" and {len(unused) - _FEWEST} more" if len(unused) > _FEWEST else ""
        what = "1 column is" if len(unused) == 1 else f"{len(unused)} columns are"
        notes.append(f"{what} not used: {', '.join(unused[:_FEWEST])}{more}.")
    return chosen


def _check_named(
    names: Sequence[str], named: Sequence[tuple[str, str]], path: Path
) -> dict[str, str]:
    """The columns that a person named, by what they stand for; raises where one is not there."""
    for each, name in named:
        if name and name not in names:
            raise UserError(
                f"{path} has no column {name!r} for {each} (columns: {_list(names)}); name one of "
                "them."
            )
    return dict(named)


def _find_spelt(table: pd.DataFrame, spellings: Sequence[str], taken: set[str]) -> list[str]:
    """The columns that are called like one of `spellings`, in that order."""
    by_spelling: dict[str, list[str]] = {}
    for name in table.columns:
        if name not in taken:
            by_spelling.setdefault(spell(name), []).append(name)
    return [name for spelling in spellings for name in by_spelling.get(spelling, ())]


def _find_unnamed_path(table: pd.DataFrame) -> list[str]:
    """The first column where it has no name and holds names of images: an index of paths."""
    name = table.columns[0] if len(table.columns) else ""
    if name.startswith(UNNAMED) and all(map(is_image, read_texts(table[name]))):
        return [name]
    return []


def _sort_out_parts(
    table: pd.DataFrame, names: list[str], path: Path, by_person: bool
) -> tuple[list[str], list[str]]:
    """Of columns for parts those that hold some, and those in front that hold nothing of the kind.

    Raises:
        UserError: One holds parts and something else, or was named by a person and holds no parts.
    """
    refused = []
    for name in names:
        values = _find_values(table, name)
        others = [value for value in values if not part_of(value)]
        if others and (by_person or len(others) < len(values)):
            raise UserError(
                f"{path} has {_few(others)} in its column {name}, which are no parts; write train, "
                "validation or test there, or nothing, or give --columns part= to read no parts."
            )
        if others:
            refused.append(name)
        elif values or by_person:
            return [name], refused
    return [], refused


def _find_values(table: pd.DataFrame, name: str) -> list[str]:
    """What a column holds, each once, in order."""
    values = {value.strip() for value in read_texts(table[name])}
    return sorted(value for value in values if not is_unknown(value))


def _describe_no_parts(table: pd.DataFrame, name: str) -> str:
    return (
        f"The column {name} holds {_few(_find_values(table, name))}, not train, validation and "
        "test, and is not used."
    )


def _require(chosen: Mapping[str, str], names: Sequence[str], path: Path) -> None:
    """Pass when there are paths and labels."""
    missing = [each for each in ("path", "label") if each not in chosen]
    if missing:
        what = f"{'columns' if len(missing) > 1 else 'a column'} called {join(missing)}"
        named = ",".join(f"{each}=NAME" for each in missing)
        raise UserError(
            f"{path} lacks {what} or alike (columns: {_list(names)}); rename what holds them, or "
            f"name it by --columns {named}."
        )


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - _FEWEST} more" if len(names) > _FEWEST else ""
    return f"{', '.join(names[:_FEWEST])}{more}"


def _few(values: Sequence[str]) -> str:
    """The first values, and how many more."""
    if len(values) <= _FEW + 1:
        return join(values)
    return f"{', '.join(values[:_FEW])} and {len(values) - _FEW} more"
