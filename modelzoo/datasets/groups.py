"""Which images must stay together: subjects, duplicates and overlapping fields."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from scipy import sparse

from modelzoo.datasets.dataset import Dataset
from modelzoo.datasets.overlaps import find_overlaps
from modelzoo.parallel import Progress


def find_groups(
    dataset: Dataset, *, store: Path, progress: Progress | None = None
) -> dict[str, str]:
    """Image id -> group: the subject where it is known, else what hangs together by its pixels.

    Such a group holds exact duplicates and overlapping fields, and what overlaps those; it is
    named after its first image.

    Args:
        dataset: From `open_dataset`.
        store: Where results that can be made again are kept.
        progress: Called now and then with the pairs compared and how many there are.
    """
    group_by_image = {image.id: image.group for image in dataset.images if image.group}
    unknown = [image for image in dataset.images if not image.group]
    row_by_id = {image.id: row for row, image in enumerate(unknown)}
    links = [
        (row_by_id[overlap.first], row_by_id[overlap.second])
        for overlap in find_overlaps(dataset, store=store, progress=progress)
    ]
    first_by_content: dict[str, int] = {}
    for row, image in enumerate(unknown):
        links.append((first_by_content.setdefault(image.sha256, row), row))
    components = _components(links, len(unknown))
    name_by_component: dict[int, str] = {}
    for image, component in zip(unknown, components, strict=True):
        group_by_image[image.id] = name_by_component.setdefault(component, image.id)
    return dict(sorted(group_by_image.items()))


def _components(links: Iterable[tuple[int, int]], count: int) -> list[int]:
    """The connected component of each of `count` nodes."""
    pairs = np.array(list(links), np.int64).reshape(-1, 2)
    graph = sparse.coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), (count, count))
    numbers: list[int] = sparse.csgraph.connected_components(graph, directed=False)[1].tolist()
    return numbers
