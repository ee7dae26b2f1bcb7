"""C-NMC 2019: class and subject are in the file name, the fold in the folder or nowhere."""

from dataclasses import replace
from pathlib import PurePosixPath

from modelzoo.datasets.dataset import Origins, Skipped
from modelzoo.datasets.layouts.layout import UID, Layout, Listing, Source
from modelzoo.datasets.layouts.names import part_of
from modelzoo.datasets.walk import is_image

_CLASSES = ("all", "hem")


def _recognises(source: Source) -> bool:
    """Whether more than half of the images have such names."""
    images = source.images
    return 2 * sum(bool(UID.fullmatch(PurePosixPath(image).stem)) for image in images) > len(images)


def _lists(source: Source) -> Listing:
    listing = Listing(
        source.path, Origins("more than half of the names are UID_<subject>_…", label="file name")
    )
    for file in source.files:
        uid = UID.fullmatch(PurePosixPath(file).stem)
        if uid:
            folders = file.split("/")[:-1]
            part = part_of(folders[0]) if folders else None
            listing.add(file, uid[2].lower(), part)
            listing.unused |= {
                name for name in folders if name.lower() not in _CLASSES and not part_of(name)
            }
        elif is_image(file):
            reason = "its name is not UID_<subject>_<image>_<cell>_<class>"
            listing.skipped.append(Skipped(file, reason))
    if any(entry.part for entry in listing.entries):
        listing.origins = replace(listing.origins, part="first folder")
    return listing


CNMC = Layout("C-NMC", _recognises, _lists)
