"""Who is in train, validation and test. Ids, labels and groups in, records out; no pixels."""

import csv
import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = get_args(Part)


@dataclass(frozen=True, slots=True)
class SplitRow:
    """Where one image belongs."""

    image: str  # id: path relative to the data set's root
    label: str
    group: str  # images that must stay together: a patient, duplicates, overlapping fields
    part: Part


@dataclass(frozen=True, slots=True)
class Split:
    """Image id -> part, as rows in the order of their ids."""

    rows: tuple[SplitRow, ...]

    @property
    def id(self) -> str:
        """Hash of the rows: two runs with the same one were tested on the same images."""
        return hashlib.sha256(format_split(self).encode()).hexdigest()[:12]

    def ids(self, part: Part) -> list[str]:
        """Image ids of one part, in order."""
        return [row.image for row in self.rows if row.part == part]


def format_split(split: Split) -> str:
    """`split` as CSV with the columns image, label, group, part."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["image", "label", "group", "part"])
    writer.writerows([row.image, row.label, row.group, row.part] for row in split.rows)
    return out.getvalue()


def parse_split(text: str) -> Split:
    """The split that `format_split` wrote.

    Raises:
        ValueError: A column is missing or a part is none of train, validation, test.
    """
    return Split(tuple(_parse_rows(csv.DictReader(io.StringIO(text)))))


def _parse_rows(rows: Iterable[dict[str, str]]) -> Iterable[SplitRow]:
    for row in rows:
        try:
            part: Part = next(part for part in PARTS if part == row["part"])
            yield SplitRow(row["image"], row["label"], row["group"], part)
        except (KeyError, StopIteration):
            raise ValueError(f"not a row of a split: {row}") from None
