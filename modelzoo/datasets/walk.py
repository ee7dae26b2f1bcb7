"""Which files lie below a folder, and which of them are images by their name. Nothing is opened."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from modelzoo.datasets.images import EXTENSIONS
from modelzoo.errors import UserError

# A data set of blood smears has thousands; a folder with more is a disk that was meant otherwise.
MOST_FILES = 200_000
_REPORT_EVERY = 1000  # files or folders
_LITTER = frozenset({"thumbs.db", "desktop.ini", "__macosx", "@eadir"})


@dataclass(slots=True)
class Walk:
    """What lies below a folder; hidden files and litter of operating systems are left out."""

    files: list[str] = field(default_factory=list)  # ids of regular files, in order
    folders: list[str] = field(default_factory=list)  # ids, in order
    unread: dict[str, str] = field(default_factory=dict)  # id, of a folder with /, -> why


def walk(
    root: Path, *, most_files: int = MOST_FILES, on_progress: Callable[[int], None] | None = None
) -> Walk:
    """What lies below `root`; links to folders are followed, unless they lead back.

    Pipes, sockets and devices are not files that can be read: opening one may never return.

    Args:
        root: A folder.
        most_files: The most that are looked at; folders and what is left out count too, since a
            disk may hold any number of them.
        on_progress: Called now and then with the number of files so far; may raise to stop.

    Raises:
        UserError: There are more than `most_files` files, or as many folders.
    """
    found = Walk()
    for seen, _ in enumerate(_fill(found, root), 1):
        if seen > most_files:
            raise UserError(
                f"{root} holds more than {most_files:,} files; give the folder of one data set."
            )
        if on_progress and seen % _REPORT_EVERY == 0:
            on_progress(len(found.files))
    found.files.sort()
    found.folders.sort()
    return found


def _fill(found: Walk, root: Path) -> Iterator[None]:
    """Put what lies below `root` into `found`; yields after each entry that was looked at."""
    waiting = [""]  # ids of folders, `/` behind them
    listed = {root.resolve()}  # folders that are listed with all that lies below them
    while waiting:
        prefix = waiting.pop()
        try:
            with os.scandir(root / prefix) as entries:
                for entry in entries:
                    name = f"{prefix}{entry.name}"
                    if not _is_wanted(entry.name):
                        pass
                    elif not _is_folder(entry):
                        _add_file(found, name, entry)
                    elif entry.is_symlink() and not _is_new(Path(entry.path), listed):
                        found.unread[in_utf8(f"{name}/")] = (
                            "a link to a folder that is listed already"
                        )
                    else:
                        found.folders.append(name)
                        waiting.append(f"{name}/")
                    yield
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            found.unread[in_utf8(prefix) or "."] = f"could not be opened: {reason}"


def _add_file(found: Walk, name: str, entry: "os.DirEntry[str]") -> None:
    if _is_regular(entry):
        found.files.append(name)
    else:
        found.unread[in_utf8(name)] = "not a regular file"


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_regular(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False


def _is_new(link: Path, listed: set[Path]) -> bool:
    """Whether `link` leads to a folder that is not listed without it; it then is.

    Folders that link to each other would be listed without end, each under many names.
    """
    target = link.resolve()
    if any(target.is_relative_to(each) or each.is_relative_to(target) for each in listed):
        return False
    listed.add(target)
    return True


def _is_wanted(name: str) -> bool:
    return not name.startswith(".") and name.lower() not in _LITTER


def is_image(name: str) -> bool:
    """Whether a file is an image by its extension."""
    return PurePosixPath(name).suffix.lower() in EXTENSIONS


def in_utf8(name: str) -> str:
    """`name` with bytes that are not UTF-8 spelt out."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
