"""The files of one shard: a Parquet table and an .npz with maps, whole or not there at all.

A shard is finished when its table is in place, which is last; the table has the hash of the maps. A
shard that was stopped keeps what was done in files whose names begin with a dot.
"""

import hashlib
import io
import shutil
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from modelzoo.datasets.walk import in_utf8
from modelzoo.errors import UserError
from modelzoo.files import explain_error, make_folder
from modelzoo.shards.plan import MAPS, SCHEMA, TABLE, Plan

Row = Mapping[str, Any]  # `image` and what else the schema has
Maps = Mapping[str, npt.NDArray[np.float32]]  # name, as a method's -> map (h, w)
_ID, _MAPS = b"blastlens.plan", b"blastlens.maps_sha256"
_DAMAGE = (OSError, ValueError, LookupError, pa.ArrowException, zipfile.BadZipFile)


def table_file(folder: Path, plan: Plan, shard: int) -> Path:
    """Where the table of a shard is once it is finished."""
    return folder / TABLE / f"{plan.name_of(shard)}.parquet"


def maps_file(folder: Path, plan: Plan, shard: int) -> Path:
    """Where the maps of a shard are; of work that makes none nothing is there."""
    return folder / MAPS / f"{plan.name_of(shard)}.npz"


def read_shard(folder: Path, plan: Plan, shard: int) -> pa.Table | None:
    """The table of a finished shard; None where it, or its maps, are missing or damaged."""
    table = _read(table_file(folder, plan, shard), maps_file(folder, plan, shard), plan)
    if table is None or table["image"].to_pylist() != [*map(in_utf8, plan.images_of(shard))]:
        return None
    return table


def read_rows(folder: Path, plan: Plan) -> Iterator[dict[str, Any]]:
    """The rows of all shards in the order of the images, one shard in memory at a time.

    Raises:
        UserError: A shard is missing or damaged.
    """
    for shard in range(1, plan.asked.shards + 1):
        table = read_shard(folder, plan, shard)
        if table is None:
            raise UserError(
                f"Shard {shard} of {plan.asked.shards} in {folder} is missing or damaged; the "
                "command that began it computes what is missing."
            )
        yield from table.to_pylist()


def read_maps(folder: Path, plan: Plan, shard: int) -> Iterator[tuple[str, str, npt.NDArray[Any]]]:
    """Image, name of the map and map (h, w) float32 of a finished shard, one map at a time.

    Maps are kept as float16 in [-1, 1] and their largest absolute value in the table's column
    `scale:NAME`, so that they are known to 1 in 2,000 of it.

    Raises:
        UserError: The shard is missing or damaged.
    """
    table = read_shard(folder, plan, shard)
    if table is None:
        raise UserError(f"Shard {shard} in {folder} is missing or damaged; compute it first.")
    with np.load(maps_file(folder, plan, shard), allow_pickle=False) as content:
        for key in content.files:
            name, _, row = key.rpartition("/")
            scale = table[f"scale:{name}"][int(row)].as_py()
            values = content[key].astype(np.float32) * np.float32(scale)
            yield table["image"][int(row)].as_py(), name, values


def _read(table: Path, maps: Path, plan: Plan) -> pa.Table | None:
    """The table of the plan in file `table`, if it and `maps` are as they were written."""
    try:
        read = pq.read_table(
            table, page_checksum_verification=True, partitioning=None, memory_map=False
        )
        known = read.schema.metadata or {}
        if known.get(_ID) != plan.id.encode():
            return None
        sha256 = known.get(_MAPS)
        if sha256 and _hash(maps) != sha256.decode():
            return None
    except _DAMAGE:
        return None
    return read


def _hash(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


class ShardWriter:
    """Writes a shard row by row; `finish` puts it in place, `keep` keeps it for later.

    A process that is killed leaves a file that the next one writes over.
    """

    def __init__(
        self, folder: Path, plan: Plan, shard: int, schema: pa.Schema, *, with_maps: bool
    ) -> None:
        self._schema = schema
        self._plan = plan
        self._table = table_file(folder, plan, shard)
        self._maps = maps_file(folder, plan, shard)
        self._with_maps = with_maps
        self._batches: list[pa.RecordBatch] = []
        self._zip: zipfile.ZipFile | None = None
        self.rows = 0  # that are done, those of an earlier attempt among them

    def __enter__(self) -> "ShardWriter":
        make_folder(self._table.parent)
        before = _read(_part(self._table), _part(self._maps), self._plan)
        if before is not None and before.schema.equals(self._schema):
            self._batches = before.to_batches()
            self.rows = before.num_rows
        if self._with_maps:
            make_folder(self._maps.parent)
            if self.rows:
                shutil.copyfile(_part(self._maps), _new(self._maps))
            self._zip = zipfile.ZipFile(  # closed in __exit__
                _new(self._maps), "a" if self.rows else "w", zipfile.ZIP_DEFLATED
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._zip:
            self._zip.close()
        for file in (self._table, self._maps):
            _new(file).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise explain_error(error, self._table) from error

    def add(self, rows: Sequence[Row], maps: Sequence[Maps] = ()) -> None:
        """Add rows, and the maps of each, which are scaled and named after their row."""
        kept = [dict(row) | {"image": in_utf8(row["image"])} for row in rows]
        for place, of_row in enumerate(maps):
            for name, values in of_row.items():
                scale = float(abs(values).max()) if values.size else 0.0
                kept[place][f"scale:{name}"] = scale
                self._write_map(f"{name}/{self.rows + place}", values / (scale or 1.0))
        self._batches.append(pa.RecordBatch.from_pylist(kept, schema=self._schema))
        self.rows += len(kept)

    def _write_map(self, key: str, values: npt.NDArray[Any]) -> None:
        assert self._zip, "the shard was opened for maps"
        content = io.BytesIO()
        np.save(content, values.astype(np.float16), allow_pickle=False)
        self._zip.writestr(f"{key}.npy", content.getvalue())

    def finish(self) -> None:
        """Put maps and then the table in place; what an earlier attempt kept is removed."""
        self._put(self._maps, self._table)
        for file in (self._table, self._maps):
            _part(file).unlink(missing_ok=True)

    def keep(self) -> None:
        """Keep what is done, for the next attempt; nothing where there is nothing."""
        if self.rows:
            self._put(_part(self._maps), _part(self._table))

    def _put(self, maps: Path, table: Path) -> None:
        known = {_ID: self._plan.id.encode(), b"blastlens.schema": str(SCHEMA).encode()}
        if self._zip:
            self._zip.close()
            self._zip = None
            known[_MAPS] = _hash(_new(self._maps)).encode()
            _new(self._maps).replace(maps)
        whole = pa.Table.from_batches(self._batches, schema=self._schema)
        pq.write_table(
            whole.replace_schema_metadata(known), _new(self._table), write_page_checksum=True
        )
        _new(self._table).replace(table)


def _new(file: Path) -> Path:
    """Where a file is written before it takes its place; a shard has one writer at a time."""
    return file.with_name(f".{file.name}.new")


def _part(file: Path) -> Path:
    """Where the part of a file is kept that was done when its shard was stopped."""
    return file.with_name(f".{file.name}.part")
