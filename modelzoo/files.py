"""Files that are written whole or not at all, and read within bounds.

Knows paths and bytes, not what is in them.
"""

import errno
import hashlib
import os
import re
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from modelzoo.errors import UserError

MOST_BYTES = 50_000_000  # of a file that is read into memory as a whole
MOST_NAME_BYTES = 255  # of the name of a file or folder, on Linux, macOS and Windows
_HASH = 8  # hexadecimal digits


def shorten_name(name: str, most: int) -> str:
    """`name`, or if it has more than `most` bytes its beginning, `~` and a hash of the whole.

    So names that begin alike stay apart. Bytes are those of UTF-8, in which `é` has two.
    """
    content = os.fsencode(name)
    if len(content) <= most:
        return name
    return _with_hash(name, content, most)


def portable_name(text: str, most: int = 80) -> str:
    """`text` as a part of a file's name that every system takes: letters, digits, `_`, `-`, `.`.

    Blanks become `_`. Where more is lost, `~` and a hash of `text` stand at the end.

    Args:
        text: The name of a class, a run, a data set.
        most: Bytes.
    """
    kept = re.sub(r"[^\w.-]+", "_", text)
    content = kept.encode()
    if kept == text.replace(" ", "_") and len(content) <= most:
        return kept
    return _with_hash(text, content, most)


def _with_hash(name: str, content: bytes, most: int) -> str:
    """As much of `content` as leaves room for a hash of `name`, and that."""
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:_HASH]
    return f"{content[: most - _HASH - 1].decode(errors='ignore')}~{digest}"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, which takes its place when the block ends well.

    A reader sees the old file or the new one, never half of one; an error leaves the old one.

    Raises:
        UserError: The disk is full or the folder cannot be written.
    """
    # Shortened, since `path` itself may have the longest name there can be.
    name = shorten_name(path.name, MOST_NAME_BYTES - 30)
    temporary = path.with_name(f".{name}.{os.getpid()}-{uuid.uuid4().hex[:8]}")
    try:
        yield temporary
        temporary.chmod(0o644)  # some libraries write files that nobody else may read
        temporary.replace(path)
    except OSError as error:
        raise explain_error(error, path) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` as a whole; see `replacing`."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write `content` to `path` as a whole, in UTF-8; see `replacing`."""
    write_bytes(path, content.encode("utf-8"))


def append_text(path: Path, content: str) -> None:
    """Append `content` to the file `path`, in UTF-8; see `open_to_append`.

    Raises:
        UserError: It cannot be written: the disk is full, or something else is in its place.
    """
    try:
        with open_to_append(path) as out:
            out.write(content.encode("utf-8"))
    except OSError as error:
        raise explain_error(error, path) from error


def open_to_append(path: Path) -> BinaryIO:
    """The file `path`, open to append to; it is made where it is missing.

    Raises:
        UserError: It cannot be written, or a folder, pipe, device or link is in its place.
    """
    # A pipe that nobody reads is an error at once, in place of a wait without end, and a link
    # would lead elsewhere.
    way = os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | way, 0o644)
    except OSError as error:
        if error.errno in (errno.ENXIO, errno.EISDIR, errno.ELOOP):
            raise _no_regular_file(path) from error
        raise explain_error(error, path) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _no_regular_file(path)
    return os.fdopen(descriptor, "ab")


def make_folder(path: Path) -> Path:
    """`path`, made with its parents where it was missing.

    Raises:
        UserError: It cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explain_error(error, path) from error
    return path


def read_bytes(file: Path, *, most: int = MOST_BYTES) -> bytes:
    """The content of `file`, which may be replaced by anything at any time.

    Args:
        file: A regular file, or a link to one; a pipe or device might never end.
        most: Bytes that are read at most.

    Raises:
        FileNotFoundError: Nothing is there.
        UserError: It is no regular file, is larger than `most`, or cannot be read.
    """
    with _open_regular(file) as opened:
        if os.fstat(opened.fileno()).st_size > most:
            raise damaged_file(file)
        content = opened.read(most + 1)  # one byte more, since the file may have grown
    if len(content) > most:
        raise damaged_file(file)
    return content


@contextmanager
def _open_regular(file: Path) -> Iterator[BinaryIO]:
    """`file`, open for reading; opening and reading it waits for nobody.

    Raises:
        FileNotFoundError: Nothing is there.
        UserError: It is no regular file, or cannot be read.
    """
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as opened:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise damaged_file(file)
            yield opened
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(file)) from None
    except (OSError, ValueError) as error:
        raise damaged_file(file) from error


def read_text(file: Path, *, most: int = MOST_BYTES) -> str:
    """The content of `file`, UTF-8 text, as `read_bytes` reads it.

    Raises:
        FileNotFoundError: Nothing is there.
        UserError: As for `read_bytes`, or it is no UTF-8.
    """
    try:
        return read_bytes(file, most=most).decode("utf-8")
    except UnicodeDecodeError as error:
        raise damaged_file(file) from error


def read_end(file: Path, most: int) -> bytes:
    """The last `most` bytes of `file`, or fewer where it is shorter.

    Raises:
        FileNotFoundError: Nothing is there.
        UserError: It is no regular file, or cannot be read.
    """
    with _open_regular(file) as opened:
        opened.seek(max(0, os.fstat(opened.fileno()).st_size - most))
        return opened.read(most)


def is_folder(path: Path) -> bool:
    """Whether `path` is a folder, or a link to one; False for a path that nothing can have."""
    try:
        return path.is_dir()
    except (OSError, ValueError):  # too long, not allowed, or with a NUL
        return False


def is_regular_file(path: Path) -> bool:
    """Whether `path` is a file that can be read to its end, so no pipe, socket or device."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_same(first: Path, second: Path) -> bool:
    """Whether two paths lead to one place, by whatever names and links."""
    try:
        return first.samefile(second)
    except (OSError, ValueError):  # one of them is not there
        return os.path.realpath(first) == os.path.realpath(second)


def may_replace(file: Path, start: bytes) -> bool:
    """Whether nothing is lost when `file` is written: nothing is there, or what begins so.

    Args:
        file: Any path.
        start: The first bytes of what its writer writes, by which it knows its own.
    """
    if not os.path.lexists(file):
        return True
    try:
        with _open_regular(file) as opened:
            return opened.read(len(start)) == start
    except (FileNotFoundError, UserError):  # a link that leads nowhere, a folder, a pipe
        return False


def explain_error(error: OSError, path: Path) -> UserError:
    """What happened to `path`, in one sentence."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return UserError(
            f"The disk of {path} is full, and nothing that was there is lost; "
            "free some space and start again (a run can be resumed)."
        )
    return UserError(
        f"{path} could not be written ({error.strerror or error}); "
        "give a folder that may be written to."
    )


def _no_regular_file(path: Path) -> UserError:
    return UserError(f"{path} is no regular file, so nothing was written to it; remove it.")


def damaged_file(file: Path, why: str = "") -> UserError:
    """What is said of a file that cannot be understood.

    Args:
        file: The file.
        why: What is wrong in it, where that is known.
    """
    why = f" ({why})" if why else ""
    return UserError(
        f"{file} is damaged{why}; put a good copy in its place or train the run again."
    )
