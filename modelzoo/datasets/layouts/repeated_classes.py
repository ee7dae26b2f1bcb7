"""`<patient>/<class>/*` and `<fold>/<class>/*`: the same classes in every folder."""

import re
from collections import defaultdict
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

# Folders that divide a set otherwise than by patient.
_NO_PATIENT = re.compile(
    r"(fold|part|batch|set|dataset|data|version|v)[\W_]*\d*|.*(master|main)", re.I
)


def _recognises(source: Source) -> bool:
    """Whether there are several folders, and all hold the same two or more with images in them."""
    names = list(_names_by_top(source).values())
    if len(names) < 2 or any(each != names[0] for each in names):
        return False
    # Folders called train, test or patient_1 are no classes.
    is_class = not any(part_of(name) or SUBJECT_NAME.fullmatch(name) for name in names[0])
    return len(names[0]) > 1 and is_class


def _names_by_top(source: Source) -> dict[str, set[str]]:
    """The folders with images in each folder of the first level."""
    names: dict[str, set[str]] = defaultdict(set)
    for image in source.images:
        top, *below = image.split("/")
        if below:
            names[top].add(below[0] if len(below) > 1 else "")
    return names


def _lists(source: Source) -> Listing:
    listing = Listing(
        source.path, Origins("every folder holds the same class folders", label="second folder")
    )
    tops = sorted(_names_by_top(source))
    are_patients = not all(_NO_PATIENT.fullmatch(top) for top in tops)
    for top in tops:
        first = len(listing.entries)
        add_classes(listing, source, inside=top)
        if are_patients:
            listing.origins = replace(listing.origins, group="first folder")
            listing.entries[first:] = [
                replace(entry, group=entry.group or top) for entry in listing.entries[first:]
            ]
    few = ", ".join(tops[:3]) + (" ..." if len(tops) > 3 else "")
    what = "the group of its images" if are_patients else "not used"
    listing.notes.append(
        f"Every folder ({few}) holds the same ones, so those are the classes; the folder above is "
        f"{what}."
    )
    return listing


REPEATED_CLASSES = Layout("classes in every folder", _recognises, _lists)
