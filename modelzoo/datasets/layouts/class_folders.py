"""`<class>/*`: the simplest layout, and the last that is tried.

Folders inside those of the classes may be called after parts or patients.
"""

from dataclasses import replace

from modelzoo.datasets.dataset import Origins
from modelzoo.datasets.layouts.layout import (
    Entry,
    Layout,
    Listing,
    Source,
    add_classes,
    holds_classes,
    skip_part,
)
from modelzoo.datasets.layouts.names import names_division, names_subject, part_of
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
    listing = Listing(source.path, Origins("images lie in folders", label="first folder"))
    flat = [top for top in source.tops if part_of(top) and not holds_classes(source, top)]
    for top in flat:
        skip_part(listing, source, top)
    of_classes = [name for name in source.folders if name.split("/")[0] not in flat]
    files = [file for file in source.files if file.split("/")[0] not in flat]
    add_classes(listing, replace(source, files=tuple(files), folders=tuple(of_classes)))
    _read_inner(listing)
    return listing


def _refuse_divisions(source: Source) -> None:
    parts = [image.split("/") for image in source.images]
    tops = sorted({names[0] for names in parts})
    if len(tops) > 1 and all(
        len(names) > 3 and part_of(names[1]) and names_division(names[0]) for names in parts
    ):
        raise UserError(
            f"{source.path} divides its images into parts {len(tops):,} times "
            f"({join_few(tops)}), as for a cross-validation; give one of these folders, such as "
            f"{source.path / tops[0]}."
        )


def _read_inner(listing: Listing) -> None:
    """Take the folders inside those of the classes as parts or subjects, if they are called so."""
    inner = [_inner_of(entry) for entry in listing.entries]
    named = {name for name in inner if name}
    if named and all(map(part_of, named)) and all(inner):
        listing.entries = [
            replace(entry, part=part_of(_inner_of(entry))) for entry in listing.entries
        ]
        listing.origins = replace(listing.origins, part="second folder")
        listing.unused -= named
    elif named and all(map(names_subject, named)):
        _read_subjects(listing)
        listing.unused -= named
    elif parts := sorted(filter(part_of, named)):
        beside = sum(not part_of(name) for name in inner)
        listing.notes.append(
            f"Folders inside those of the classes are called like parts ({join_few(parts)}), but "
            f"{count(beside, 'image')} {'lies' if beside == 1 else 'lie'} beside them: these parts "
            "are not used."
        )
        listing.unused -= set(parts)


def _inner_of(entry: Entry) -> str:
    """The folder inside that of the class in which an image lies; empty: none."""
    names = entry.id.split("/")
    return names[1] if len(names) > 2 else ""


def _read_subjects(listing: Listing) -> None:
    listing.entries = [
        replace(entry, group=entry.group or _inner_of(entry).strip() or None)
        for entry in listing.entries
    ]
    listing.origins = replace(listing.origins, group="second folder")
    listing.notes.append(
        "The folders inside those of the classes are read as subjects, of the same name as the "
        "same one."
    )


CLASS_FOLDERS = Layout("class folders", _recognises, _lists)
