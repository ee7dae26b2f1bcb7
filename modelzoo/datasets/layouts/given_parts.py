"""`train|val|test/<class>`: the split is given by the folders."""

from dataclasses import replace

from modelzoo.datasets.dataset import Origins
from modelzoo.datasets.layouts.layout import (
    Layout,
    Listing,
    Source,
    add_classes,
    holds_classes,
    skip_beside,
    skip_part,
)
from modelzoo.datasets.layouts.names import names_division, names_subject, part_of
from modelzoo.datasets.walk import is_image
from modelzoo.text import join_few

_IMAGES = ("images", "image", "imgs", "img")  # beside a folder of masks or tables


def _recognises(source: Source) -> bool:
    """Whether a folder called train or test, or a variant of it, holds folders of images.

    A validation part alone is no split, unless the same classes lie beside it.
    """
    parts = {part_of(top) for top in _part_folders(source)}
    return bool(parts & {"train", "test"}) or bool(parts and _classes_beside(source))


def _part_folders(source: Source) -> list[str]:
    return [top for top in source.tops if part_of(top) and holds_classes(source, top)]


def _classes_beside(source: Source) -> list[str]:
    """Folders beside those of the parts that are called as the classes inside them."""
    inside = {
        file.split("/")[1].strip().casefold()
        for top in _part_folders(source)
        for file in source.below(top)
        if file.count("/") > 1
    }
    return [top for top in source.tops if top.strip().casefold() in inside and not part_of(top)]


def _lists(source: Source) -> Listing:
    listing = Listing(
        source.path,
        Origins(
            "folders are called train or test",
            label="folder inside that of the part",
            part="first folder",
        ),
    )
    tests = [top for top in _part_folders(source) if part_of(top) == "test"]
    if len(tests) > 1:
        folders = join_few(tests)
        listing.part_doubts.append(
            f"The folders {folders} are one test set, so a score mixes them."
        )
    has_train = any(part_of(top) == "train" for top in _part_folders(source))
    beside = [] if has_train else _classes_beside(source)
    others = [top for top in source.tops if not (part_of(top) or top in beside)]
    skip_beside(listing, source, others, "the folders of the parts")
    for top in source.tops:
        part = part_of(top)
        if top in beside:
            _add_training(listing, source, top)
        elif part and not holds_classes(source, top):
            skip_part(listing, source, top)
        elif part:
            inside = _folder_of_images(source, top)
            above, are_subjects = _above_classes(source, inside)
            if are_subjects:
                label, group = "folder inside that of the subject", "folder inside that of the part"
                listing.origins = replace(listing.origins, label=label, group=group)
            add_classes(
                listing, source, inside=inside, part=part, above=above, are_subjects=are_subjects
            )
    if beside:
        listing.notes.append(
            f"{join_few(beside)} beside {join_few(_part_folders(source))} are read as the "
            "training part."
        )
    return listing


def _add_training(listing: Listing, source: Source, top: str) -> None:
    """Add a class beside the folders of the parts."""
    listing.folder_by_class.setdefault(top, f"{top}/")
    for file in source.below(top):
        listing.add(file, top, "train")
        listing.unused |= set(file.split("/")[1:-1]) if is_image(file) else set()


def _above_classes(source: Source, inside: str) -> tuple[int, bool]:
    """How many folders lie between `inside` and its classes, and whether they are subjects."""
    below = [file.removeprefix(f"{inside}/") for file in source.below(inside) if is_image(file)]
    deep = [file for file in below if file.count("/") > 1]
    if 2 * len(deep) <= len(below):
        return 0, False
    above = {file.split("/")[0] for file in below if "/" in file}
    if all(map(names_subject, above)):
        return 1, True
    return int(all(map(names_division, above))), False


def _folder_of_images(source: Source, part: str) -> str:
    """The folder of a part, or the one called images in it where nearly all images lie there."""
    images = [file.split("/") for file in source.below(part) if is_image(file)]
    inner = {parts[1] for parts in images if len(parts) > 2}
    deep = [parts for parts in images if len(parts) > 3]
    is_one = len(inner) == 1 and 2 * len(deep) > len(images)
    return f"{part}/{min(inner)}" if is_one and min(inner).lower() in _IMAGES else part


GIVEN_PARTS = Layout("parts", _recognises, _lists)
