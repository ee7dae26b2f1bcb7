"""`train|val|test/<class>`: the split is given by the folders."""

from modelzoo.datasets.layouts.layout import (
    PART_BY_NAME,
    Layout,
    Listing,
    Source,
    add_classes,
    skip_images,
)


def _recognises(source: Source) -> bool:
    """Whether a folder is called train or test, or a variant of it; val alone is no split."""
    return any(PART_BY_NAME.get(top.lower()) in ("train", "test") for top in source.tops)


def _lists(source: Source) -> Listing:
    listing = Listing(source.path)
    for top in source.tops:
        if part := PART_BY_NAME.get(top.lower()):
            add_classes(listing, source, inside=top, part=part)
        else:
            skip_images(listing, source, top, "beside the folders of the parts")
    return listing


GIVEN_PARTS = Layout("parts", _recognises, _lists)
