"""A folder or table -> all that is known of it before a training: images, groups, clusters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from modelzoo.datasets.background import find_background_clusters
from modelzoo.datasets.dataset import Dataset
from modelzoo.datasets.groups import find_groups
from modelzoo.datasets.opening import open_dataset
from modelzoo.datasets.overlaps import Overlap, find_overlaps
from modelzoo.parallel import Progress

Steps = Callable[[str, int, int], None]  # what is done now, work done, work altogether

# The share of each step in one bar, by the time it takes with fields of 224 px on 2 cores.
_SHARES = {"checking images": 0.02, "finding overlaps": 0.83, "finding background clusters": 0.15}
_WORK = 1000  # of a bar


@dataclass(frozen=True, slots=True)
class Prepared:
    """A data set, and which of its images hang together."""

    dataset: Dataset
    overlaps: tuple[Overlap, ...]
    groups: Mapping[str, str]  # image id -> group
    clusters: Mapping[str, str]  # image id -> background cluster


def prepare(
    path: Path,
    *,
    store: Path,
    segmented: bool = False,
    columns: str = "",
    progress: Steps | None = None,
) -> Prepared:
    """Open a data set and find its overlapping fields, groups and background clusters.

    All of it is kept under `store`; a second time takes a second.

    Args:
        path: As for `open_dataset`.
        store: Where results that can be made again are kept.
        segmented: As for `open_dataset`.
        columns: As for `open_dataset`.
        progress: Called now and then, the work over all steps together; may raise to stop.

    Raises:
        UserError: It cannot be opened, an image changes meanwhile, or the disk is full.
    """
    dataset = open_dataset(
        path,
        store=store,
        segmented=segmented,
        columns=columns,
        progress=_step("checking images", progress),
    )
    overlaps = find_overlaps(dataset, store=store, progress=_step("finding overlaps", progress))
    groups = find_groups(dataset, store=store)
    clusters = find_background_clusters(
        dataset,
        store=store,
        groups=groups,
        progress=_step("finding background clusters", progress),
    )
    return Prepared(dataset, tuple(overlaps), groups, clusters)


def _step(name: str, progress: Steps | None) -> Progress | None:
    """What to call with the work done in one step; `progress` hears of the work altogether."""
    if progress is None:
        return None
    names = list(_SHARES)
    before = sum(_SHARES[each] for each in names[: names.index(name)])

    def report(done: int, total: int) -> None:
        progress(name, round(_WORK * (before + _SHARES[name] * done / max(1, total))), _WORK)

    return report
