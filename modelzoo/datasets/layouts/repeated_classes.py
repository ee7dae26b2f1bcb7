"""`<patient>/<class>/*` and `<fold>/<class>/*`: folders of persons or folds above the classes."""

from collections import defaultdict
from dataclasses import replace

from modelzoo.datasets.dataset import Origins
from modelzoo.datasets.layouts.layout import Layout, Listing, Source, add_classes
from modelzoo.datasets.layouts.names import (
    names_class,
    names_division,
    names_no_class,
    names_subject,
    names_variant,
)
from modelzoo.text import join_few

_MANY = 10  # folders of the same classes are rather persons than sites or scanners


def _recognises(source: Source) -> bool:
    """Whether the folders in those of the first level are the classes.

    So they are where the upper ones are called like persons or folds, or hold the same classes by
    the words in their names. Two classes with 40x and 100x in each are two classes.
    """
    names_by_top = _names_by_top(source)
    inner: set[str] = set().union(*names_by_top.values())
    if len(names_by_top) < 2 or len(inner) < 2 or "" in inner:
        return False
    if any(names_no_class(name) or names_variant(name) for name in inner):
        return False
    if all(names_subject(top) or names_division(top) for top in names_by_top):
        return True
    are_same = all(names == inner for names in names_by_top.values())
    return are_same and any(map(names_class, inner)) and not any(map(names_class, names_by_top))


def _names_by_top(source: Source) -> dict[str, set[str]]:
    """The folders with images in each folder of the first level."""
    names: dict[str, set[str]] = defaultdict(set)
    for image in source.images:
        top, *below = image.split("/")
        if below:
            names[top].add(below[0].strip().casefold() if len(below) > 1 else "")
    return names


def _lists(source: Source) -> Listing:
    tops = sorted(_names_by_top(source))
    are_named = all(map(names_subject, tops))
    are_subjects = are_named or (
        len(tops) >= _MANY and not any(names_division(top) or names_variant(top) for top in tops)
    )
    why = "folders are called like persons or folds" if are_named else "folders hold the classes"
    listing = Listing(source.path, Origins(why, label="second folder"))
    add_classes(listing, source, above=1, are_subjects=are_subjects)
    if are_subjects:
        listing.origins = replace(listing.origins, group="first folder")
    listing.notes.append(
        f"The folders inside {join_few(tops)} are read as the classes; the folder above is "
        f"{'the subject' if are_subjects else 'not used'}."
    )
    return listing


REPEATED_CLASSES = Layout("classes in every folder", _recognises, _lists)
