"""`train|val|test/<class>`."""

from pathlib import Path, PurePosixPath

from modelzoo.datasets.dataset import Skipped
from modelzoo.datasets.layouts.listing import PART_BY_NAME, Listing, add_classes, below
from modelzoo.datasets.walk import is_image


def list_parts(root: Path, files: list[str], folders: list[str]) -> Listing:
    """`train|val|test/<class>`."""
    listing = Listing(root, "parts")
    for top in sorted({PurePosixPath(folder).parts[0] for folder in folders}):
        part = PART_BY_NAME.get(top.lower())
        if part:
            add_classes(listing, files, folders, f"{top}/", part)
        else:
            reason = "beside the folders of the parts"
            images = [file for file in below(files, f"{top}/") if is_image(file)]
            listing.skipped.extend(Skipped(file, reason) for file in images)
    return listing
