"""One file from an address to a path, resumed where it was cut. Knows no backbone. No torch."""

import hashlib
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any, BinaryIO

from filelock import FileLock, Timeout

from modelzoo.files import make_folder
from modelzoo.text import file_size

TIMEOUT_SECONDS = 10.0  # without an answer; a machine without internet should hear of it soon
PAUSE_SECONDS = 1.0  # after a connection was cut
BLOCK_BYTES = 1 << 18
PART = ".part"  # behind the name of a file that is not whole yet

Report = Callable[[int, int], None]  # bytes so far, bytes in all (0: not known)


class NotKeptError(Exception):
    """The disk did not take what came; says why in a few words."""


class BeingFetchedError(Exception):
    """Another process fetches the same file."""


def download(url: str, file: Path, *, sha256_start: str, report: Report) -> None:
    """Download `url` to `file`, whole and with that hash, or not at all.

    What came before the connection was cut stays in `FILE.part`, and the next call goes on there.
    A connection that is cut is tried again at once as long as each try brings more.

    Args:
        url: Whose content never changes.
        file: Its folder is made where it is missing.
        sha256_start: What the content's sha256 begins with, in hexadecimal digits.
        report: Called after each block.

    Raises:
        OSError: There is no network, the server does not answer, or it refuses
            (urllib.error.HTTPError); what came is kept.
        http.client.HTTPException: The server sent what is no HTTP.
        ValueError: The content has another hash, and was thrown away.
        NotKeptError: The disk is full or the folder cannot be written; what came is kept.
        BeingFetchedError: Another process fetches this file.
        UserError: The folder cannot be made.
    """
    make_folder(file.parent)
    part = file.with_name(file.name + PART)
    with _only_here(part):
        _fill(url, part, report)
        found = _sha256(part)
        if not found.startswith(sha256_start):
            part.unlink()
            raise ValueError(f"its sha256 does not start with {sha256_start[:16]}")
        with _kept():
            part.chmod(0o644)
            part.replace(file)


@contextmanager
def _only_here(part: Path) -> Iterator[None]:
    """Hold the lock of `part`: two processes that append to one file would mix their bytes."""
    lock = FileLock(part.with_name(f".{part.name}.lock"), blocking=False)
    with _kept():
        try:
            lock.acquire()
        except Timeout:
            raise BeingFetchedError from None
    try:
        yield
    finally:
        lock.release()


def _fill(url: str, part: Path, report: Report) -> None:
    """Append to `part` until it is whole."""
    furthest = _size(part)
    while True:
        try:
            return _append(url, part, report)
        except (OSError, HTTPException):
            # A server that always cuts at the same place would be asked for ever.
            if _size(part) <= furthest:
                raise
            furthest = _size(part)
            time.sleep(PAUSE_SECONDS)


def _append(url: str, part: Path, report: Report) -> None:
    """Ask once for what `part` lacks and append it; from the start where the server has no parts.

    Raises:
        OSError: The connection could not be made, or ended before its time.
    """
    start = _size(part)
    try:
        answer = _open(url, start)
    except urllib.error.HTTPError as error:
        if error.code != 416:  # there is nothing behind `start`
            raise
        if error.headers.get("Content-Range") == f"bytes */{start}":
            return  # it is whole
        part.unlink()
        start, answer = 0, _open(url, 0)
    with answer:
        is_rest = start > 0 and answer.status == 206
        start = start if is_rest else 0
        length = int(answer.headers.get("Content-Length") or 0)
        total = start + length if length else 0
        with _kept():
            _require_room(part.parent, length)
            out = part.open("ab" if is_rest else "wb")
        with out:
            _copy(answer, out, total, report)
    if _size(part) < total:
        raise ConnectionResetError(
            f"the connection ended after {file_size(_size(part))} of {file_size(total)}"
        )


def _copy(answer: Any, out: BinaryIO, total: int, report: Report) -> None:
    done = out.tell()
    report(done, total)
    while block := answer.read1(BLOCK_BYTES):
        with _kept():
            out.write(block)
            out.flush()  # a full disk is heard of here, and not when the file is closed
        done += len(block)
        report(done, total)


def _open(url: str, start: int) -> Any:
    headers = {"User-Agent": "blastlens"} | ({"Range": f"bytes={start}-"} if start else {})
    request = urllib.request.Request(url, headers=headers)
    try:
        return urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        error.close()  # it holds the connection
        raise


def _require_room(folder: Path, n_bytes: int) -> None:
    """Pass where `n_bytes` more fit; else each further block would be fetched in vain."""
    free = shutil.disk_usage(folder).free
    if n_bytes > free:
        raise NotKeptError(
            f"{file_size(n_bytes)} are to come into {folder} and {file_size(free)} are free"
        )


@contextmanager
def _kept() -> Iterator[None]:
    """Tell what the disk refuses from what the network does: both are an OSError."""
    try:
        yield
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise NotKeptError(f"{where}{error.strerror or error}") from error


def _size(part: Path) -> int:
    return part.stat().st_size if os.path.lexists(part) else 0


def _sha256(file: Path) -> str:
    with _kept(), file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
