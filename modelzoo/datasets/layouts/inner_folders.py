"""What folders inside those of the classes say, in whatever layout: subjects. Nothing is opened."""

from dataclasses import replace

from modelzoo.datasets.layouts.layout import Entry, Listing
from modelzoo.datasets.layouts.names import names_subject
from modelzoo.datasets.walk import in_utf8

TOP_FOLDER = "first folder"  # where that is the class
PART_INSIDE = "second folder"  # where the part is the folder inside that of the class


def read_subjects(listing: Listing) -> None:
    """Take the folders inside those of the classes as subjects where all are called so.

    The same is done in every layout whose classes are folders: `train/Pro/patient_1` would
    otherwise hide that `test/Pro/patient_1` is the same person.
    """
    if not listing.folder_by_class or all(entry.group for entry in listing.entries):
        return
    is_below_part = listing.origins.part == PART_INSIDE
    inner = [folder_below(entry, is_below_part) for entry in listing.entries]
    named = {name for name in inner if name}
    if not named or not all(map(names_subject, named)):
        return
    listing.entries = [
        replace(entry, group=entry.group or name.strip() or None)
        for entry, name in zip(listing.entries, inner, strict=True)
    ]
    if is_below_part:
        where, inside = "third folder", "those of the parts in the classes"
    elif listing.origins.label == TOP_FOLDER:
        where, inside = "second folder", "those of the classes"
    else:
        where, inside = "folder inside that of the class", "those of the classes"
    listing.origins = replace(listing.origins, group=where)
    listing.notes.append(
        f"The folders inside {inside} are read as subjects, of the same name as the same one."
    )
    listing.unused -= named


def folder_below(entry: Entry, is_below_part: bool = False) -> str:
    """The folder inside that of an image's class, or of the part in it; empty: there is none."""
    folders = entry.id.split("/")[:-1]
    names = [in_utf8(folder) for folder in folders]
    below = names.index(entry.label) + 1 + is_below_part if entry.label in names else len(folders)
    return folders[below] if below < len(folders) else ""
