"""The split of a run and what it keeps of its images, so that a resumed run has the same ones."""

import logging
from collections.abc import Mapping
from pathlib import Path

from modelzoo.datasets.background import find_background_clusters
from modelzoo.datasets.copies import original_of
from modelzoo.datasets.dataset import Dataset
from modelzoo.datasets.doubts import (
    Links,
    describe_copies,
    describe_validation,
    doubt_seen,
    doubt_split,
    find_doubts,
    name_subject_of,
)
from modelzoo.datasets.groups import find_groups
from modelzoo.datasets.overlaps import find_overlaps
from modelzoo.datasets.splits import Split
from modelzoo.datasets.splitting import make_split
from modelzoo.errors import UserError
from modelzoo.parallel import Progress
from modelzoo.runs.file_names import DATA, SPLIT
from modelzoo.runs.folder import Run
from modelzoo.runs.records import (
    DataRecord,
    read_hashes,
    read_split,
    write_hashes,
    write_record,
    write_split,
)
from modelzoo.text import count, join_few

log = logging.getLogger(__name__)


def settle_split(run: Run, dataset: Dataset, store: Path, on_progress: Progress) -> Split:
    """The run's split: the one it has, when it was interrupted, else a new one.

    Raises:
        UserError: It was interrupted, and these are not the images that it began with.
    """
    config = run.config
    if run.has(SPLIT):
        split = read_split(run.path)
        found = {(image.id, image.label) for image in dataset.images}
        if {(original_of(row.image), row.label) for row in split.rows} != found:
            raise UserError(
                f"The images of {config.data} are not those this run began with; "
                "put them back, or train a new run."
            )
        _require_same_content(run, dataset)
        return split
    groups = find_groups(dataset, store=store, progress=on_progress)
    clusters = (
        find_background_clusters(dataset, store=store, groups=groups)
        if config.split == "background"
        else {}
    )
    split = make_split(
        dataset,
        config.split,
        groups=groups,
        clusters=clusters,
        seed=config.seed,
        test_share=config.test_share,
        validation_share=config.validation_share,
        copies_per_class=config.copies_per_class,
    )
    _write_data(run, dataset, split, groups, store)
    write_split(run.path, split)  # last: a run with a split does not come here again
    log.info("split %s (%s)", split.id, config.split)
    return split


def _write_data(
    run: Run, dataset: Dataset, split: Split, groups: Mapping[str, str], store: Path
) -> None:
    """Write what is doubtful about the data set, and by what its images can be known again."""
    kind = run.config.split
    links = Links.of(dataset, find_overlaps(dataset, store=store))
    doubts = [*find_doubts(dataset, links, groups), *doubt_split(dataset, kind)]
    if kind == "given":
        doubts += doubt_seen(dataset, links)
    taken = describe_validation(dataset, split, kind)
    taken += describe_copies(split, kind, run.config.copies_per_class)
    for sentence in (*doubts, *taken):
        log.warning("%s", sentence)
    record = DataRecord(
        layout=dataset.layout,
        doubts=doubts,
        notes=[*dataset.notes, *taken],
        depth=dataset.depth,
    )
    write_record(run.path, DATA, record)
    # A slide is no patient, who may have several.
    are_patients = name_subject_of(dataset) != "slide"
    write_hashes(
        run.path,
        {image.id: image.sha256 for image in dataset.images},
        {image.id: image.group for image in dataset.images if image.group and are_patients},
    )


def _require_same_content(run: Run, dataset: Dataset) -> None:
    """Pass where the images are those that the run began with, not others under their names.

    Raises:
        UserError: Some have changed: the epochs before and after would have learned from others.
    """
    known = read_hashes(run.path)  # of version 0.1.0: none
    changed = [
        image.id for image in dataset.images if not image.sha256.startswith(known.get(image.id, ""))
    ]
    if changed:
        have = "has" if len(changed) == 1 else "have"
        raise UserError(
            f"{len(changed):,} of the {count(len(dataset.images), 'image')} of {run.config.data} "
            f"{have} changed since this run began ({join_few(changed)}); put back what "
            "was there, or train a new run."
        )
