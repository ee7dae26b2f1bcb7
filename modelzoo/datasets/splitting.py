"""Choosing who is in train, validation and test. Ids, labels and groups in, a split out."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping

import numpy as np

from modelzoo.datasets.copies import CHANGED, copy_id, fill_classes, original_of
from modelzoo.datasets.dataset import Dataset
from modelzoo.datasets.splits import LEAKY, Part, Split, SplitKind, SplitRow, find_straddling
from modelzoo.errors import UserError

_TRIES = 20  # orders in which whole groups are tried; the one nearest to the shares is kept


def make_split(
    dataset: Dataset,
    kind: SplitKind,
    *,
    groups: Mapping[str, str],
    clusters: Mapping[str, str],
    seed: int,
    test_share: float,
    validation_share: float,
    copies_per_class: int = 0,
) -> Split:
    """Every image of `dataset` in one part, decided by the seed and not by the order of files.

    A copy of an image is a row of its own, with its original's class and group.

    Args:
        dataset: From `open_dataset`.
        kind: random: stratified by class, so that groups may straddle; grouped: whole groups,
            stratified as far as they allow; background: the test is one fold of a
            cross-validation over background clusters, and validation takes whole groups of the
            rest; given: as folders or table say, where a missing validation part takes whole groups
            of train; leaky-augmented: random, of images and copies alike (anand2025);
            leaky-validation: a random test, then validation drawn from what is left and one copy of
            each of that (muduli2025).
        groups: Image id -> group, from `find_groups`.
        clusters: Image id -> background cluster, from `find_background_clusters`; empty unless
            the kind is background.
        seed: Chooses who is where; not used for the test of what is given. Of background clusters
            it is the fold: as many seeds as there are folds test each cluster once.
        test_share: Of the images of each class, as near as whole groups allow; not used for
            background clusters and what is given.
        validation_share: The same, of all images and not of what the test leaves.
        copies_per_class: How many images each class shall have, with its copies; 0: no copies.
            They are made before a leaky-augmented split; after any other, of training images
            alone, whose classes are filled up to their share of it.

    Raises:
        UserError: A class has too few images, groups or clusters, the data give no parts, or there
            is a split of copies without any.
    """
    random = np.random.default_rng(seed)
    labels = dataset.label_by_id
    clusters = _joined(clusters, groups) if kind == "background" else {}
    if kind == "leaky-augmented":
        if not copies_per_class:
            raise UserError(
                "The split leaky-augmented makes copies before it divides them, and copies per "
                "class is 0; give how many images each class shall have, such as 1500."
            )
        labels |= fill_classes(labels, dict.fromkeys(dataset.classes, copies_per_class), random)
    if kind == "given":
        parts = _given_parts(dataset)
    else:
        parts = _choose_test(labels, kind, groups, clusters, test_share, random, seed)
    if kind == "leaky-validation":
        copied = {copy_id(image, CHANGED): image for image in labels if parts[image] == "train"}
        labels |= {copy: labels[image] for copy, image in copied.items()}
        parts |= dict.fromkeys(copied, "train")
    if "validation" not in parts.values():
        _choose_validation(parts, labels, kind, groups, validation_share, random, dataset)
    if copies_per_class and kind not in LEAKY:
        copies = _fill_training(labels, parts, copies_per_class, random)
        labels |= copies
        parts |= dict.fromkeys(copies, "train")
    split = Split(
        tuple(
            SplitRow(
                image,
                labels[image],
                groups[original_of(image)],
                parts[image],
                clusters.get(original_of(image), ""),
            )
            for image in sorted(labels)
        )
    )
    assert kind in ("random", "given", *LEAKY) or not find_straddling(
        split, {row.image: row.group for row in split.rows}
    )
    return split


def _fill_training(
    labels: Mapping[str, str], parts: Mapping[str, Part], most: int, random: np.random.Generator
) -> dict[str, str]:
    """Copies of training images, class by id, that bring each class to its share of `most`."""
    training = {image: label for image, label in labels.items() if parts[image] == "train"}
    of_all, of_training = Counter(labels.values()), Counter(training.values())
    targets = {label: round(most * of_training[label] / of_all[label]) for label in of_training}
    return fill_classes(training, targets, random)


def _choose_test(
    label_by_image: Mapping[str, str],
    kind: SplitKind,
    groups: Mapping[str, str],
    clusters: Mapping[str, str],
    share: float,
    random: np.random.Generator,
    seed: int,
) -> dict[str, Part]:
    """Image id -> test or train, of every image."""
    if kind == "background":
        _check_units(kind, label_by_image, clusters)
        chosen = _choose_fold(label_by_image, clusters, seed)
    else:
        of_groups = kind == "grouped"
        unit_by_image = {image: groups[image] if of_groups else image for image in label_by_image}
        _check_units(kind, label_by_image, unit_by_image)
        targets = _targets(label_by_image, share)
        chosen = _choose(label_by_image, unit_by_image, targets, random, tries=_TRIES)
    _check_classes(kind, label_by_image, chosen)
    return {image: "test" if image in chosen else "train" for image in label_by_image}


def _choose_validation(
    parts: dict[str, Part],
    label_by_image: Mapping[str, str],
    kind: SplitKind,
    groups: Mapping[str, str],
    share: float,
    random: np.random.Generator,
    dataset: Dataset,
) -> None:
    """Move some of the training images in `parts` to validation.

    Raises:
        UserError: There are too few.
    """
    left = {image: label_by_image[image] for image, part in parts.items() if part == "train"}
    by_image = kind in ("random", *LEAKY)
    unit_by_image = {image: image if by_image else groups[image] for image in left}
    targets = _targets(label_by_image, share)
    chosen = _choose(left, unit_by_image, targets, random, tries=_TRIES)
    if not chosen:
        raise UserError(
            f"{dataset.source} has too few {_plural(kind)} to keep some for validation; give "
            "more images, or choose another split."
        )
    parts.update(dict.fromkeys(chosen, "validation"))


def _given_parts(dataset: Dataset) -> dict[str, Part]:
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


def _choose_fold(
    label_by_image: Mapping[str, str], unit_by_image: Mapping[str, str], seed: int
) -> set[str]:
    """Images of one fold of a cross-validation over clusters, with some of each class.

    There are as many folds as the class with fewest has clusters, and each cluster is in one. The
    clusters of a class have the order of their names, from light to dark, and each class begins one
    further than the one before: while the lightest of one is tested, the lightest of others are
    trained on, as they are when each cluster is left out alone. Were all of the lightest left out
    together, what a model had learned of background would hardly be put to the test.
    """
    units_by_label: dict[str, list[str]] = {}
    for image, label in sorted(label_by_image.items()):
        units = units_by_label.setdefault(label, [])
        if unit_by_image[image] not in units:
            units.append(unit_by_image[image])
    folds = min(map(len, units_by_label.values()))
    fold_by_unit: dict[str, int] = {}
    for turn, (_, units) in enumerate(sorted(units_by_label.items())):
        units.sort()
        for index, unit in enumerate(units):
            fold_by_unit.setdefault(unit, (index - turn) % folds)
    taken = {unit for unit, fold in fold_by_unit.items() if fold == seed % folds}
    for turn, (_, units) in enumerate(sorted(units_by_label.items())):
        # Only clusters that groups join over classes can leave a class without one.
        if taken.isdisjoint(units):
            taken.add(units[(seed + turn) % folds])
    return {image for image, unit in unit_by_image.items() if unit in taken}


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
    whole = {"grouped": "groups", "background": "background clusters", "given": "groups"}
    return whole.get(kind, "images")
