"""`<patient>/<class>/*` and `<fold>/<class>/*`: folders of persons or folds above the classes."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
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
    the words in their names. Two classes with 40x and 100x in each are two classes. A few images
    beside the inner folders change nothing, nor does a class that one person alone has.
    """
    images_by_top = _images_by_top(source)
    inner = {name for names in images_by_top.values() for name in names if name}
    if (
        len(images_by_top) < 2
        or len(inner) < 2
        or not all(map(_holds_folders, images_by_top.values()))
    ):
        return False
    if any(names_no_class(name) or names_variant(name) for name in inner):
        return False
    if all(names_subject(top) or names_division(top) for top in images_by_top):
        return True
    are_classes = any(map(names_class, inner)) and not any(map(names_class, images_by_top))
    return are_classes and _have_the_same(images_by_top.values())


def _holds_folders(images: Mapping[str, int]) -> bool:
    """Whether more images of a folder lie in folders inside it than beside these."""
    return 2 * images.get("", 0) < sum(images.values())


def _have_the_same(folders: Collection[Mapping[str, int]]) -> bool:
    """Whether every folder holds others of the same names, and most of those names come again."""
    tops_by_name = Counter(name for names in folders for name in names if name)
    again = {name for name, tops in tops_by_name.items() if tops > 1}
    return all(again & names.keys() for names in folders) and 2 * len(again) > len(tops_by_name)


def _images_by_top(source: Source) -> dict[str, Counter[str]]:
    """The number of images in each folder inside those of the first level; empty name: beside."""
    images: dict[str, Counter[str]] = defaultdict(Counter)
    for image in source.images:
        top, *below = image.split("/")
        if below:
            images[top][below[0].strip().casefold() if len(below) > 1 else ""] += 1
    return images


def _lists(source: Source) -> Listing:
    tops = sorted(_images_by_top(source))
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
