"""Images by class and part, and samples of each class. Ids, labels and parts in, records out."""

from collections import Counter, defaultdict
from collections.abc import Iterable

import numpy as np

from modelzoo.datasets.dataset import Dataset
from modelzoo.datasets.splits import PARTS, Part


def count_by_part(
    images: Iterable[tuple[str, Part | None]],
) -> dict[Part | None, dict[str, int]]:
    """How many images of each class every part has; None is the part of those without one.

    Parts are in their order, those without an image left out; classes are in the order of the
    alphabet, all of them in every part.

    Args:
        images: Class and part of each image.
    """
    counts = Counter(images)
    classes = sorted({label for label, _ in counts})
    parts = [part for part in (*PARTS, None) if any((label, part) in counts for label in classes)]
    return {part: {label: counts[label, part] for label in classes} for part in parts}


def sample_classes(dataset: Dataset, n: int, *, seed: int) -> dict[str, tuple[str, ...]]:
    """Ids of `n` images of each class, drawn at random; of all, where a class has fewer.

    What is drawn of a class does not depend on the other classes' images.

    Args:
        dataset: From `open_dataset`.
        n: At least 1.
        seed: The same one draws the same images.
    """
    ids_by_class: dict[str, list[str]] = defaultdict(list)
    for image in dataset.images:
        ids_by_class[image.label].append(image.id)
    return {
        label: tuple(
            ids_by_class[label][index]
            for index in np.random.default_rng([seed, place]).permutation(len(ids_by_class[label]))[
                :n
            ]
        )
        for place, label in enumerate(dataset.classes)
    }
