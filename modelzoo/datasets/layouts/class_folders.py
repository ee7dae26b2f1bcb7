"""`<class>/*`: the simplest layout, and the last that is tried."""

from modelzoo.datasets.dataset import Origins
from modelzoo.datasets.layouts.layout import Layout, Listing, Source, add_classes


def _recognises(source: Source) -> bool:
    """Whether any image lies in a folder."""
    return any("/" in image for image in source.images)


def _lists(source: Source) -> Listing:
    listing = Listing(source.path, Origins("images lie in folders", label="first folder"))
    add_classes(listing, source)
    return listing


CLASS_FOLDERS = Layout("class folders", _recognises, _lists)
