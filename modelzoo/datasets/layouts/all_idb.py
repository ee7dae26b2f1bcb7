"""ALL-IDB 1 and 2: the class is the last digit of the name (Labati et al. 2011)."""

import re
from dataclasses import replace
from pathlib import PurePosixPath

from modelzoo.datasets.dataset import Origins, Skipped
from modelzoo.datasets.layouts.layout import Layout, Listing, Source
from modelzoo.datasets.layouts.names import part_of
from modelzoo.datasets.walk import is_image

_NAME = re.compile(r"im\d+_([01])", re.IGNORECASE)
_LABELS = {"1": "ALL", "0": "normal"}


# Folders of the published archive, and what people unpack it into.
_OWN_FOLDERS = re.compile(r"all[-_ ]?idb[-_ ]?\d?|ims?|imgs?|images?|data(set)?", re.IGNORECASE)


def _recognises(source: Source) -> bool:
    """Whether more than half of the images have such names, and no folders divide them.

    Where somebody has sorted them into folders of their own, those are the classes.
    """
    images = source.images
    matching = [image for image in images if _match(image)]
    folders = {
        name
        for image in matching
        for name in image.split("/")[:-1]
        if not (_OWN_FOLDERS.fullmatch(name) or part_of(name))
    }
    return 2 * len(matching) > len(images) and len(folders) < 2


def _lists(source: Source) -> Listing:
    listing = Listing(
        source.path,
        Origins(
            "more than half of the names are Im<number>_<0 or 1>",
            label="last digit of the file name",
        ),
    )
    for file in source.files:
        name = _match(file)
        if name:
            listing.add(file, _LABELS[name[1]], part_of(file.split("/")[0]))
        elif is_image(file):
            listing.skipped.append(Skipped(file, "its name is not Im<number>_<0 or 1>"))
    if any(entry.part for entry in listing.entries):
        listing.origins = replace(listing.origins, part="first folder")
    listing.notes.append("The class is the last digit of the name: 1 is ALL, 0 normal.")
    if {"ALL_IDB1", "ALL_IDB2"} <= set(source.tops):
        listing.doubts.append(
            "ALL_IDB1 holds fields and ALL_IDB2 single cells, which may be cut from those fields; "
            "give one of the two folders to keep them apart."
        )
    return listing


def _match(file: str) -> re.Match[str] | None:
    return _NAME.fullmatch(PurePosixPath(file).stem)


ALL_IDB = Layout("ALL-IDB", _recognises, _lists)
