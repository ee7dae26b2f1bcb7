"""Attributions kept on disk by the content they were made from. No torch, no pages.

A file is only ever read, replaced or removed as a whole, so threads and processes share a folder
without a lock. What cannot be kept is computed again, so no disk error makes an explanation fail.
"""

import hashlib
import json
import os
import time
import uuid
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from io import BytesIO
from pathlib import Path

import numpy as np

from xai.attribution import Attribution

# Part of every key: raised when a method or this format changes, so that old files are not found.
_EDITION = 4
# What zipfile, NumPy and json raise on damaged bytes (found by damaging each byte of a file), and
# Attribution on fields it does not know. RuntimeError: a flag that says encrypted or too new.
_DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    RuntimeError,
    MemoryError,
    zipfile.BadZipFile,
    zlib.error,
)

Setting = str | int | float | bool | None


def attribution_key(
    *,
    model_hash: str,
    image_sha256: str,
    method: str,
    target: int,
    settings: Mapping[str, Setting] | None = None,
) -> str:
    """The name of one attribution: 64 hexadecimal digits, the same for the same content.

    Args:
        model_hash: Of the weights.
        image_sha256: Of the image file's bytes.
        method: Name of a row in `xai.methods`.
        target: Index into the model's classes.
        settings: Whatever else changes the values, in any order.
    """
    content = [_EDITION, model_hash, image_sha256, method, target, dict(settings or {})]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class AttributionCache:
    """Attributions in `folder`, together at most `most_bytes`; the least recently used go first."""

    folder: Path
    most_bytes: int

    def get(self, key: str) -> Attribution | None:
        """What was put under `key`; None when it is not here (any more), or is damaged."""
        file = self._file(key)
        try:
            attribution = _unpack(file.read_bytes())
        except FileNotFoundError:
            return None
        except _DAMAGE:
            with suppress(OSError):
                file.unlink()
            return None
        with suppress(OSError):  # reading works in a read-only folder too
            _touch(file)
        return attribution

    def put(self, key: str, attribution: Attribution) -> bool:
        """Keep `attribution` under `key`; whether that could be done."""
        content = _pack(attribution)
        if len(content) > self.most_bytes:
            return False
        file = self._file(key)
        # The ending makes what a killed process leaves count and go like any other file.
        temporary = file.with_name(f"{key}.{os.getpid()}-{uuid.uuid4().hex[:8]}.npz")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(content)
            _touch(temporary)
            temporary.replace(file)
        except OSError:  # full, read-only, or no folder
            with suppress(OSError):
                temporary.unlink()
            return False
        self._remove_oldest()
        return True

    def _file(self, key: str) -> Path:
        return self.folder / f"{key}.npz"

    def _remove_oldest(self) -> None:
        """Remove what was not used for longest until the rest is within the bound."""
        with suppress(OSError):
            files = []
            for file in self.folder.glob("*.npz"):
                with suppress(FileNotFoundError):  # another process was quicker
                    stat = file.stat()
                    files.append((stat.st_mtime_ns, file, stat.st_size))
            too_many = sum(size for _, _, size in files) - self.most_bytes
            for _, file, size in sorted(files):
                if too_many <= 0:
                    return
                file.unlink(missing_ok=True)
                too_many -= size


def _touch(file: Path) -> None:
    """Mark `file` as used just now, finer than the 4 ms of the kernel's own time stamps."""
    now = time.time_ns()
    os.utime(file, ns=(now, now))


def _pack(attribution: Attribution) -> bytes:
    """`attribution` as an .npz file: its values, and its other fields as JSON."""
    names = [spec.name for spec in fields(Attribution) if spec.name != "values"]
    facts = json.dumps({name: getattr(attribution, name) for name in names}, default=_as_plain)
    out = BytesIO()
    np.savez(out, values=attribution.values, facts=np.frombuffer(facts.encode(), np.uint8))
    return out.getvalue()


def _unpack(content: bytes) -> Attribution:
    with np.load(BytesIO(content), allow_pickle=False) as arrays:
        values, facts = arrays["values"], json.loads(arrays["facts"].tobytes())
    if values.ndim != 2 or values.dtype != np.float32:
        raise ValueError("not the values of an attribution")
    return Attribution(values=values, **facts)


def _as_plain(number: "np.generic") -> object:
    """A NumPy number as Python's, for JSON."""
    return number.item()
