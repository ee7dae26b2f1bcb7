"""The layouts that are understood, in the order in which they are tried."""

from pathlib import Path, PurePosixPath

from modelzoo.datasets.layouts.cnmc import list_cnmc
from modelzoo.datasets.layouts.given_parts import list_parts
from modelzoo.datasets.layouts.listing import PART_BY_NAME, UID, Listing, add_classes
from modelzoo.datasets.layouts.original_segmented import list_original
from modelzoo.datasets.walk import is_image, walk
from modelzoo.errors import UserError


def list_folder(root: Path, segmented: bool) -> Listing:
    """The files of a folder in whichever layout it has."""
    if not root.is_dir():
        raise UserError(
            f"{root} was not found; give a folder of images or a CSV or Parquet table of them."
        )
    root, files, folders = _unwrap(root)
    images = [file for file in files if is_image(file)]
    if not images:
        raise UserError(
            f"{root} holds no images; give a folder that has one folder of images for each class."
        )
    tops = {PurePosixPath(folder).parts[0] for folder in folders}
    if any(name.lower() in ("original", "segmented") for name in tops):
        return list_original(root, files, folders, segmented)
    if segmented:
        raise UserError(f"{root} has no folder Segmented; leave out that choice.")
    if any(PART_BY_NAME.get(name.lower()) in ("train", "test") for name in tops):
        return list_parts(root, files, folders)
    if 2 * sum(bool(UID.fullmatch(PurePosixPath(file).stem)) for file in images) > len(images):
        return list_cnmc(root, files)
    if all("/" not in file for file in images):
        raise UserError(
            f"{root} holds {len(images)} images but no classes; put the images of each class "
            "into a folder of its own, or give a table with the columns path and label."
        )
    listing = Listing(root, "class folders")
    add_classes(listing, files, folders, "")
    return listing


def _unwrap(root: Path) -> tuple[Path, list[str], list[str]]:
    """`root`, or the one folder in it that an unpacked archive left, and what it holds."""
    files, folders = walk(root)
    while True:
        images = [PurePosixPath(file).parts for file in files if is_image(file)]
        tops = {parts[0] for parts in images}
        if len(tops) != 1 or min(map(len, images)) < 3 or _is_known_folder(min(tops)):
            return root, files, folders
        root /= min(tops)
        files, folders = walk(root)


def _is_known_folder(name: str) -> bool:
    name = name.lower()
    return name in ("original", "segmented", *PART_BY_NAME) or name.startswith("fold_")
