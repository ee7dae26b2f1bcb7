"""What is done with which images and in how many shards: manifest.json, written once. No torch."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from modelzoo.errors import UserError
from modelzoo.files import make_folder, read_text, write_text
from modelzoo.text import count

MANIFEST = "manifest.json"
TABLE = "table"  # folder of one Parquet file a shard
MAPS = "maps"  # folder of one .npz a shard
LOCKS = ".locks"
SCHEMA = 1
MOST_SHARDS = 10_000
MOST_BYTES = 200_000_000  # of a manifest; 100,000 names are 5 MB


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks for, before images are listed."""

    work: str  # predict, explain, quality
    run: str  # its name
    model_sha256: str
    root: str  # folder that names of images are relative to
    source: str  # what was given: the folder, or one image
    shards: int
    settings: Mapping[str, Any]  # plain JSON: what changes a result


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for, with the images: the same for every shard and whoever computes it."""

    asked: Asked
    images: tuple[str, ...]  # relative to the root, in order
    id: str  # a hash of all of it

    def images_of(self, shard: int) -> tuple[str, ...]:
        """The images of a shard, 1 to `shards`: neighbours in the list, as many as in others."""
        n, shards = len(self.images), self.asked.shards
        return self.images[(shard - 1) * n // shards : shard * n // shards]

    def name_of(self, shard: int) -> str:
        """What the files of a shard are called, without an ending."""
        width = len(str(self.asked.shards))
        return f"{shard:0{width}d}-of-{self.asked.shards}"


def fix_plan(folder: Path, asked: Asked, list_images: Callable[[], Sequence[str]]) -> Plan:
    """The plan in `folder`; where there is none it is made, and written for all that follow.

    Args:
        folder: Of the results; it is made where it is missing.
        asked: What is to be done.
        list_images: Called only where there is no plan: later shards do not list again, and images
            that come meanwhile are left out.

    Raises:
        UserError: Other results are there, the manifest is damaged, or nothing can be written.
    """
    check_shards(asked.shards)
    file = make_folder(folder) / MANIFEST
    make_folder(folder / LOCKS)
    try:
        with FileLock(folder / LOCKS / "manifest"):  # many jobs may begin at once
            if not file.exists():
                _refuse_strangers(folder)
                plan = make_plan(asked, list_images())
                _write(file, plan)
                return plan
    except OSError as error:
        raise UserError(
            f"{folder} cannot be written ({error.strerror or error}); give another folder for "
            "--out."
        ) from error
    plan = read_plan(folder)
    _require_same(folder, plan.asked, asked)
    return plan


def check_shards(shards: int) -> None:
    """Raise a UserError where the number of shards makes no sense."""
    if not 1 <= shards <= MOST_SHARDS:
        raise UserError(f"{shards:,} shards were asked for; give 1 to {MOST_SHARDS:,}.")


def make_plan(asked: Asked, images: Sequence[str]) -> Plan:
    """A plan for these images; fewer images than shards leave some without any."""
    content = json.dumps([*_asked_values(asked), list(images)], sort_keys=True)
    return Plan(asked, tuple(images), hashlib.sha256(content.encode()).hexdigest())


def read_plan(folder: Path) -> Plan:
    """The plan of the results in `folder`.

    Raises:
        UserError: There is none, or it is damaged.
    """
    file = folder / MANIFEST
    try:
        values = json.loads(read_text(file, most=MOST_BYTES))
    except FileNotFoundError:
        raise UserError(f"{folder} holds no results in shards: {MANIFEST} is missing.") from None
    except (ValueError, RecursionError) as error:
        raise _damaged(file) from error
    if not isinstance(values, dict) or "shards" not in values:
        raise UserError(
            f"{file} is not of results in shards, and is not changed; give another folder for "
            "--out."
        )
    try:
        asked = Asked(**{name: values[name] for name in Asked.__dataclass_fields__})
        plan = make_plan(asked, values["images"])
    except (LookupError, TypeError, ValueError) as error:
        raise _damaged(file) from error
    if plan.id != values.get("id"):
        raise _damaged(file)
    return plan


def _write(file: Path, plan: Plan) -> None:
    asked = plan.asked
    named = dict(zip(Asked.__dataclass_fields__, _asked_values(asked), strict=True))
    content = {"schema": SCHEMA, "id": plan.id, **named, "images": list(plan.images)}
    write_text(file, json.dumps(content, indent=0))


def _asked_values(asked: Asked) -> list[Any]:
    values = [getattr(asked, name) for name in Asked.__dataclass_fields__]
    return [dict(value) if isinstance(value, Mapping) else value for value in values]


def _refuse_strangers(folder: Path) -> None:
    """Refuse a folder whose shards belong to a manifest that is gone."""
    for name in (TABLE, MAPS):
        if any(file.name[:1] != "." for file in (folder / name).glob("*")):
            raise UserError(
                f"{folder / name} holds files, and {MANIFEST} is missing beside it; nothing was "
                "written. Give another folder for --out."
            )


def _require_same(folder: Path, there: Asked, asked: Asked) -> None:
    """Refuse to mix the results of two questions in one folder."""
    if there == asked:
        return
    differences = [
        f"{what} is {_show(old)} there and not {_show(new)}"
        for what, old, new in _differences(there, asked)
    ]
    raise UserError(
        f"{folder} holds other results, and nothing was changed: {'; '.join(differences)}. Give "
        "another folder for --out, or the same again."
    )


def _differences(there: Asked, asked: Asked) -> list[tuple[str, Any, Any]]:
    words = {
        "work": "the command",
        "run": "the run",
        "model_sha256": "the hash of the run's weights",
        "source": "the folder of images",
        "shards": "the number of shards",
    }
    pairs = [(words[name], getattr(there, name), getattr(asked, name)) for name in words]
    names = sorted({*there.settings, *asked.settings})
    pairs += [(name, there.settings.get(name), asked.settings.get(name)) for name in names]
    found = [pair for pair in pairs if pair[1] != pair[2]]
    return found or [("the folder of images", there.root, asked.root)]


def _show(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"{text[:12]}…" if len(text) == 64 and text.isalnum() else text


def _damaged(file: Path) -> UserError:
    return UserError(f"{file} is damaged, and nothing was changed; give another folder for --out.")


def describe_plan(plan: Plan) -> str:
    """How many images there are, in how many shards."""
    return f"{count(len(plan.images), 'image')} in {count(plan.asked.shards, 'shard')}"
