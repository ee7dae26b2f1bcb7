"""What folders inside those of the classes say, in whatever layout: subjects. Nothing is opened."""

from collections import defaultdict
from dataclasses import replace

from modelzoo.datasets.layouts.layout import Entry, Listing
from modelzoo.datasets.layouts.names import (
    names_class,
    names_no_class,
    names_subject,
    names_variant,
)
from modelzoo.datasets.walk import in_utf8
from modelzoo.text import join_few

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


def doubt_levels(listing: Listing) -> None:
    """Add a doubt where the folders inside those of the classes may be the classes.

    So they may where they are called like classes and the upper ones are not, or where all of the
    upper ones hold folders of the same names, which say nothing else.
    """
    inner_by_class: dict[str, set[str]] = defaultdict(set)
    for entry in listing.entries if listing.folder_by_class else []:
        inner_by_class[entry.label].add(folder_below(entry).strip())
    inner = set().union(*inner_by_class.values()) - {""}
    if any(map(names_class, inner_by_class)) or len(inner) < 2:
        return
    if any(names_no_class(name) or names_variant(name) for name in inner):
        return
    are_same = len(inner_by_class) > 1 and all(inner <= names for names in inner_by_class.values())
    if are_same or any(map(names_class, inner)):
        listing.doubts.append(
            f"The classes are taken from the folders {join_few(sorted(inner_by_class))}, in which "
            f"lie folders called {join_few(sorted(inner))}: if the latter are the classes, and the "
            "folders above them persons, sites or batches, give a table with the columns path and "
            "label."
        )


def folder_below(entry: Entry, is_below_part: bool = False) -> str:
    """The folder inside that of an image's class, or of the part in it; empty: there is none."""
    folders = entry.id.split("/")[:-1]
    names = [in_utf8(folder) for folder in folders]
    below = names.index(entry.label) + 1 + is_below_part if entry.label in names else len(folders)
    return folders[below] if below < len(folders) else ""
