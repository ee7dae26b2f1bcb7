"""`<class>/*`: the simplest layout, and the last that is tried.

Folders inside those of the classes may be called after parts or patients.
"""

from dataclasses import replace

from modelzoo.datasets.dataset import Origins
from modelzoo.datasets.layouts.layout import (
    SUBJECT_NAME,
    Layout,
    Listing,
    Source,
    add_classes,
    part_of,
)


def _recognises(source: Source) -> bool:
    """Whether any image lies in a folder."""
    return any("/" in image for image in source.images)


def _lists(source: Source) -> Listing:
    listing = Listing(source.path, Origins("images lie in folders", label="first folder"))
    add_classes(listing, source)
    inner = {image.split("/")[1] for image in source.images if image.count("/") > 1}
    is_whole = all(image.count("/") > 1 for image in source.images if "/" in image)
    if inner and is_whole and all(map(part_of, inner)):
        _read_parts(listing)
    elif inner and all(map(SUBJECT_NAME.fullmatch, inner)):
        _read_subjects(listing)
    return listing


def _read_parts(listing: Listing) -> None:
    listing.entries = [
        replace(entry, part=part_of(entry.id.split("/")[1])) for entry in listing.entries
    ]
    listing.origins = replace(listing.origins, part="second folder")


def _read_subjects(listing: Listing) -> None:
    """Take the folders inside those of the classes as subjects; the same name is the same one."""
    listing.entries = [
        replace(entry, group=entry.group or entry.id.split("/")[1])
        if entry.id.count("/") > 1
        else entry
        for entry in listing.entries
    ]
    listing.origins = replace(listing.origins, group="second folder")
    listing.notes.append(
        "The folders inside those of the classes are read as subjects, of the same name as the "
        "same one."
    )


CLASS_FOLDERS = Layout("class folders", _recognises, _lists)
