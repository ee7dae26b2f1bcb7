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
    """Image id -> group: what hangs together by its subject or by its pixels.

    A group holds the images of a subject where that is known, exact duplicates and overlapping
    fields, and what hangs together with those. It is named after its first subject, else after its
    first image. Two subjects with the same image are one group: apart, the test would hold what was
    trained on.

    Args:
        dataset: From `open_dataset`.
        store: Where results that can be made again are kept.
        progress: Called now and then with the pairs compared and how many there are.
    """
    row_by_id = {image.id: row for row, image in enumerate(dataset.images)}
    links = [
        (row_by_id[overlap.first], row_by_id[overlap.second])
        for overlap in find_overlaps(dataset, store=store, progress=progress)
    ]
    first_by_content: dict[str, int] = {}
    first_by_subject: dict[str, int] = {}
    for row, image in enumerate(dataset.images):
        links.append((first_by_content.setdefault(image.sha256, row), row))
        if image.group:
            links.append((first_by_subject.setdefault(image.group, row), row))
    components = _components(links, len(dataset.images))
    name_by_component: dict[int, str] = {}
    # Subjects come first, since a group that holds one is named after it.
    for subject, row in sorted(first_by_subject.items()):
        name_by_component.setdefault(components[row], subject)
    return {
        image.id: name_by_component.setdefault(component, image.id)
        for image, component in zip(dataset.images, components, strict=True)
    }


def _components(links: Iterable[tuple[int, int]], count: int) -> list[int]:
    """The connected component of each of `count` nodes."""
    pairs = np.array(list(links), np.int64).reshape(-1, 2)
    graph = sparse.coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), (count, count))
    numbers: list[int] = sparse.csgraph.connected_components(graph, directed=False)[1].tolist()
    return numbers
