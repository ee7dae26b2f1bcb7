"""Damages of a run folder: what a person, a full disk or another program may leave there.

Each damage is a function of the run's folder that spoils one of its files (or the folder). Use::

    @pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
    def test_...(damage):
        run = make_run(folder, "damaged")
        damage.spoil(run.path)

Many may be laid over many runs of one folder, one for each, so that a page or a command meets all
of them in one go: `spoil_copies` does that.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from safetensors.torch import save_file

TEXTS = (
    "config.toml",
    "status.json",
    "history.csv",
    "split.csv",
    "weights.json",
    "environment.json",
    "temperature.json",
    "quality.csv",
    "validity.csv",
    "config.json",
    "log.txt",
)
BINARIES = ("predictions.parquet", "model.safetensors", "neighbours.safetensors")
WRONG: dict[str, Any] = {  # in place of one field
    "text": "x",
    "number": -1.5,
    "nan": float("nan"),
    "infinite": float("inf"),
    "huge": 10**400,
    "bool": True,
    "null": None,
    "list": [[]],
    "record": {"a": {"b": 1}},
    "surrogate": "\ud800",
    "future": 4e9,
    "large": 1e300,
    "long": "x" * 20_000,
}


@dataclass(frozen=True)
class Damage:
    """One way to spoil a run folder."""

    name: str
    spoil: Callable[[Path], None]


def spoil_copies(
    damages: Sequence[Damage], run: Path, runs: Path, *, prefix: str = "damaged"
) -> list[Path]:
    """A copy of `run` in `runs` for each of the damages, spoiled by it."""
    copies = []
    for number, damage in enumerate(damages):
        copy = runs / f"{prefix}-{number:04d}"
        shutil.copytree(run, copy)
        damage.spoil(copy)
        copies.append(copy)
    return copies


def _of_any_file(name: str) -> Iterator[Damage]:
    def remove(folder: Path) -> Path:
        file = folder / name
        file.unlink(missing_ok=True)
        return file

    def truncate(folder: Path) -> None:
        file = folder / name
        content = file.read_bytes() if file.is_file() else b"{"
        file.write_bytes(content[: len(content) // 2])

    def flip(folder: Path) -> None:
        file = folder / name
        content = bytearray(file.read_bytes() if file.is_file() else b"{}")
        for at in range(0, len(content), max(1, len(content) // 7)):
            content[at] ^= 0x55
        file.write_bytes(content)

    def loop(folder: Path) -> None:
        remove(folder).symlink_to(name)

    def grow(folder: Path) -> None:
        with (folder / name).open("ab") as file:
            file.truncate(10**10)  # without a byte on the disk

    contents = {
        "empty": b"",
        "zeros": b"\0" * 1000,
        "not UTF-8": b"\xff\xfe\xfa" * 30,
        "another type": b"<html><body>404</body></html>",
        "a number": b"7",
        "a list": b"[1, 2, 3]",
        "an image": b"\xff\xd8\xff\xe0\0\x10JFIF\0",
        "a line": b"a,b,c\n1,2\n",
        "nested": b"[" * 5000 + b"]" * 5000,
        "nested as TOML": b"a = " + b"[" * 5000 + b"]" * 5000,
        "a long field": b"image,label,group,part\n" + b"x" * 200_000 + b",a,b,test\n",
    }
    yield Damage(f"{name}: missing", lambda folder: (remove(folder), None)[1])
    yield Damage(f"{name}: truncated", truncate)
    yield Damage(f"{name}: bits flipped", flip)
    yield Damage(f"{name}: a folder", lambda folder: remove(folder).mkdir())
    yield Damage(f"{name}: a link to nothing", lambda folder: remove(folder).symlink_to("gone"))
    yield Damage(f"{name}: a link to a folder", lambda folder: remove(folder).symlink_to("."))
    yield Damage(f"{name}: a link to itself", loop)
    yield Damage(f"{name}: huge", grow)
    yield Damage(f"{name}: a pipe", lambda folder: os.mkfifo(remove(folder)))
    for what, content in contents.items():
        yield Damage(f"{name}: {what}", _writer(name, content))


def _writer(name: str, content: bytes) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return spoil


def _of_json(name: str, fields: Sequence[str]) -> Iterator[Damage]:
    def spoiler(field: str, value: Any) -> Callable[[Path], None]:
        def spoil(folder: Path) -> None:
            file = folder / name
            values = json.loads(file.read_text()) if file.is_file() else {}
            file.write_text(json.dumps(values | {field: value}))

        return spoil

    for field in fields:
        for what, value in WRONG.items():
            yield Damage(f"{name}: {field} is {what}", spoiler(field, value))


def _of_csv(name: str, columns: Sequence[str]) -> Iterator[Damage]:
    cells = ("", "x", "nan", "inf", "-1", "1e999", "/etc/passwd", "../../secret", "a\0b", "![x](y)")

    def spoiler(column: str, cell: str) -> Callable[[Path], None]:
        def spoil(folder: Path) -> None:
            file = folder / name
            if file.is_file():
                table = pd.read_csv(file, dtype=str, keep_default_na=False)
                if column in table:
                    table.loc[0, column] = cell
                table.to_csv(file, index=False)

        return spoil

    def drop(column: str) -> Callable[[Path], None]:
        def spoil(folder: Path) -> None:
            file = folder / name
            if file.is_file():
                table = pd.read_csv(file, dtype=str, keep_default_na=False)
                table.drop(columns=column, errors="ignore").to_csv(file, index=False)

        return spoil

    for column in columns:
        yield Damage(f"{name}: no {column}", drop(column))
        for cell in cells:
            yield Damage(f"{name}: {column} is {cell!r}", spoiler(column, cell))


def _of_toml() -> Iterator[Damage]:
    lines = {
        "data": ('"' + "d" * 5000 + '"', "7", "[]", '"\\u0000"', '"![x](http://127.0.0.1/y)"'),
        "backbone": ('"nowhere"', "1", "[]"),
        "split": ('"nowhere"', "2", "{}"),
        "seed": ("-1", "1.5", '"x"', "true", "0x" + "f" * 6000, "[" + "1," * 200_000 + "]"),
        "seed.a" + ".a" * 3000: ("1",),
        "learning_rate": ("nan", "inf", '"x"', "0x" + "f" * 6000),
        "input_px": ("1", "-5", "99999999999999999999"),
        "epochs": ("0", "[1]"),
        "recipe": ("5", '"' + "r" * 300 + '"', '"a\\nb"', '"\\u001b[2J"'),
        "unknown_option": ("1",),
        "k" * 500_000: ("1",),
        "schema": ("99", '"x"', "-1"),
    }

    def spoiler(key: str, value: str) -> Callable[[Path], None]:
        def spoil(folder: Path) -> None:
            file = folder / "config.toml"
            option = key.split(".")[0]
            kept = [x for x in file.read_text().splitlines() if not x.startswith(f"{option} =")]
            file.write_text("\n".join([f"{key} = {value}", *kept]))

        return spoil

    for key, values in lines.items():
        for value in values:
            yield Damage(f"config.toml: {key[:30]} = {value[:30]}", spoiler(key, value))


def _of_predictions() -> Iterator[Damage]:
    def spoiler(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Path], None]:
        def spoil(folder: Path) -> None:
            file = folder / "predictions.parquet"
            if file.is_file():
                change(pd.read_parquet(file)).to_parquet(file, index=False)

        return spoil

    changes: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
        "no rows": lambda table: table.head(0),
        "half of the rows": lambda table: table.head(len(table) // 2),
        "no test rows": lambda table: table[table["part"] != "test"],
        "rows twice": lambda table: pd.concat([table, table]),
        "labels are lists": lambda table: table.assign(label=pd.Series([["a"]] * len(table))),
        "labels are numbers": lambda table: table.assign(label=1),
        "labels of another set": lambda table: table.assign(label="Other"),
        "images are numbers": lambda table: table.assign(image=range(len(table))),
        "images of another set": lambda table: table.assign(image="x" + table["image"]),
        "images outside": lambda table: table.assign(image="../../" + table["image"]),
        "parts unknown": lambda table: table.assign(part="holdout"),
        "no image column": lambda table: table.drop(columns="image"),
        "no class columns": lambda table: table[["image", "part", "label"]],
        "no logits": lambda table: table[[c for c in table if not str(c).startswith("logit:")]],
        "probabilities are text": lambda table: table.assign(**{_first_p(table): "x"}),
        "probabilities are nan": lambda table: table.assign(**{_first_p(table): float("nan")}),
        "probabilities above 1": lambda table: table.assign(**{_first_p(table): 7.0}),
        "logits are infinite": lambda table: table.assign(
            **{_first_p(table).replace("p:", "logit:"): float("inf")}
        ),
    }
    for what, change in changes.items():
        yield Damage(f"predictions.parquet: {what}", spoiler(change))


def _of_tables() -> Iterator[Damage]:
    """Tables of predictions that no data frame can hold."""

    def spoiler(change: Callable[[pa.Table], pa.Table]) -> Callable[[Path], None]:
        def spoil(folder: Path) -> None:
            file = folder / "predictions.parquet"
            if file.is_file():
                pq.write_table(change(pq.read_table(file)), file)

        return spoil

    def replaced(name: str, column: Callable[[int], pa.Array]) -> Callable[[pa.Table], pa.Table]:
        return lambda table: table.set_column(
            table.column_names.index(name), name, column(table.num_rows)
        )

    def repeat(table: pa.Table) -> pa.Table:
        return pa.table({name: pa.nulls(20_000_000) for name in table.column_names})

    changes: dict[str, Callable[[pa.Table], pa.Table]] = {
        "a column twice": lambda table: table.append_column("image", table["image"]),
        "metadata that are none": lambda table: table.replace_schema_metadata({b"pandas": b"[]"}),
        "20 million rows of nothing": repeat,
        "images are not UTF-8": replaced("image", _texts_that_are_none),
        "labels are not UTF-8": replaced("label", _texts_that_are_none),
        "labels are records": replaced("label", lambda n: pa.array([{"a": 1}] * n)),
        "parts are dates": replaced("part", lambda n: pa.array([1] * n, pa.date32())),
    }
    for what, change in changes.items():
        yield Damage(f"predictions.parquet: {what}", spoiler(change))


def _texts_that_are_none(n: int) -> pa.Array:
    """`n` texts whose bytes are no UTF-8, each another one."""
    return pa.array([b"\xff%04d" % row for row in range(n)]).view(pa.string())


def _of_tensors(name: str) -> Iterator[Damage]:
    """What a file of embeddings of the 16 training images of `make_run(images=40)` may hold."""
    embeddings, distances = torch.ones(16, 8).half(), torch.arange(16.0)
    contents: dict[str, dict[str, torch.Tensor]] = {
        "no tensors": {},
        "embeddings of a row": {"embeddings": embeddings[0], "distances": distances},
        "one distance": {"embeddings": embeddings, "distances": distances[0]},
        "distances of two dimensions": {"embeddings": embeddings, "distances": distances[:, None]},
        "distances that fall": {"embeddings": embeddings, "distances": distances.flip(0)},
        "distances that are nan": {"embeddings": embeddings, "distances": distances * torch.nan},
        "embeddings of no length": {"embeddings": embeddings[:, :0], "distances": distances},
        "embeddings of another type": {
            "embeddings": embeddings.to(torch.float8_e4m3fn),
            "distances": distances,
        },
        "infinite embeddings": {"embeddings": embeddings / 0, "distances": distances},
    }

    def spoiler(tensors: dict[str, torch.Tensor], images: str) -> Callable[[Path], None]:
        def spoil(folder: Path) -> None:
            whole = {key: value.contiguous() for key, value in tensors.items()}
            save_file(whole, folder / name, {"images": images})

        return spoil

    for what, tensors in contents.items():
        yield Damage(f"{name}: {what}", spoiler(tensors, "null"))
    whole = {"embeddings": embeddings, "distances": distances}
    for what, images in {"5": "5", "null": "null", "{}": "{}", "nested": "[" * 5000}.items():
        yield Damage(f"{name}: images are {what}", spoiler(whole, images))


def _first_p(table: pd.DataFrame) -> str:
    return next(str(column) for column in table if str(column).startswith("p:"))


def _all() -> Iterator[Damage]:
    for name in (*TEXTS, *BINARIES):
        yield from _of_any_file(name)
    status = ["state", "device", "queued", "pid", "process_started", "host", "heartbeat", "phase"]
    status += ["progress", "epoch", "epochs", "images_per_second", "seconds_left", "error"]
    yield from _of_json("status.json", status)
    yield from _of_json("weights.json", ["kind", "source", "sha256"])
    environment = ["versions", "device", "seed", "dataset_id", "parameters", "ms_per_image"]
    yield from _of_json("environment.json", [*environment, "seconds", "memory_bytes"])
    yield from _of_json("temperature.json", ["temperature", "images", "wrong"])
    yield from _of_csv("split.csv", ["image", "label", "group", "part"])
    yield from _of_csv("history.csv", ["epoch", "train_loss", "validation_accuracy"])
    yield from _of_csv("quality.csv", ["method", "measure", "value", "ci_low", "images"])
    yield from _of_csv("validity.csv", ["method", "sentence"])
    yield from _of_toml()
    yield from _of_predictions()
    yield from _of_tables()
    yield from _of_tensors("neighbours.safetensors")


DAMAGES: tuple[Damage, ...] = tuple(_all())
