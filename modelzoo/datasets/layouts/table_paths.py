"""The cells of a table that name images -> the files that are meant. Nothing is decoded."""

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from modelzoo import paths
from modelzoo.datasets.layouts.masks import find_named
from modelzoo.datasets.walk import is_image, walk
from modelzoo.errors import UserError
from modelzoo.files import is_regular_file
from modelzoo.text import join

_ADDRESS = re.compile(r"(?!file:)[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_FEW = 3  # files in a sentence
_BY_NAME, _BY_FORM, _BY_CASE = "name", "form", "case"
_FOUND = {
    _BY_NAME: ("its name", "name"),
    _BY_FORM: ("its name in another form of Unicode", "names in another form of Unicode"),
    _BY_CASE: ("its name in another case", "names in another case"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """The file that a cell means."""

    id: str  # relative to the table's folder; as it was given where there is no such file
    reason: str = ""  # why it cannot be used; empty: nothing is known against it


@dataclass(slots=True)
class _Index:
    """The images below a folder, by what people call them in any case, in composed Unicode."""

    by_place: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    by_path: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))  # no extension
    by_name: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def find(self, name: str) -> tuple[str, list[str]]:
        """How images are found, and which: by what is most like `name`, the path before the name.

        Of those found, the ones in the case of `name` are meant, where there are any.
        """
        composed = _compose(name)
        for how, images in (
            ("", self.by_place.get(composed.casefold(), [])),
            (_BY_NAME, self.by_path.get(composed.casefold(), [])),
            (_BY_NAME, self.by_name.get(composed.casefold(), [])),
        ):
            alike = [image for image in images if _holds(image, composed)]
            if images:
                return how or (_BY_FORM if alike else _BY_CASE), alike or images
        return "", []


def find_files(values: Sequence[str], folder: Path, notes: list[str]) -> list[Place]:
    """The file that each cell means, in order.

    A name without folder or extension, or in another case or form of Unicode than its file, is
    searched for below the folder, and is the one image that it fits; masks have no short names.

    Args:
        values: Cells of a table.
        folder: Of the table, which paths are relative to.
        notes: Gets sentences on names that were searched for.
    """
    places = {value: _place(value, folder) for value in values}
    missing = [
        value
        for value, place in places.items()
        if not place.reason and not is_regular_file(folder / place.id)
    ]
    index = _make_index(folder, notes) if missing else _Index()
    found: dict[str, dict[str, str]] = {how: {} for how in (_BY_NAME, _BY_FORM, _BY_CASE)}
    unclear = {}
    for value in missing:
        how, fitting = index.find(places[value].id)
        if len(fitting) == 1:
            found[how][value] = fitting[0]
            places[value] = Place(fitting[0])
        elif fitting:
            unclear[value] = fitting
            reason = "its name fits several files; give it with folder and extension"
            places[value] = Place(places[value].id, reason)
    notes += [_describe_found(how, images) for how, images in found.items() if images]
    if unclear:
        value, images = next(iter(unclear.items()))
        fits = "name fits" if len(unclear) == 1 else "names fit"
        more = f" and {len(images) - _FEW} more" if len(images) > _FEW else ""
        listed = f"{', '.join(images[:_FEW])}{more}" if more else join(images)
        notes.append(
            f"{len(unclear):,} {fits} several files, such as {value}: {listed}; give folder and "
            "extension, too."
        )
    return [places[value] for value in values]


def _describe_found(how: str, images: Mapping[str, str]) -> str:
    """A sentence on images that are found in one way, by the cells that name them."""
    value, image = next(iter(images.items()))
    one, several = _FOUND[how]
    is_found = f"image is found by {one}" if len(images) == 1 else f"images are found by {several}"
    return f"{len(images):,} {is_found}, such as {value} at {image}."


def _compose(name: str) -> str:
    """A name in the composed form of Unicode; archives of a Mac have `ä` in two characters."""
    return unicodedata.normalize("NFC", name)


def _holds(image: str, name: str) -> bool:
    """Whether an image's path is, or ends in, `name` in this case, with or without extension."""
    image = _compose(image)
    return any(f"/{path}".endswith(f"/{name}") for path in (image, _without_extension(image)))


def _without_extension(image: str) -> str:
    return str(PurePosixPath(image).with_suffix(""))


def _place(value: str, folder: Path) -> Place:
    """The file that a cell names, whether it is there or not."""
    if not value:
        return Place("", "a line without a path")
    if "\0" in value:
        return Place(value.replace("\0", "\\x00"), "its name holds a NUL, which no file name can")
    if _ADDRESS.match(value):
        return Place(value, "an address, from which nothing is fetched; give the path of a file")
    if value.lower().startswith("file:"):
        value = paths.clean(value)
    image_id = os.path.normpath(value.replace("\\", "/"))
    if image_id.startswith("/"):
        image_id = _below(image_id, str(folder.absolute()))
    if image_id.startswith("../"):
        return Place(image_id, "outside the table's folder")
    return Place(image_id)


def _below(path: str, folder: str) -> str:
    """A whole path relative to `folder`, whose name may be in another form of Unicode."""
    inner = os.path.relpath(path, folder)
    composed = os.path.relpath(_compose(path), _compose(folder))
    return composed if inner.startswith("../") and not composed.startswith("../") else inner


def _make_index(folder: Path, notes: list[str]) -> _Index:
    """The images below `folder`; none where there are too many files to search among."""
    index = _Index()
    try:
        found = walk(folder)
    except UserError as error:
        notes.append(f"Names without folder or extension were not searched for: {error}")
        return index
    images = [file for file in found.files if is_image(file)]
    masks = frozenset(find_named(images))
    for image in images:
        composed = PurePosixPath(_compose(image).casefold())
        index.by_place[str(composed)].append(image)
        if image in masks:
            continue
        index.by_path[str(composed.with_suffix(""))].append(image)
        index.by_name[composed.name].append(image)
        index.by_name[composed.stem].append(image)
    return index
