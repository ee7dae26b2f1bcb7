"""Who is in train, validation and test. Ids, labels and groups in, records out; no pixels."""

import csv
import hashlib
import io
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from modelzoo.errors import UserError

if TYPE_CHECKING:  # layouts knows Part
    from modelzoo.datasets.dataset import Dataset

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = get_args(Part)
PART_WORDS = {"train": "training", "validation": "validation", "test": "test"}  # ... images
SplitKind = Literal["random", "grouped", "background", "given"]
OLD_SPLIT_KINDS = {"group": "grouped", "look": "background"}  # names up to version 0.1.0

_TRIES = 20  # orders in which whole groups are tried; the one nearest to the shares is kept


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
            yield SplitRow(row["image"], row["label"], row["group"], part)
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


# Making a split


def make_split(
    dataset: "Dataset",
    kind: SplitKind,
    *,
    groups: Mapping[str, str],
    clusters: Mapping[str, str],
    seed: int,
    test_share: float,
    validation_share: float,
) -> Split:
    """Every image of `dataset` in one part, decided by the seed and not by the order of files.

    Args:
        dataset: From `open_dataset`.
        kind: random: stratified by class, so that groups may straddle; grouped: whole groups,
            stratified as far as they allow; background: whole background clusters are the test, at
            least one of each class, and validation takes whole groups of the rest; given: as
            folders or table say, where a missing validation part takes whole groups of train.
        groups: Image id -> group, from `find_groups`.
        clusters: Image id -> background cluster, from `find_background_clusters`; empty unless
            the kind is background.
        seed: Chooses who is where; not used for what is given.
        test_share: Of the images of each class, as near as whole groups or clusters allow.
        validation_share: The same, of all images and not of what the test leaves.

    Raises:
        UserError: A class has too few images, groups or clusters, or the data give no parts.
    """
    random = np.random.default_rng(seed)
    if kind == "given":
        parts = _given_parts(dataset)
    else:
        parts = _choose_test(dataset, kind, groups, clusters, test_share, random)
    if "validation" not in parts.values():
        _choose_validation(parts, dataset, kind, groups, validation_share, random)
    label_by_image = dataset.label_by_id
    split = Split(
        tuple(
            SplitRow(image, label_by_image[image], groups[image], parts[image])
            for image in sorted(label_by_image)
        )
    )
    assert kind in ("random", "given") or not find_straddling(split, groups)
    return split


def _choose_test(
    dataset: "Dataset",
    kind: SplitKind,
    groups: Mapping[str, str],
    clusters: Mapping[str, str],
    share: float,
    random: np.random.Generator,
) -> dict[str, Part]:
    """Image id -> test or train, of every image."""
    label_by_image = dataset.label_by_id
    unit_by_image = {
        "random": {image: image for image in label_by_image},
        "grouped": {image: groups[image] for image in label_by_image},
        "background": _joined(clusters, groups) if kind == "background" else {},
    }[kind]
    _check_units(kind, label_by_image, unit_by_image)
    chosen = _choose(
        label_by_image,
        unit_by_image,
        _targets(label_by_image, share),
        random,
        # Of background clusters the seed chooses which, and not how near the share is.
        tries=1 if kind == "background" else _TRIES,
    )
    _check_classes(kind, label_by_image, chosen)
    return {image: "test" if image in chosen else "train" for image in label_by_image}


def _choose_validation(
    parts: dict[str, Part],
    dataset: "Dataset",
    kind: SplitKind,
    groups: Mapping[str, str],
    share: float,
    random: np.random.Generator,
) -> None:
    """Move some of the training images in `parts` to validation.

    Raises:
        UserError: There are too few.
    """
    label_by_image = dataset.label_by_id
    left = {image: label_by_image[image] for image, part in parts.items() if part == "train"}
    unit_by_image = {image: image if kind == "random" else groups[image] for image in left}
    targets = _targets(label_by_image, share)
    chosen = _choose(left, unit_by_image, targets, random, tries=_TRIES)
    if not chosen:
        raise UserError(
            f"{dataset.source} has too few {_plural(kind)} to keep some for validation; give "
            "more images, or choose another split."
        )
    parts.update(dict.fromkeys(chosen, "validation"))


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


def _given_parts(dataset: "Dataset") -> dict[str, Part]:
    """Image id -> part, as the data say."""
    parts: dict[str, Part] = {image.id: image.part for image in dataset.images if image.part}
    if not parts:
        raise UserError(
            f"{dataset.source} says nothing about parts; give folders train, val and test or a "
            "table with such a column, or choose the split random, grouped or background."
        )
    if len(parts) < len(dataset.images):
        raise UserError(
            f"{dataset.source} gives {len(dataset.images) - len(parts)} of {len(dataset.images)} "
            "images no part; give one to all, or choose another split."
        )
    for part in ("train", "test"):
        if part not in parts.values():
            raise UserError(
                f"{dataset.source} gives no image the part {part}; add some, or choose the split "
                "random, grouped or background."
            )
    return parts


def _joined(clusters: Mapping[str, str], groups: Mapping[str, str]) -> dict[str, str]:
    """Image id -> the first of the clusters that are joined by groups with images in several."""
    first = {cluster: cluster for cluster in clusters.values()}

    def find(cluster: str) -> str:
        while first[cluster] != cluster:
            cluster = first[cluster]
        return cluster

    cluster_by_group: dict[str, str] = {}
    for image, cluster in sorted(clusters.items()):
        here, there = find(cluster), find(cluster_by_group.setdefault(groups[image], cluster))
        first[max(here, there)] = min(here, there)
    return {image: find(cluster) for image, cluster in clusters.items()}


def _targets(label_by_image: Mapping[str, str], share: float) -> dict[str, float]:
    """Class -> how many of its images a part should have."""
    return {label: share * count for label, count in Counter(label_by_image.values()).items()}


def _choose(
    label_by_image: Mapping[str, str],
    unit_by_image: Mapping[str, str],
    targets: Mapping[str, float],
    random: np.random.Generator,
    *,
    tries: int,
) -> set[str]:
    """Images of whole units, as near to `targets` in each class as the best of `tries` orders.

    At least one unit of every class is taken and at least one is left, where there are two.
    """
    counts_by_unit: dict[str, Counter[str]] = defaultdict(Counter)
    for image in sorted(unit_by_image):
        counts_by_unit[unit_by_image[image]][label_by_image[image]] += 1
    units = sorted(counts_by_unit)
    # No order can come nearer than whole images do.
    nearest = sum(abs(target - round(target)) for target in targets.values())
    best: tuple[float, set[str]] = math.inf, set()
    for _ in range(tries):
        order = [units[index] for index in random.permutation(len(units))]
        taken = _take(order, counts_by_unit, targets)
        counts = Counter(label_by_image[i] for i, unit in unit_by_image.items() if unit in taken)
        distance = sum(abs(counts[label] - target) for label, target in targets.items())
        if distance < best[0]:
            best = distance, taken
        if distance < nearest + 1e-9:
            break
    return {image for image, unit in unit_by_image.items() if unit in best[1]}


def _take(
    order: list[str], counts_by_unit: Mapping[str, Counter[str]], targets: Mapping[str, float]
) -> set[str]:
    """Units in `order` as long as each brings the counts nearer to `targets`."""
    left = Counter(label for counts in counts_by_unit.values() for label in counts)  # units
    filled: Counter[str] = Counter()
    taken: set[str] = set()

    def take(unit: str) -> None:
        taken.add(unit)
        filled.update(counts_by_unit[unit])
        left.subtract(counts_by_unit[unit].keys())

    def gain(unit: str) -> float:
        counts = counts_by_unit[unit]
        return sum(
            abs(filled[label] - targets[label]) - abs(filled[label] + count - targets[label])
            for label, count in counts.items()
        )

    def may_take(unit: str) -> bool:
        return unit not in taken and all(left[label] > 1 for label in counts_by_unit[unit])

    for unit in order:
        if may_take(unit) and gain(unit) > 0:
            take(unit)
    for label in sorted(targets):
        # Every unit of this class is too large for the share: the one that is least so.
        fitting = [unit for unit in order if label in counts_by_unit[unit] and may_take(unit)]
        if not filled[label] and fitting:
            take(max(fitting, key=gain))
    return taken


def _check_units(
    kind: SplitKind, label_by_image: Mapping[str, str], unit_by_image: Mapping[str, str]
) -> None:
    """Raise a UserError when a class has not one unit for train and one for test."""
    units_by_label: dict[str, set[str]] = defaultdict(set)
    for image, label in label_by_image.items():
        units_by_label[label].add(unit_by_image[image])
    for label, units in sorted(units_by_label.items()):
        if len(units) < 2:
            raise UserError(
                f"Class {label!r} has too few {_plural(kind)}: one for training and one for the "
                f"test are needed, and it has {len(units)}; give more images, or choose another "
                "split."
            )


def _check_classes(kind: SplitKind, label_by_image: Mapping[str, str], chosen: set[str]) -> None:
    """Raise a UserError when a class is missing in the test or in what is left."""
    everything = set(label_by_image.values())
    in_test = {label_by_image[image] for image in chosen}
    in_rest = {label for image, label in label_by_image.items() if image not in chosen}
    for label in sorted(everything - (in_test & in_rest)):
        raise UserError(
            f"The {_plural(kind)} of class {label!r} cannot be kept whole and still be in training "
            "and in the test, because they hold other classes too; choose another split."
        )


def _plural(kind: SplitKind) -> str:
    """What a split of that kind moves as a whole."""
    return {
        "random": "images",
        "grouped": "groups",
        "background": "background clusters",
        "given": "groups",
    }[kind]
