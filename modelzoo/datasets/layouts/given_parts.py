"""`train|val|test/<class>`: the split is given by the folders."""

from modelzoo.datasets.dataset import Origins
from modelzoo.datasets.layouts.layout import (
    Layout,
    Listing,
    Source,
    add_classes,
    part_of,
    skip_images,
)
from modelzoo.datasets.walk import is_image
from modelzoo.text import join

_IMAGES = ("images", "image", "imgs", "img")  # beside a folder of masks or tables


def _recognises(source: Source) -> bool:
    """Whether a folder is called train or test, or a variant of it; val alone is no split."""
    return any(part_of(top) in ("train", "test") for top in source.tops)


def _lists(source: Source) -> Listing:
    listing = Listing(
        source.path,
        Origins(
            "folders are called train or test",
            label="folder inside that of the part",
            part="first folder",
        ),
    )
    tests = [top for top in source.tops if part_of(top) == "test"]
    if len(tests) > 1:
        listing.notes.append(f"The folders {join(tests)} are one test set, so a score mixes them.")
    for top in source.tops:
        if part := part_of(top):
            add_classes(listing, source, inside=_folder_of_images(source, top), part=part)
        else:
            skip_images(listing, source, top, "beside the folders of the parts")
    return listing


def _folder_of_images(source: Source, part: str) -> str:
    """The folder of a part, or the one called images in it where all of its classes lie there."""
    images = [file.split("/") for file in source.below(part) if is_image(file)]
    inner = {parts[1] for parts in images}
    is_one = len(inner) == 1 and all(len(parts) > 3 for parts in images)
    return f"{part}/{min(inner)}" if is_one and min(inner).lower() in _IMAGES else part


GIVEN_PARTS = Layout("parts", _recognises, _lists)
