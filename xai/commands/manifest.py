"""manifest.json of `python -m xai explain`: what an earlier command left, of any version."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from modelzoo.files import read_text
from xai.attribution import Attribution
from xai.errors import UserError

MANIFEST = "manifest.json"
SCHEMA = 1  # version 0.1.0 wrote none

Record = dict[str, Any]  # of the manifest: plain JSON
NOT_KEPT = ("model_hash",)  # of an attribution's fields: the manifest has it once
# Of a map: an attribution's fields (`values` is the name of a file), and what is drawn of it.
MAP_KEYS = {spec.name for spec in fields(Attribution)} - {*NOT_KEPT} | {"overlay", "strength"}
REFUSED_KEYS = {"method", "target"}
IMAGE_KEYS = {"file", "sha256", "prediction", "maps"}

OLD_IMAGE_KEYS = {"answer": "prediction", "unlikeness": "ood_percentile"}
OLD_MAP_KEYS = {
    "says": "description",
    "forwards": "forward_passes",
    "expected_error": "completeness_gap",
}


def read_images(file: Path, model_sha256: str) -> list[Record]:
    """The records of the images whose maps are of the same model; none where there is no file.

    Raises:
        UserError: The file is damaged.
    """
    try:
        before = json.loads(read_text(file, most=1_000_000_000))
        images = [_read_image(each) for each in before["images"]]
        return images if before["model_sha256"] == model_sha256 else []
    except FileNotFoundError:
        return []
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(
            f"{file} is damaged; remove it, or give another folder for --out."
        ) from error


def _read_image(record: Record) -> Record:
    """One image's record, with today's names."""
    image = _rename(record, OLD_IMAGE_KEYS)
    _require_keys(image, IMAGE_KEYS)
    image["maps"] = [_rename(each, OLD_MAP_KEYS) for each in image["maps"]]
    for each in image["maps"]:
        _require_keys(each, REFUSED_KEYS if "refused" in each else MAP_KEYS)
    return image


def _rename(record: Record, new_by_old: dict[str, str]) -> Record:
    return {new_by_old.get(key, key): value for key, value in record.items()}


def _require_keys(record: Record, keys: set[str]) -> None:
    if not keys <= record.keys():
        raise ValueError(f"without {', '.join(sorted(keys - record.keys()))}")
