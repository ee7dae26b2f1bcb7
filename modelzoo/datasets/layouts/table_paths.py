"""The cells of a table that name images -> the files that are meant. Nothing is decoded."""

import os
import re
from collections import defaultdict
from collections.abc import Sequence
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


@dataclass(frozen=True, slots=True)
class Place:
    """The file that a cell means."""

    id: str  # relative to the table's folder; as it was given where there is no such file
    reason: str = ""  # why it cannot be used; empty: nothing is known against it


@dataclass(slots=True)
class _Index:
    """The images below a folder, by what people call them."""

    by_path: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    by_name: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def find(self, name: str) -> list[str]:
        """Images of this path but for the extension, else of this name in any folder."""
        return self.by_path.get(name) or self.by_name.get(name, [])


def find_files(values: Sequence[str], folder: Path, notes: list[str]) -> list[Place]:
    """The file that each cell means, in order.

    A name without folder or extension is searched for below the folder, and is the one image that
    it fits; masks are no such images.

    Args:
        values: Cells of a table.
        folder: Of the table, which paths are relative to.
        notes: Gets a sentence on names that were searched for.
    """
    places = {value: _place(value, folder) for value in values}
    missing = [
        value
        for value, place in places.items()
        if not place.reason and not is_regular_file(folder / place.id)
    ]
    index = _make_index(folder, notes) if missing else _Index()
    found, unclear = {}, {}
    for value in missing:
        fitting = index.find(places[value].id)
        if len(fitting) == 1:
            found[value] = fitting[0]
            places[value] = Place(fitting[0])
        elif fitting:
            unclear[value] = fitting
            reason = "its name fits several files; give it with folder and extension"
            places[value] = Place(places[value].id, reason)
    if found:
        value, image = next(iter(found.items()))
        is_found = "image is found by its name" if len(found) == 1 else "images are found by name"
        notes.append(f"{len(found):,} {is_found}, such as {value} at {image}.")
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
        image_id = os.path.relpath(image_id, folder.absolute())
    if image_id.startswith("../"):
        return Place(image_id, "outside the table's folder")
    return Place(image_id)


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
        if image in masks:
            continue
        path = PurePosixPath(image)
        index.by_path[str(path.with_suffix(""))].append(image)
        index.by_name[path.name].append(image)
        index.by_name[path.stem].append(image)
    return index
