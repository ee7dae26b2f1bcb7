"""`Original/<class>` and `Segmented/<class>`."""

from pathlib import Path, PurePosixPath

from modelzoo.datasets.dataset import Skipped
from modelzoo.datasets.layouts.listing import Listing, add_classes, below
from modelzoo.datasets.walk import is_image
from modelzoo.errors import UserError


def list_original(root: Path, files: list[str], folders: list[str], segmented: bool) -> Listing:
    """`Original/<class>` and `Segmented/<class>`: the same fields twice, so one of them is left."""
    listing = Listing(root, "Original and Segmented")
    wanted = "segmented" if segmented else "original"
    tops = {PurePosixPath(folder).parts[0] for folder in folders}
    if wanted not in {name.lower() for name in tops}:
        other = "Original" if segmented else "Segmented"
        raise UserError(
            f"{root} has only the folder {other}; choose that one, or give a folder with both."
        )
    for top in sorted(tops):
        if top.lower() == wanted:
            add_classes(listing, files, folders, f"{top}/")
            continue
        is_twin = top.lower() in ("original", "segmented")
        reason = f"twin in {top}, the same field again" if is_twin else "beside Original"
        images = [file for file in below(files, f"{top}/") if is_image(file)]
        listing.skipped.extend(Skipped(file, reason) for file in images)
    return listing
