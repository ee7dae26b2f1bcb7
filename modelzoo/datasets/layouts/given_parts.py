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
from modelzoo.text import join_few


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
        folders = join_few(tests)
        listing.doubts.append(f"The folders {folders} are one test set, so a score mixes them.")
    for top in source.tops:
        if part := part_of(top):
            add_classes(listing, source, inside=top, part=part)
        else:
            skip_images(listing, source, top, "beside the folders of the parts")
    return listing


GIVEN_PARTS = Layout("parts", _recognises, _lists)
