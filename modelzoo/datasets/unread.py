"""Files that may be images and are not read, by their extension or their first bytes."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from modelzoo.text import count

ARCHIVE = "an archive"
# What a person may do.
_EXPORT = "export its fields as PNG or TIFF"
_CONVERT = "convert to PNG or TIFF"
_KINDS: tuple[tuple[str, str, str], ...] = (
    ("DICOM", _CONVERT, "dcm dicom dic ima"),
    ("a whole slide", _EXPORT, "svs ndpi mrxs scn bif vms vmu svslide"),
    ("a microscope's own format", _EXPORT, "czi lif nd2 oib oif oir vsi lsm zvi ims stk"),
    ("HEIF", _CONVERT, "heic heif hif avif"),
    ("JPEG 2000, XL or XR", _CONVERT, "jp2 j2k j2c jpf jpx jxl jxr wdp"),
    ("a raw file of a camera", _CONVERT, "dng cr2 cr3 nef arw orf raf rw2"),
    ("Netpbm", _CONVERT, "ppm pgm pbm pnm pam pfm"),
    ("an image of another program", _CONVERT, "tga psd xcf exr pcx ico"),
    ("a volume", _CONVERT, "nii mha mhd nrrd"),
    (ARCHIVE, "unpack it", "zip tar tgz gz bz2 xz rar 7z"),
)
_BY_EXTENSION = {f".{end}": (what, advice) for what, advice, ends in _KINDS for end in ends.split()}
# First bytes, and how far in; those of images that are read need their extension only.
HEAD_BYTES = 132
_STARTS: tuple[tuple[str, int, bytes], ...] = (
    ("DICOM", 128, b"DICM"),
    ("JPEG", 0, b"\xff\xd8\xff"),
    ("PNG", 0, b"\x89PNG\r\n\x1a\n"),
    ("TIFF", 0, b"II*\0"),
    ("TIFF", 0, b"MM\0*"),
    ("TIFF", 0, b"II+\0"),
    ("TIFF", 0, b"MM\0+"),
    ("GIF", 0, b"GIF8"),
    ("WebP", 8, b"WEBP"),
)
_NO_EXTENSION = re.compile(r"|\.\d+")  # of DICOM files the end may be that of a UID
MOST_OPENED = 1000  # files without an extension; a disk over a network takes a second for 100
_TOO_MANY = f"without an extension, as more than {MOST_OPENED:,} files are; not looked at"


def why_unread(name: str) -> str:
    """Why a file is not read, by its extension; empty: nothing speaks against it.

    Args:
        name: Of the file, or its path.
    """
    end = PurePosixPath(name).suffix.lower()
    what, advice = _BY_EXTENSION.get(end, ("", ""))
    return f"{what} ({end}), which is not read; {advice}" if what else ""


def kind_of(head: bytes) -> str:
    """The kind of image that first bytes are of, 132 of them at least; empty: of none known."""
    return next((what for what, at, start in _STARTS if head[at:].startswith(start)), "")


def find_unread(root: Path, files: Iterable[str]) -> dict[str, str]:
    """Which files may be images and are not read, by id, each with what it is and what to do.

    Of files without an extension the first bytes are read, of MOST_OPENED at most.

    Args:
        root: The folder they lie in.
        files: Ids.
    """
    found = {}
    opened = 0
    for file in files:
        if reason := why_unread(file):
            found[file] = reason
        elif _NO_EXTENSION.fullmatch(PurePosixPath(file).suffix):
            opened += 1
            reason = _TOO_MANY if opened > MOST_OPENED else _look_into(root / file)
            if reason:
                found[file] = reason
    return found


def describe_unread(unread: Sequence[tuple[str, str]]) -> list[str]:
    """A sentence on the files left out for each reason, the most frequent first.

    Args:
        unread: Ids and reasons, of `find_unread`.
    """
    first = {reason: file for file, reason in reversed(unread)}
    return [
        f"{count(number, 'file')} left out, such as {first[reason]}: {reason}."
        for reason, number in Counter(reason for _, reason in unread).most_common()
    ]


def _look_into(file: Path) -> str:
    """Why a file without an extension is not read; empty: it is no image."""
    try:
        with file.open("rb") as content:
            kind = kind_of(content.read(HEAD_BYTES))
    except OSError:
        return ""
    if not kind:
        return ""
    advice = _CONVERT if kind == "DICOM" else "give its name the extension"
    return f"{kind} without an extension, which is not read; {advice}"
