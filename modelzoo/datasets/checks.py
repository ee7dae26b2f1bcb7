"""Whether each file can be decoded, kept by place, size and time of change."""

import hashlib
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import pandas as pd

from modelzoo.datasets.images import UNKNOWN, Facts, ImageError, inspect_image
from modelzoo.datasets.unread import why_unread
from modelzoo.files import make_folder, replacing
from modelzoo.parallel import Progress, report_progress, worker_threads

VERSION = 6  # of what is found; others had fewer facts, or took transparency for light


@dataclass(frozen=True, slots=True)
class Check:
    """What was found in one file."""

    bytes: int
    mtime_ns: int
    sha256: str
    reason: str  # why it cannot be used; empty: it can
    facts: Facts = UNKNOWN


def check_files(
    root: Path, ids: list[str], store: Path, progress: Progress | None
) -> dict[str, Check]:
    """A check of each file, kept under `store` and done anew for those that have changed."""
    key = hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:16]
    cache = store / "checks" / f"{key}-v{VERSION}.parquet"
    known = _read_checks(cache)
    checks: dict[str, Check] = {}
    with worker_threads() as pool:
        results = pool.map(lambda image_id: _check_file(root / image_id, known.get(image_id)), ids)
        for image_id, check in zip(ids, results, strict=True):
            checks[image_id] = check
            report_progress(progress, len(checks), len(ids))
    # A file that could not be read today may be readable tomorrow, unchanged.
    lasting = {image_id: check for image_id, check in checks.items() if check.sha256}
    if lasting != {image_id: known.get(image_id) for image_id in lasting}:
        _write_checks(cache, {**known, **lasting})
    return checks


def _check_file(path: Path, known: Check | None) -> Check:
    """Size, content hash and whether it can be decoded."""
    if reason := why_unread(path.name):
        return Check(0, 0, "", reason)
    try:
        status = path.stat()
        if known and (known.bytes, known.mtime_ns) == (status.st_size, status.st_mtime_ns):
            return known
        content = path.read_bytes()
    except OSError as error:
        return Check(0, 0, "", f"could not be read: {(error.strerror or str(error)).lower()}")
    reason = ""
    facts = UNKNOWN
    try:
        facts = inspect_image(content)
    except ImageError as error:
        reason = error.reason
    digest = hashlib.sha256(content).hexdigest()
    return Check(len(content), status.st_mtime_ns, digest, reason, facts)


_CHECKED = ("bytes", "mtime_ns", "sha256", "reason")
_FACTS = tuple(spec.name for spec in fields(Facts))


def _read_checks(cache: Path) -> dict[str, Check]:
    """What was found before; nothing where the file is missing or damaged."""
    try:
        table = pd.read_parquet(cache)
        columns = [table[name].tolist() for name in ("id", *_CHECKED, *_FACTS)]
    except (ValueError, OSError, KeyError):
        return {}
    return {
        row[0]: Check(row[1], row[2], row[3], row[4], Facts(*row[5:]))
        for row in zip(*columns, strict=True)
    }


def _write_checks(cache: Path, checks: dict[str, Check]) -> None:
    rows = [
        {"id": image_id, **asdict(check), **asdict(check.facts)}
        for image_id, check in sorted(checks.items())
    ]
    make_folder(cache.parent)
    with replacing(cache) as temporary:
        table = pd.DataFrame(rows, columns=["id", *_CHECKED, *_FACTS])
        table.to_parquet(temporary, index=False)
