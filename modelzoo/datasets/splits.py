"""Who is in train, validation and test: the records. No pixels, and nothing is chosen here."""

import csv
import hashlib
import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

if TYPE_CHECKING:  # layouts knows Part
    pass

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = get_args(Part)
PART_WORDS = {"train": "training", "validation": "validation", "test": "test"}  # ... images
SplitKind = Literal[
    "random", "grouped", "background", "given", "leaky-augmented", "leaky-validation"
]
# Papers' own, with copies on both sides, and what that means for a score.
LEAKY: dict[str, str] = {
    "leaky-augmented": "The split is leaky: copies were made before it, so that flipped and turned "
    "copies of test images were trained on, and the scores are too high.",
    "leaky-validation": "The validation images are changed copies of training images, so the best "
    "epoch was chosen on what was trained on; the test images are no copies.",
}
OLD_SPLIT_KINDS = {"group": "grouped", "look": "background"}  # names up to version 0.1.0


@dataclass(frozen=True, slots=True)
class SplitRow:
    """Where one image belongs."""

    image: str  # id: path relative to the data set's root
    label: str
    group: str  # images that must stay together: a patient, duplicates, overlapping fields
    part: Part
    cluster: str = ""  # of background colour, where whole ones are held out

    @property
    def unit(self) -> str:
        """What was drawn as a whole, and is right and wrong together: intervals are over these."""
        return self.cluster or self.group


@dataclass(frozen=True, slots=True)
class Split:
    """Image id -> part, as rows in the order of their ids."""

    rows: tuple[SplitRow, ...]

    @property
    def id(self) -> str:
        """Hash of the rows: two runs with the same one were tested on the same images."""
        return hashlib.sha256(format_split(self).encode()).hexdigest()[:12]

    @property
    def unit_by_image(self) -> dict[str, str]:
        """Image id -> what intervals are over: its background cluster, else its group."""
        return {row.image: row.unit for row in self.rows}

    def ids(self, part: Part) -> list[str]:
        """Image ids of one part, in order."""
        return [row.image for row in self.rows if row.part == part]


def format_split(split: Split) -> str:
    """`split` as CSV: image, label, group, part, and cluster where there are any."""
    has_clusters = any(row.cluster for row in split.rows)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["image", "label", "group", "part"] + ["cluster"] * has_clusters)
    writer.writerows(
        [row.image, row.label, row.group, row.part] + [row.cluster] * has_clusters
        for row in split.rows
    )
    return out.getvalue()


@lru_cache(maxsize=4)  # runs that are compared have one split
def parse_split(text: str) -> Split:
    """The split that `format_split` wrote.

    Raises:
        ValueError: A column is missing, a part is none of train, validation, test, there are no
            rows, or an image is there twice or lies outside the root of its data set.
        csv.Error: It is no CSV.
    """
    rows = tuple(_parse_rows(csv.DictReader(io.StringIO(text))))
    if not rows or len({row.image for row in rows}) < len(rows):
        raise ValueError("no images, or one that is there twice")
    return Split(rows)


def is_image_id(text: str) -> bool:
    """Whether `text` can be an image id: a path that stays below the root of its data set."""
    parts = text.split("/")
    return all(parts) and ".." not in parts and "\0" not in text


def _parse_rows(rows: Iterable[dict[str, str]]) -> Iterable[SplitRow]:
    for row in rows:
        try:
            part: Part = next(part for part in PARTS if part == row["part"])
            texts = row["image"], row["label"], row["group"]
            if not all(isinstance(text, str) for text in texts) or not is_image_id(row["image"]):
                raise KeyError("image")
            yield SplitRow(*texts, part, row.get("cluster") or "")
        except (KeyError, StopIteration):
            raise ValueError(f"not a row of a split: {row}") from None


def draw_evenly(rows: Iterable[SplitRow], n: int, *, seed: int) -> list[SplitRow]:
    """`n` of the rows, as many of each class as can be, in the order of their ids.

    A class with fewer gives all it has; the others make up for it.

    Args:
        rows: Of any part.
        n: At least 1; all rows where there are fewer.
        seed: Of the order in which rows are taken.
    """
    of_class: dict[str, list[SplitRow]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.image):
        of_class[row.label].append(row)
    generator = np.random.default_rng(seed)
    turns = []
    for place, (_, members) in enumerate(sorted(of_class.items())):
        order = generator.permutation(len(members))
        turns += [(turn, place, members[index]) for turn, index in enumerate(order)]
    drawn = sorted(turns, key=lambda turn: turn[:2])[:n]
    return sorted((row for *_, row in drawn), key=lambda row: row.image)


def find_straddling(split: Split, group_by_image: Mapping[str, str]) -> list[str]:
    """Groups that have images in more than one part, in order."""
    parts_by_group: dict[str, set[Part]] = defaultdict(set)
    for row in split.rows:
        parts_by_group[group_by_image[row.image]].add(row.part)
    return sorted(group for group, parts in parts_by_group.items() if len(parts) > 1)


def count_leaked(split: Split, part: str) -> int:
    """Images of `part` whose group the model has seen: a patient, copies, overlaps.

    It was trained on the training images, and its epoch was chosen by the validation images.
    """
    seen = {"train": (), "validation": ("train",), "test": ("train", "validation")}[part]
    groups = {row.group for row in split.rows if row.part in seen}
    return sum(row.part == part and row.group in groups for row in split.rows)


def count_folds(split: Split) -> int:
    """Seeds that test each background cluster once: clusters of the class with fewest; 0: none.

    Args:
        split: With its clusters; those that groups join are one.
    """
    clusters = {(row.label, row.cluster) for row in split.rows if row.cluster}
    return min(Counter(label for label, _ in clusters).values(), default=0)


def find_missing_classes(given: Iterable[tuple[str, Part]]) -> dict[Part, list[str]]:
    """Part -> classes that have no image in it, of the parts that have any.

    Args:
        given: Class and part of each image.
    """
    labels_by_part: dict[Part, set[str]] = defaultdict(set)
    for label, part in given:
        labels_by_part[part].add(label)
    everything = set().union(*labels_by_part.values())
    return {
        part: sorted(everything - labels_by_part[part])
        for part in PARTS
        if part in labels_by_part and everything - labels_by_part[part]
    }
