"""Masks of cells that lie beside the images: they are no images of a class. Nothing is opened."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from modelzoo.datasets.dataset import Skipped
from modelzoo.datasets.layouts.layout import Source
from modelzoo.datasets.walk import in_utf8, is_image
from modelzoo.text import count

_WORD = (
    r"(?:masks?|seg|segmentations?|gt|ground[-_ ]?truth|labels?|bw|binar(?:y|i[sz]ed)|silhouettes?)"
)
_OF = r"(?:cells?|nucle(?:us|i))[-_ ]?"
# 1_mask, 1_mask_2 of several cells, 1_cell_mask; mask_1
_NAME = re.compile(
    rf"(?P<first>.+?)[-_ ](?:{_OF})?{_WORD}(?:[-_ ]?\d+)?|(?:{_OF})?{_WORD}[-_ ](?P<last>.+)",
    re.IGNORECASE,
)
# masks, Ground Truth Segmentation, Benign_mask, mask_Benign; SegmentationClass of Pascal VOC
_FOLDER = re.compile(
    rf"(?:.+[-_ ]|{_OF})?(?:{_WORD}|annotations?|ground[-_ ]?truth.*)|masks?[-_ ].+|"
    r"segmentation(?:class|object)(?:raw|aug)?",
    re.IGNORECASE,
)
# Whether each of these files has few colours; None: it cannot be read.
LookAt = Callable[[Sequence[str]], Mapping[str, bool | None]]


def leave_out_masks(source: Source, look_at: LookAt) -> tuple[Source, list[Skipped], list[str]]:
    """`source` without the masks in it, known by their names and their few colours.

    A mask is called as an image with `_mask` or the like behind or in front, or lies in a folder
    called masks or the like. What has many colours is an image, whatever it is called.

    Args:
        source: What was given.
        look_at: Called once, with the ids of the files that are masks by their names.

    Returns:
        The rest, the masks, and sentences on both.
    """
    named = find_named(source.images)
    looks = look_at(named) if named else {}
    # What cannot be read is a mask where others are.
    as_others = True in looks.values()
    masks = [file for file in named if looks[file] or (looks[file] is None and as_others)]
    if len(masks) == len(source.images):
        return source, [], []
    left = frozenset(masks)
    notes = []
    if masks:
        notes.append(f"{count(len(masks), 'mask')} left out, by name and few colours.")
    if kept := [file for file in named if looks[file] is False]:
        are, used = ("is", "it is used") if len(kept) == 1 else ("are", "they are used")
        notes.append(
            f"{count(len(kept), 'image')} with many colours {are} called like masks, such as "
            f"{kept[0]}: {used}."
        )
    skipped = [Skipped(file, "a mask, by its name and few colours") for file in masks]
    return _without(source, left), skipped, notes


def find_named(images: Sequence[str]) -> list[str]:
    """Those that are masks by their names."""
    stems = {PurePosixPath(image).stem for image in images}
    named = []
    for image in images:
        if in_utf8(image) != image:
            continue  # it is left out for that
        path = PurePosixPath(image)
        name = _NAME.fullmatch(path.stem)
        if _in_mask_folder(path) or (name and (name["first"] or name["last"]) in stems):
            named.append(image)
    return named


def _without(source: Source, left: frozenset[str]) -> Source:
    """`source` without some files, and without the folders of masks that hold no other image."""
    files = tuple(file for file in source.files if file not in left)
    used = {
        str(folder) for file in files if is_image(file) for folder in PurePosixPath(file).parents
    }
    folders = tuple(
        folder
        for folder in source.folders
        if folder in used or not _in_mask_folder(PurePosixPath(folder) / "x")
    )
    return replace(source, files=files, folders=folders)


def _in_mask_folder(path: PurePosixPath) -> bool:
    return any(_FOLDER.fullmatch(part) for part in path.parts[:-1])
