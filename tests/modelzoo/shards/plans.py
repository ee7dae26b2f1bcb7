"""A small plan and work that needs no network: each image's row is its name's length."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from modelzoo.shards.plan import Asked, Plan, fix_plan
from modelzoo.shards.work import Work

NAMES = [f"{'x' * (index % 7)}{index:03d}.png" for index in range(23)]
SCHEMA = pa.schema([("image", pa.string()), ("letters", pa.int64()), ("scale:map", pa.float32())])
BATCH = 2


def asked(**changes: Any) -> Asked:
    values: dict[str, Any] = {
        "work": "predict",
        "run": "first",
        "model_sha256": "0" * 64,
        "root": "/smears",
        "source": "/smears",
        "shards": 5,
        "settings": {"field_px": 0},
    }
    return Asked(**values | changes)


def small_plan(folder: Path, **changes: Any) -> Plan:
    return fix_plan(folder, asked(**changes), lambda: NAMES)


def map_of(name: str) -> npt.NDArray[np.float32]:
    return np.random.default_rng(len(name)).normal(size=(3, 4)).astype(np.float32) * 40


def small_work(seen: list[str], *, with_maps: bool = True) -> Work:
    """Work that notes the images it was given."""

    def compute(names: Sequence[str]) -> Iterator[Any]:
        for start in range(0, len(names), BATCH):
            some = names[start : start + BATCH]
            seen.extend(some)
            maps = [{"map": map_of(name)} for name in some] if with_maps else []
            yield [{"image": name, "letters": len(name)} for name in some], maps

    return Work(SCHEMA, compute, with_maps=with_maps)
