"""Masks of cells that lie beside the images: they are no images of a class."""

import re
from dataclasses import replace
from pathlib import PurePosixPath

from modelzoo.datasets.dataset import Skipped
from modelzoo.datasets.layouts.layout import Source
from modelzoo.datasets.walk import is_image

_SUFFIX = re.compile(r"(.+)[-_ ](mask|seg|segmentation|gt|label)", re.IGNORECASE)
_FOLDER = re.compile(r"(cell|nucle(us|i))?[-_ ]?(masks?|ground[-_ ]?truth.*|segmentations?)", re.I)


def leave_out_masks(source: Source) -> tuple[Source, list[Skipped]]:
    """`source` without the masks of other images in it, known by their names.

    A mask is called as its image with `_mask` or the like behind, or lies in a folder called masks
    or the like while an image of its name lies elsewhere.
    """
    image_stems = [PurePosixPath(file).with_suffix("") for file in source.files if is_image(file)]
    beside = set(image_stems)
    elsewhere = {stem.name for stem in image_stems if not _in_mask_folder(stem)}
    masks = [file for file in source.files if is_image(file) and _is_mask(file, beside, elsewhere)]
    if len(masks) == len(image_stems):
        return source, []
    left = set(masks)
    files = tuple(file for file in source.files if file not in left)
    folders = tuple(
        folder
        for folder in source.folders
        if not _in_mask_folder(PurePosixPath(folder) / "x")
        or any(file.startswith(f"{folder}/") for file in files)
    )
    skipped = [Skipped(file, "a mask of another image, by its name") for file in masks]
    return replace(source, files=files, folders=folders), skipped


def _is_mask(file: str, beside: set[PurePosixPath], elsewhere: set[str]) -> bool:
    stem = PurePosixPath(file).with_suffix("")
    suffix = _SUFFIX.fullmatch(stem.name)
    own_name = suffix[1] if suffix else stem.name
    if suffix and stem.with_name(own_name) in beside:
        return True
    return _in_mask_folder(stem) and own_name in elsewhere


def _in_mask_folder(path: PurePosixPath) -> bool:
    return any(_FOLDER.fullmatch(part) for part in path.parts[:-1])
