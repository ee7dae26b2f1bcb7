"""`<class>/*`: the simplest layout, and the last that is tried.

Folders inside those of the classes may be called after parts or patients.
"""

from dataclasses import replace

from modelzoo.datasets.dataset import Origins
from modelzoo.datasets.layouts.inner_folders import PART_INSIDE, TOP_FOLDER, folder_below
from modelzoo.datasets.layouts.layout import (
    Layout,
    Listing,
    Source,
    add_classes,
    holds_classes,
    skip_part,
)
from modelzoo.datasets.layouts.names import names_division, part_of
from modelzoo.errors import UserError
from modelzoo.text import count, join_few


def _recognises(source: Source) -> bool:
    """Whether any image lies in a folder."""
    return any("/" in image for image in source.images)


def _lists(source: Source) -> Listing:
    """The images of each folder.

    Raises:
        UserError: Every folder divides the set anew, as in a cross-validation.
    """
    _refuse_divisions(source)
    listing = Listing(source.path, Origins("images lie in folders", label=TOP_FOLDER))
    flat = [top for top in source.tops if part_of(top) and not holds_classes(source, top)]
    for top in flat:
        skip_part(listing, source, top)
    of_classes = [name for name in source.folders if name.split("/")[0] not in flat]
    files = [file for file in source.files if file.split("/")[0] not in flat]
    add_classes(listing, replace(source, files=tuple(files), folders=tuple(of_classes)))
    _read_parts(listing)
    return listing


def _refuse_divisions(source: Source) -> None:
    divided = [names for image in source.images if len(names := image.split("/")) > 3]
    tops = sorted({names[0] for names in divided})
    are_nearly_all = 2 * len(divided) > len(source.images)
    if (
        are_nearly_all
        and len(tops) > 1
        and all(part_of(names[1]) and names_division(names[0]) for names in divided)
    ):
        raise UserError(
            f"{source.path} divides its images into parts {len(tops):,} times "
            f"({join_few(tops)}), as for a cross-validation; give one of these folders, such as "
            f"{source.path / tops[0]}."
        )


def _read_parts(listing: Listing) -> None:
    """Take the folders inside those of the classes as parts, if all images lie in such."""
    inner = [folder_below(entry) for entry in listing.entries]
    named = {name for name in inner if name}
    if named and all(map(part_of, named)) and all(inner):
        listing.entries = [
            replace(entry, part=part_of(folder_below(entry))) for entry in listing.entries
        ]
        listing.origins = replace(listing.origins, part=PART_INSIDE)
        listing.unused -= named
    elif parts := sorted(filter(part_of, named)):
        beside = sum(not part_of(name) for name in inner)
        listing.notes.append(
            f"Folders inside those of the classes are called like parts ({join_few(parts)}), but "
            f"{count(beside, 'image')} {'lies' if beside == 1 else 'lie'} beside them: these parts "
            "are not used."
        )
        listing.unused -= set(parts)


CLASS_FOLDERS = Layout("class folders", _recognises, _lists)
