"""`Original/<class>` and `Segmented/<class>`: the same fields twice, so one of them is left out."""

from modelzoo.datasets.dataset import Origins
from modelzoo.datasets.layouts.layout import (
    Layout,
    Listing,
    Source,
    add_classes,
    skip_beside,
    skip_images,
)
from modelzoo.errors import UserError

NAMES = ("original", "segmented")


def _recognises(source: Source) -> bool:
    return any(top.lower() in NAMES for top in source.tops)


def _lists(source: Source) -> Listing:
    """The fields of one of the two.

    Raises:
        UserError: The one that was asked for is not there.
    """
    wanted = "segmented" if source.segmented else "original"
    listing = Listing(
        source.path,
        Origins(
            "a folder is called Original or Segmented", label=f"folder inside {wanted.capitalize()}"
        ),
    )
    if wanted not in {top.lower() for top in source.tops}:
        other = "Original" if source.segmented else "Segmented"
        raise UserError(
            f"{source.path} has only the folder {other}; choose that one, or give a folder with "
            "both."
        )
    others = [top for top in source.tops if top.lower() not in NAMES]
    skip_beside(listing, source, others, wanted.capitalize())
    for top in source.tops:
        if top.lower() == wanted:
            add_classes(listing, source, inside=top)
        elif top.lower() in NAMES:
            skip_images(listing, source, top, f"twin in {top}, the same field again")
    return listing


ORIGINAL_SEGMENTED = Layout("Original and Segmented", _recognises, _lists)
