"""C-NMC 2019: class and subject in the file name."""

from pathlib import Path, PurePosixPath

from modelzoo.datasets.dataset import Skipped
from modelzoo.datasets.layouts.listing import UID, Listing
from modelzoo.datasets.walk import is_image


def list_cnmc(root: Path, files: list[str]) -> Listing:
    """C-NMC 2019: class and subject are in the name, the fold in the folder or nowhere."""
    listing = Listing(root, "C-NMC")
    for file in files:
        uid = UID.fullmatch(PurePosixPath(file).stem)
        if uid:
            listing.add(file, uid[2].lower())
        elif is_image(file):
            reason = "its name is not UID_<subject>_<image>_<cell>_<class>"
            listing.skipped.append(Skipped(file, reason))
    return listing
