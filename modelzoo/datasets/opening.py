"""A folder or table -> Dataset, with what was skipped and why. Decides nothing about splits."""

import posixpath
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from modelzoo.datasets.checks import Check, check_files
from modelzoo.datasets.dataset import Dataset, Image, Skipped
from modelzoo.datasets.empty_classes import doubt_empty_classes
from modelzoo.datasets.file_notes import describe_files
from modelzoo.datasets.layouts.inner_folders import doubt_levels, read_subjects
from modelzoo.datasets.layouts.layout import (
    Entry,
    Layout,
    Listing,
    Source,
    describe_unused,
    leave_out_rest,
    unify_classes,
)
from modelzoo.datasets.layouts.masks import leave_out_masks
from modelzoo.datasets.layouts.table import read_source, recognise, unwrap
from modelzoo.datasets.layouts.table_file import TABLE_FILE
from modelzoo.datasets.layouts.tables_beside import describe_tables
from modelzoo.datasets.namesakes import find_repeats
from modelzoo.datasets.splits import Part, is_image_id
from modelzoo.datasets.unread import describe_unread
from modelzoo.errors import UserError
from modelzoo.files import is_folder, is_regular_file
from modelzoo.parallel import Progress
from modelzoo.text import count, join_few

# Below this no part of a split holds enough to learn from or to measure on.
MIN_IMAGES = 30
MIN_CLASS_IMAGES = 5


def open_dataset(
    path: Path,
    *,
    store: Path,
    segmented: bool = False,
    columns: str = "",
    progress: Progress | None = None,
) -> Dataset:
    """The images in a folder or table, each checked by decoding it.

    What a check found is kept under `store` by place, size and time of change, so that a second
    opening decodes only what is new.

    Args:
        path: A folder in one of the known layouts, or a CSV or Parquet table with the columns
            path and label, perhaps group and part.
        store: Where results that can be made again are kept.
        segmented: Of a data set with Original and Segmented, take the latter.
        columns: Of a table, those whose names say nothing, such as `label=dx,group=MRN`.
        progress: Called now and then with the files checked and how many were found; may raise
            to stop.

    Raises:
        UserError: It is missing, holds no usable image, or is in no known layout.
    """
    source = read_source(
        path,
        segmented=segmented,
        columns=columns,
        on_progress=progress and (lambda files: progress(0, files)),
    )
    given = source.path
    source, masks, notes = leave_out_masks(source, partial(_look_at, given, store, progress))
    source = unwrap(source, path)  # which had two folders, one of images and one of masks
    layout = recognise(source)
    listing = _list_images(layout, source)
    checks = check_files(listing.root, [entry.id for entry in listing.entries], store, progress)
    images, skipped = _select(listing.root, listing.entries, checks)
    listing.doubts += doubt_empty_classes(_find_left_out(listing, images, skipped))
    images, two_valued = _leave_out_two_valued(images)
    unread, foreign = (
        _move([Skipped(*each) for each in pairs], path, listing.root)
        for pairs in (source.unread, source.foreign)
    )
    skipped += [*unread, *foreign, *_move(masks, given, listing.root), *listing.skipped]
    skipped += [*two_valued, *_find_empty(listing, images)]
    notes += _describe_two_valued(two_valued)
    notes += describe_unread([(each.id, each.reason) for each in foreign])
    if not images:
        raise _nothing_usable(path, skipped)
    dataset = Dataset(
        listing.root,
        layout.name,
        tuple(sorted(images, key=lambda image: image.id)),
        tuple(sorted(skipped, key=lambda entry: entry.id)),
        (*listing.notes, *notes),
        listing.origins,
        (*listing.doubts, *_doubt_single_class(images), *_doubt_flat(images)),
        tuple(listing.part_doubts),
        source.path if layout is TABLE_FILE else None,
    )
    return replace(dataset, notes=(*dataset.notes, *describe_files(dataset)))


def _list_images(layout: Layout, source: Source) -> Listing:
    """Every image of `source`, as an entry of a class or as left out, with what is said of them."""
    listing = layout.lists(source)
    read_subjects(listing)
    doubt_levels(listing)
    leave_out_rest(listing, source)
    describe_unused(listing)
    unify_classes(listing)
    listing.notes += describe_tables(source)
    return listing


def find_root(data: Path, image_id: str, *, store: Path) -> Path:
    """The folder that the image ids of a data set are relative to.

    It may lie deeper than the path that was given, in the one folder of an unpacked archive.

    Args:
        data: Folder or table, as a run's config names it.
        image_id: Of one image.
        store: Where results that can be made again are kept.

    Raises:
        UserError: The data set is not there, or the id leads out of it.
    """
    if not is_image_id(image_id):
        raise UserError(f"Image {image_id!r} lies outside its data set, so it is not shown.")
    if not is_folder(data) and not is_regular_file(data):
        raise UserError(
            f"{data} is not there any more; put the data set back where it was when the run was "
            "trained."
        )
    root = data if is_folder(data) else data.parent
    if data != root or is_regular_file(root / image_id):
        return root
    return open_dataset(data, store=store).root


def check_trainable(dataset: Dataset) -> None:
    """Pass when there is enough to train on and to test.

    Raises:
        UserError: Fewer than two classes, or too few images in a class or altogether.
    """
    counts = dataset.images_by_class
    fewest = sorted(counts.items(), key=lambda each: each[1])
    listed = join_few([f"{name} {images:,}" for name, images in fewest])
    if len(counts) < 2:
        raise UserError(
            f"{dataset.source} holds only one class ({listed}); training needs at least two, each "
            "in a folder of its own or named in a table."
        )
    if len(dataset.images) < MIN_IMAGES or min(counts.values()) < MIN_CLASS_IMAGES:
        raise UserError(
            f"{dataset.source} holds {count(len(dataset.images), 'image')} ({listed}), too few to "
            "train on; "
            f"give at least {MIN_IMAGES}, and {MIN_CLASS_IMAGES} of each class."
        )


def _look_at(
    root: Path, store: Path, progress: Progress | None, ids: Sequence[str]
) -> dict[str, bool | None]:
    """Whether each of these files has few colours, as masks have; None: it cannot be read."""
    # How many are checked is said, and that work goes on: the bar is that of the images.
    show = progress and (lambda _, total: progress(0, total))
    checks = check_files(root, list(ids), store, show)
    return {each: None if check.reason else check.facts.is_flat for each, check in checks.items()}


def _move(skipped: list[Skipped], root: Path, new_root: Path) -> list[Skipped]:
    """Ids relative to `root` as ids relative to a folder in it, with `..` in front if outside."""
    if new_root == root or not skipped:
        return skipped
    inner = new_root.relative_to(root).as_posix()
    return [
        Skipped(
            posixpath.relpath(f"/{each.id}", f"/{inner}") + "/" * each.id.endswith("/"), each.reason
        )
        for each in skipped
    ]


def _select(
    root: Path, entries: list[Entry], checks: Mapping[str, Check]
) -> tuple[list[Image], list[Skipped]]:
    """The images that can be used, and why the others cannot."""
    labels_by_content: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        labels_by_content[checks[entry.id].sha256].add(entry.label)
    images: list[Image] = []
    skipped: list[Skipped] = []
    namesakes: dict[tuple[str, Part | None, str], list[str]] = defaultdict(list)
    for entry in entries:
        check = checks[entry.id]
        if not check.reason and len(labels_by_content[check.sha256]) == 1:
            namesakes[entry.label, entry.part, entry.name].append(entry.id)
    repeats = find_repeats(root, namesakes.values(), checks)
    for entry in entries:
        check = checks[entry.id]
        labels = labels_by_content[check.sha256]
        if check.reason:
            skipped.append(Skipped(entry.id, check.reason))
        elif len(labels) > 1:
            reason = f"the same content is in the classes {join_few(sorted(labels))}"
            skipped.append(Skipped(entry.id, reason))
        elif entry.id in repeats:
            reason = "duplicate name: another of its class differs only in folder or extension"
            skipped.append(Skipped(entry.id, reason))
        else:
            known = entry.label, check.bytes, check.sha256, entry.group, entry.part, check.facts
            images.append(Image(entry.id, *known))
    return images, skipped


def _leave_out_two_valued(images: list[Image]) -> tuple[list[Image], list[Skipped]]:
    """The images without masks, which have two values where most images have more."""
    masks = [image for image in images if image.facts.has_two_values]
    if 2 * len(masks) >= len(images):
        return images, []
    reason = "a mask: its pixels have only two values"
    skipped = [Skipped(mask.id, reason) for mask in masks]
    return [image for image in images if not image.facts.has_two_values], skipped


def _find_empty(listing: Listing, images: list[Image]) -> list[Skipped]:
    """Folders of classes of which no image can be used."""
    used = {image.label for image in images}
    return [
        Skipped(folder, "empty class: no image in it can be used")
        for label, folder in sorted(listing.folder_by_class.items())
        if label not in used
    ]


def _find_left_out(
    listing: Listing, images: list[Image], skipped: list[Skipped]
) -> dict[str, list[str]]:
    """Why the files of each class are left out of which no image can be used."""
    used = {image.label for image in images}
    reason_by_id = {each.id: each.reason for each in skipped}
    reasons: dict[str, list[str]] = defaultdict(list)
    for entry in listing.entries:
        if entry.label not in used and entry.id in reason_by_id:
            reasons[entry.label].append(reason_by_id[entry.id])
    return reasons


def _doubt_single_class(images: Sequence[Image]) -> list[str]:
    used = {image.label for image in images}
    if len(used) != 1:
        return []
    return [
        f"All images that can be used are of one class, {used.pop()}; training needs at least "
        "two, each in a folder of its own or named in a table."
    ]


def _doubt_flat(images: Sequence[Image]) -> list[str]:
    """A sentence on images that are used and look like masks."""
    flat = sorted(image.id for image in images if image.facts.is_flat)
    if not flat:
        return []
    has = "has" if len(flat) == 1 else "have"
    return [
        f"{len(flat):,} of {count(len(images), 'image')} {has} few colours, as masks have, such as "
        f"{flat[0]}; take masks out of the folders."
    ]


def _describe_two_valued(masks: list[Skipped]) -> list[str]:
    if not masks:
        return []
    return [f"{count(len(masks), 'mask')} left out: their pixels have only two values."]


def _nothing_usable(path: Path, skipped: list[Skipped]) -> UserError:
    """That no image can be used, and why most of the files cannot."""
    reason_by_file = {each.id: each.reason for each in skipped if not each.id.endswith("/")}
    reasons = Counter(reason_by_file.values()).most_common(1)
    why = (
        f" ({len(reason_by_file)} left out, {reasons[0][1]} because: {reasons[0][0]})"
        if reasons
        else ""
    )
    return UserError(
        f"{path} holds no image of a class that can be used{why}; give a folder that has one "
        "folder of images for each class, or a table with the columns path and label."
    )
