"""Subjects as the cells of a table name them: one spelling each, and what is said of them."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from modelzoo.datasets.layouts.table_cells import is_unknown, read_texts
from modelzoo.datasets.layouts.table_columns import name_subject
from modelzoo.text import count, join

_FEWEST = 10  # lines, from which on it is no chance that each has its own subject


def describe_subjects(values: Sequence[str], name: str) -> list[str]:
    """Sentences on subjects that are not known, and on a column that is perhaps not of subjects."""
    notes = []
    unknown = [value for value in values if is_unknown(value)]
    if unknown:
        written = ["empty"] * ("" in unknown) + sorted({repr(each) for each in unknown if each})
        lines = f"{count(len(unknown), 'line')} of {len(values):,}"
        noun = name_subject(name)
        notes.append(f"{lines} name no {noun}: the column {name} is {' or '.join(written)} there.")
    if not unknown and _FEWEST <= len(values) == len(set(values)):
        notes.append(
            f"The column {name} has another value in each line, so it keeps no images together; "
            "where these are no patients, give --columns group=NAME, or group= for none."
        )
    return notes


def unify_subjects(values: list[str], name: str) -> list[str]:
    """Write subjects that differ in case or Unicode form only as one; a sentence where some do.

    Two people taken for one are kept together, which harms no score; one taken for two may be in
    training and test. The most frequent spelling is kept, of several the first.

    Args:
        values: Cells of a column.
        name: Of the column.
    """
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for value, times in Counter(values).items():
        spellings[unicodedata.normalize("NFC", value).casefold()][value] += times
    several = [list(each) for each in spellings.values() if len(each) > 1]
    if not several:
        return []
    chosen = {
        value: each.most_common(1)[0][0]
        for each in spellings.values()
        for value in each
        if len(each) > 1
    }
    values[:] = [chosen.get(value, value) for value in values]
    what = f"{count(len(several), name_subject(name))} {'is' if len(several) == 1 else 'are'}"
    return [
        f"{what} written in ways that differ in case or Unicode form only, such as "
        f"{join(several[0])}; they are taken as one, {chosen[several[0][0]]}."
    ]


def doubt_unused_subjects(
    table: pd.DataFrame, chosen: str, candidates: Sequence[str], cells: Mapping[str, Sequence[str]]
) -> list[str]:
    """A sentence for each column of which one value has images of several of the subjects used.

    A slide of one patient needs no word: who keeps the patient together keeps the slide.

    Args:
        table: As it was read.
        chosen: Its column of the subjects.
        candidates: Other columns that may name subjects.
        cells: From `read_cells`.
    """
    # An image whose subject is not known is kept together with no other.
    lines = zip(cells["group"], cells["path"], strict=True)
    subjects = [(group, "") if group else ("", path) for group, path in lines]
    noun = name_subject(chosen)
    doubts = []
    for name in candidates:
        torn = _count_torn(table[name], subjects)
        if torn:
            have = "of its values has" if torn == 1 else "of its values have"
            doubts.append(
                f"The column {name} is not used, and {torn:,} {have} images of several {noun}s of "
                f"the column {chosen}: a split keeps those of one {chosen} together, not those of "
                f"one {name}; where {name} names the people, give --columns group={name}."
            )
    return doubts


def _count_torn(column: "pd.Series[Any]", subjects: Sequence[tuple[str, str]]) -> int:
    """How many known values of a column have more than one subject."""
    by_value: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for value, subject in zip(read_texts(column), subjects, strict=True):
        if not is_unknown(value):
            by_value[value.strip()].add(subject)
    return sum(len(each) > 1 for each in by_value.values())
