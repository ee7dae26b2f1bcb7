"""Which files lie below a folder, and which of them are images by their name."""

import os
from pathlib import Path, PurePosixPath

from modelzoo.datasets.images import EXTENSIONS

_LITTER = frozenset({"thumbs.db", "desktop.ini", "__macosx", "@eadir"})


def list_image_files(folder: Path) -> list[str]:
    """Ids of the files under `folder` that are images by their extension, in order; unchecked."""
    return [name for name in walk(folder)[0] if is_image(name)]


def walk(root: Path) -> tuple[list[str], list[str]]:
    """Files and folders under `root` as ids, in order; hidden ones and systems' litter left out."""
    files: list[str] = []
    folders: list[str] = []
    for place, names, file_names in os.walk(root, followlinks=True):
        names[:] = [
            name for name in sorted(filter(_is_wanted, names)) if not _is_loop(Path(place, name))
        ]
        prefix = "" if Path(place) == root else f"{Path(place).relative_to(root).as_posix()}/"
        folders.extend(prefix + name for name in names)
        files.extend(prefix + name for name in file_names if _is_wanted(name))
    return sorted(files), sorted(folders)


def _is_loop(folder: Path) -> bool:
    """Whether `folder` is a link to a folder that it lies in."""
    return folder.is_symlink() and folder.parent.resolve().is_relative_to(folder.resolve())


def _is_wanted(name: str) -> bool:
    return not name.startswith(".") and name.lower() not in _LITTER


def is_image(name: str) -> bool:
    """Whether a file is an image by its extension."""
    return PurePosixPath(name).suffix.lower() in EXTENSIONS


def in_utf8(name: str) -> str:
    """`name` with bytes that are not UTF-8 spelt out."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
