"""What a data set holds, where that is from, and what is doubtful about it. Records only."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from modelzoo.datasets.dataset import Dataset, Image, Origins
from modelzoo.datasets.distribution import count_by_part
from modelzoo.datasets.doubts import Links, doubt_parts, find_copied, find_crossing, find_doubts
from modelzoo.datasets.preparing import Prepared
from modelzoo.datasets.splits import PARTS, Part

EXAMPLES = 3  # of a kind, that a person may open


@dataclass(frozen=True, slots=True)
class ClassRow:
    """What there is of one class."""

    name: str
    images: int
    groups: int
    largest_group: int  # images
    images_in_groups: int  # that share theirs with another image
    background_clusters: int
    train: int = 0  # images that the data give to this part, as in the next two
    validation: int = 0
    test: int = 0


@dataclass(frozen=True, slots=True)
class PartRow:
    """What there is of one given part."""

    part: Part
    images: int
    groups: int
    copied: int  # images that are a copy of a training image, or overlap one
    shared: int  # images whose group is in training, too: those, and those of the same subject


@dataclass(frozen=True, slots=True)
class Format:
    """Files of one size and kind."""

    width: int
    height: int
    mode: str  # Pillow's
    bits: int  # per channel
    images: int


@dataclass(frozen=True, slots=True)
class Crossing:
    """Copies and overlaps between images that differ in class, given part or subject."""

    across: Literal["classes", "parts", "subjects"]
    images: int  # that have such a copy or overlap
    examples: tuple[tuple[str, str], ...]  # image ids


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What was left out for one reason."""

    reason: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """All that is said of a data set."""

    id: str
    layout: str
    origins: Origins
    images: int
    bytes: int
    doubts: tuple[str, ...]  # near-certain mistakes, a sentence each
    notes: tuple[str, ...]  # what was guessed or is not used
    classes: tuple[ClassRow, ...]
    groups: int
    of_subjects: int  # images whose subject is known
    largest_groups: tuple[tuple[str, int], ...]  # name, images
    parts: tuple[PartRow, ...]
    formats: tuple[Format, ...]  # the most frequent first
    copies: int  # images of which there is another with the same content
    overlaps: int  # pairs of images that show a piece of the same field
    crossings: tuple[Crossing, ...]
    repeats: int  # images that show a field whole which another one shows, without being copies
    left_out: tuple[LeftOut, ...]  # the most frequent first


def make_report(prepared: Prepared) -> Report:
    """What is known of a data set, and what is doubtful."""
    dataset, groups = prepared.dataset, prepared.groups
    links = Links.of(dataset, prepared.overlaps)
    sizes = Counter(groups.values())
    return Report(
        id=dataset.id,
        layout=dataset.layout,
        origins=dataset.origins,
        images=len(dataset.images),
        bytes=sum(image.bytes for image in dataset.images),
        doubts=find_doubts(dataset, links, groups) + doubt_parts(dataset, links),
        notes=dataset.notes,
        classes=summarise_classes(dataset, groups, prepared.clusters),
        groups=len(sizes),
        of_subjects=sum(image.group is not None for image in dataset.images),
        largest_groups=tuple(
            sorted(
                (each for each in sizes.items() if each[1] > 1), key=lambda each: (-each[1], each)
            )[:EXAMPLES]
        ),
        parts=_summarise_parts(dataset, groups, links),
        formats=_count_formats(dataset.images),
        copies=sum(map(len, links.copies)),
        overlaps=len(links.overlaps),
        crossings=_summarise_crossings(dataset, links),
        repeats=links.repeats,
        left_out=_count_left_out(dataset),
    )


def describe_dataset(
    dataset: Dataset, groups: Mapping[str, str], clusters: Mapping[str, str]
) -> pd.DataFrame:
    """One row per image: image, label, group, background (its cluster)."""
    rows = [
        (image.id, image.label, groups[image.id], clusters[image.id]) for image in dataset.images
    ]
    return pd.DataFrame(rows, columns=["image", "label", "group", "background"])


def summarise_classes(
    dataset: Dataset, groups: Mapping[str, str], clusters: Mapping[str, str]
) -> tuple[ClassRow, ...]:
    """One row per class, in their order."""
    sizes = Counter(groups.values())
    ids_by_class: dict[str, list[str]] = defaultdict(list)
    for image in dataset.images:
        ids_by_class[image.label].append(image.id)
    in_parts = count_by_part((image.label, image.part) for image in dataset.images)
    rows = []
    for label in dataset.classes:
        ids = ids_by_class[label]
        of_each = [sizes[groups[image]] for image in ids]
        rows.append(
            ClassRow(
                label,
                images=len(ids),
                groups=len({groups[image] for image in ids}),
                largest_group=max(of_each),
                images_in_groups=sum(size > 1 for size in of_each),
                background_clusters=len({clusters[image] for image in ids}),
                **{part: counts[label] for part, counts in in_parts.items() if part},
            )
        )
    return tuple(rows)


def _summarise_parts(
    dataset: Dataset, groups: Mapping[str, str], links: Links
) -> tuple[PartRow, ...]:
    """One row per part that folders or table give; none where they give none."""
    by_part: dict[Part, list[Image]] = defaultdict(list)
    for image in dataset.images:
        if image.part:
            by_part[image.part].append(image)
    trained = {groups[image.id] for image in by_part["train"]}
    copied = find_copied(dataset, links)
    return tuple(
        PartRow(
            part,
            images=len(by_part[part]),
            groups=len({groups[image.id] for image in by_part[part]}),
            copied=0 if part == "train" else sum(image.id in copied for image in by_part[part]),
            shared=0
            if part == "train"
            else sum(groups[image.id] in trained for image in by_part[part]),
        )
        for part in PARTS
        if by_part[part]
    )


def _count_formats(images: Iterable[Image]) -> tuple[Format, ...]:
    counts = Counter(
        (each.facts.width, each.facts.height, each.facts.mode, each.facts.bits) for each in images
    )
    ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return tuple(Format(*kind, images=number) for kind, number in ordered)


def _summarise_crossings(dataset: Dataset, links: Links) -> tuple[Crossing, ...]:
    """Classes, parts and subjects that images are copied or overlap across."""
    values: dict[Literal["classes", "parts", "subjects"], dict[str, str]] = {
        "classes": {image.id: image.label for image in dataset.images},
        "parts": {image.id: image.part for image in dataset.images if image.part},
        "subjects": {image.id: image.group for image in dataset.images if image.group},
    }
    crossings = []
    for across, value_by_image in values.items():
        if pairs := find_crossing(links, value_by_image):
            images = {image for pair in pairs for image in pair}
            crossings.append(Crossing(across, len(images), tuple(pairs[:EXAMPLES])))
    return tuple(crossings)


def _count_left_out(dataset: Dataset) -> tuple[LeftOut, ...]:
    found: dict[str, list[str]] = defaultdict(list)
    for each in dataset.skipped:
        found[each.reason].append(each.id)
    # A file that a table lists twice is one file; a line without a path names none.
    ids_by_reason = {
        reason: ids if "" in ids else list(dict.fromkeys(ids)) for reason, ids in found.items()
    }
    ordered = sorted(ids_by_reason.items(), key=lambda each: (-len(each[1]), each[0]))
    return tuple(LeftOut(reason, len(ids), tuple(ids[:EXAMPLES])) for reason, ids in ordered)
