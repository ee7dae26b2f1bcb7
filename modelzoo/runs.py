"""The run folder: the hall where all rooms meet, and the only code that knows its file names.

No torch, no Streamlit: comparing reads runs without either.
"""

import csv
import io
import json
import os
import re
import shutil
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
import psutil

from modelzoo.datasets.splits import Split, format_split, parse_split
from modelzoo.errors import UserError
from modelzoo.files import make_folder, replacing, write_text
from modelzoo.training.config import TrainConfig, format_config, read_config

if TYPE_CHECKING:
    # pandas is 50 MB, and a run that waits for its turn reads no table: it is imported where used.
    import pandas as pd

CONFIG = "config.toml"
STATUS = "status.json"
HISTORY = "history.csv"
SPLIT = "split.csv"
PREDICTIONS = "predictions.parquet"
MODEL = "model.safetensors"
MODEL_CONFIG = "config.json"  # timm's name for it: "local-dir:" looks for this file
WEIGHTS = "weights.json"
ENVIRONMENT = "environment.json"
LOG = "log.txt"
CHECKPOINT = "checkpoint.safetensors"
NEIGHBOURS = "neighbours.safetensors"  # embeddings of the training images, for unlikeness
QUALITY = "quality.csv"  # how far maps of this run can be trusted, over its test images
VALIDITY = "validity.csv"  # what of each method holds on this run's network

State = Literal["queued", "training", "done", "stopped", "failed"]
HEARTBEAT_SECONDS = 2.0
_HOST = socket.gethostname()
SILENCE_SECONDS = 45.0  # a run on another machine that has been silent this long is taken for dead


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What a run is doing, as its own process last said."""

    state: State
    device: str = ""  # torch's name of what it trains on, or waits for
    queued: float = 0.0  # seconds since the epoch: who came first is trained first
    pid: int = 0
    process_started: float = 0.0  # seconds since the epoch; ids of processes are reused
    host: str = ""
    heartbeat: float = 0.0  # seconds since the epoch
    phase: str = ""  # in words, for people: "reading images", "training"
    progress: float = 0.0  # share of the phase, [0, 1]
    epoch: int = 0  # epochs finished
    epochs: int = 0  # at most
    images_per_second: float = 0.0
    seconds_left: float | None = None
    error: str = ""  # one sentence, when failed


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single answer to ==
class Predictions:
    """A run's logits and probabilities by image id."""

    images: tuple[str, ...]
    parts: tuple[str, ...]
    labels: npt.NDArray[np.int64]  # (N,), index into `classes`; -1 where the label is unknown
    classes: tuple[str, ...]
    logits: npt.NDArray[np.float32]  # (N, K)
    probabilities: npt.NDArray[np.float32]  # (N, K), rows sum to 1

    def only(self, part: str) -> "Predictions":
        """The predictions of one part."""
        rows = np.flatnonzero(np.array(self.parts) == part)
        return Predictions(
            tuple(self.images[row] for row in rows),
            tuple(self.parts[row] for row in rows),
            self.labels[rows],
            self.classes,
            self.logits[rows],
            self.probabilities[rows],
        )


@dataclass(frozen=True, slots=True)
class Run:
    """One training and all it left, as its folder says. Files are read when asked for."""

    path: Path
    config: TrainConfig

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.path.name

    def has(self, file_name: str) -> bool:
        """Whether the run has left that file."""
        return (self.path / file_name).is_file()


# Making and finding runs


def check_run_name(name: str) -> str:
    """`name`, when it can be a folder's name.

    Raises:
        UserError: It is empty, too long, or holds anything but letters, digits and . _ -
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        raise UserError(
            f"Run name {name!r} cannot be used; give up to 100 letters, digits, dots, hyphens or "
            "underscores, the first a letter or digit."
        )
    return name


def check_run_is_free(runs: Path, name: str) -> Path:
    """The folder that the run `name` would have in `runs`.

    Raises:
        UserError: The name cannot be used, or such a run is there already.
    """
    path = runs / check_run_name(name)
    if path.exists():
        raise UserError(f"Run {name!r} is already in {runs}; give another name, or resume it.")
    return path


def create_run(runs: Path, name: str, config: TrainConfig) -> Run:
    """Make `runs/name` with its config and the status `queued`.

    Raises:
        UserError: The name cannot be used, or such a run is there already.
    """
    path = check_run_is_free(runs, name)
    # Under a name that no list of runs shows: a run is there with its config, or not at all.
    unfinished = make_folder(runs / f".{name}.{os.getpid()}")
    write_text(unfinished / CONFIG, format_config(config))
    now = time.time()
    write_status(unfinished, Status(state="queued", queued=now, heartbeat=now, host=_HOST))
    try:
        unfinished.rename(path)
    except OSError as error:  # another process took the name meanwhile
        shutil.rmtree(unfinished)
        raise UserError(
            f"{path} could not be made ({error.strerror}); give another name."
        ) from error
    return Run(path, config)


def delete_run(run: Run) -> None:
    """Remove the run's folder with all that is in it.

    Raises:
        UserError: It is queued or training, or its folder cannot be removed.
    """
    try:
        state = read_status(run.path, now=time.time()).state
    except UserError:  # a damaged run can be deleted like any other
        state = "failed"
    if state in ("queued", "training"):
        raise UserError(f"Run {run.id!r} is {state}; stop it before it is deleted.")
    # Under a name that no list of runs shows first: it is there as a whole, or gone.
    gone = run.path.with_name(f".{run.id}.deleted-{os.getpid()}")
    try:
        run.path.rename(gone)
        shutil.rmtree(gone)
    except OSError as error:
        raise UserError(
            f"Run {run.id!r} could not be deleted ({error.strerror}); remove {run.path} by hand."
        ) from error


def read_run(path: Path) -> Run:
    """The run in folder `path`.

    Raises:
        UserError: It is no run folder, or its config is damaged.
    """
    if not path.is_dir():
        raise UserError(
            f"Run {path} was not found; `python -m modelzoo runs` lists those there are."
        )
    return Run(path, read_config(path / CONFIG))


def list_runs(runs: Path) -> tuple[list[Run], dict[str, str]]:
    """The runs in folder `runs` by name, and a sentence for each folder that cannot be read."""
    found: list[Run] = []
    damaged: dict[str, str] = {}
    if not runs.is_dir():
        return found, damaged
    for path in sorted(runs.iterdir()):
        if not path.is_dir() or path.name.startswith("."):
            continue
        try:
            found.append(read_run(path))
        except UserError as error:
            damaged[path.name] = str(error)
    return found, damaged


# Status


def write_status(path: Path, status: Status) -> None:
    """Write the status of the run in folder `path`."""
    write_text(path / STATUS, json.dumps(asdict(status), indent=1))


def read_status(path: Path, *, now: float) -> Status:
    """The status of the run in folder `path`; `failed` where its process is gone.

    Args:
        path: The run's folder.
        now: Seconds since the epoch.

    Raises:
        UserError: The file is missing or damaged.
    """
    status = _parse_record(path / STATUS, Status)
    if status.state in ("queued", "training") and not _is_alive(status, now):
        return replace(
            status,
            state="failed",
            error="The process ended without a word (killed, or the machine went down); "
            "what it had saved is kept, and the run can be resumed.",
        )
    return status


def name_process(pid: int) -> dict[str, Any]:
    """The fields of `Status` that name a process of this machine, heard of just now."""
    return {
        "pid": pid,
        "process_started": psutil.Process(pid).create_time(),
        "host": _HOST,
        "heartbeat": time.time(),
    }


def this_process() -> dict[str, Any]:
    """The fields of `Status` that name the calling process."""
    return name_process(os.getpid())


def is_on_this_machine(status: Status) -> bool:
    """Whether the process that wrote `status` runs, or ran, here."""
    return status.host == _HOST


def _is_alive(status: Status, now: float) -> bool:
    """Whether the process that wrote `status` still runs; elsewhere, whether it was heard of."""
    if not is_on_this_machine(status) or not status.pid:
        return now - status.heartbeat < SILENCE_SECONDS
    try:
        process = psutil.Process(status.pid)
        # The clock behind create_time may be stepped by a second while a machine runs.
        same = abs(process.create_time() - status.process_started) < 2
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


# What a run has left


def append_history(path: Path, row: Mapping[str, float]) -> None:
    """Append one line, one epoch, to the run's history; the first brings the header."""
    file = path / HISTORY
    out = io.StringIO()
    writer = csv.DictWriter(out, list(row), lineterminator="\n")
    if not file.is_file():
        writer.writeheader()
    writer.writerow(row)
    with file.open("a", encoding="utf-8") as history:
        history.write(out.getvalue())


def read_history(path: Path) -> "pd.DataFrame":
    """One row an epoch; empty before the first.

    Raises:
        UserError: The file is damaged.
    """
    import pandas as pd

    file = path / HISTORY
    if not file.is_file():
        return pd.DataFrame({"epoch": []})
    try:
        return pd.read_csv(file)
    except (ValueError, OSError) as error:
        raise _damaged(file) from error


def keep_history(path: Path, epochs: int) -> None:
    """Drop the lines after the first `epochs` epochs, which a resumed run will write again."""
    file = path / HISTORY
    if file.is_file():
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        write_text(file, "".join(lines[: epochs + 1]))


def write_split(path: Path, split: Split) -> None:
    """Write the run's split."""
    write_text(path / SPLIT, format_split(split))


def read_split(path: Path) -> Split:
    """The run's split.

    Raises:
        UserError: The file is missing or damaged.
    """
    file = path / SPLIT
    try:
        return parse_split(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{file} is missing; train the run again.") from None
    except ValueError as error:
        raise _damaged(file) from error


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Write predictions.parquet: image, part, label, then a logit and a probability a class."""
    import pandas as pd

    names = (*predictions.classes, None)  # index -1: no label
    table = pd.DataFrame(
        {
            "image": list(predictions.images),
            "part": list(predictions.parts),
            "label": [names[index] for index in predictions.labels],
        }
    )
    for index, name in enumerate(predictions.classes):
        table[f"logit:{name}"] = predictions.logits[:, index]
        table[f"p:{name}"] = predictions.probabilities[:, index]
    with replacing(path / PREDICTIONS) as temporary:
        table.to_parquet(temporary, index=False)


def read_predictions(path: Path) -> Predictions:
    """The run's predictions.

    Raises:
        UserError: The file is missing or damaged.
    """
    import pandas as pd

    file = path / PREDICTIONS
    try:
        table = pd.read_parquet(file)
        classes = tuple(
            column.removeprefix("p:") for column in table.columns if column.startswith("p:")
        )
        index_by_name = {name: index for index, name in enumerate(classes)}
        return Predictions(
            tuple(table["image"]),
            tuple(table["part"]),
            np.array([index_by_name.get(name, -1) for name in table["label"]], np.int64),
            classes,
            table[[f"logit:{name}" for name in classes]].to_numpy(np.float32),
            table[[f"p:{name}" for name in classes]].to_numpy(np.float32),
        )
    except FileNotFoundError:
        raise UserError(f"{file} is missing; resume the run to have it written.") from None
    except (ValueError, KeyError, OSError) as error:  # pyarrow's errors are ValueErrors
        raise _damaged(file) from error


# A row a method and measure; `None` in a column of floats is an empty cell.
QUALITY_COLUMNS: dict[str, type] = {
    "method": str,
    "measure": str,
    "value": float,
    "low": float,
    "high": float,
    "random": float,
    "centre": float,
    "blurred": float,
    "better": float,
    "lead": float,
    "lead_low": float,
    "area": float,
    "images": int,
    "groups": int,
}
VALIDITY_COLUMNS: dict[str, type] = dict.fromkeys(
    ("method", "refusal", "same_as", "ignores_class", "empty_share", "gap_share", "sentence"), str
)


def write_judgement(
    path: Path, quality: Sequence[Mapping[str, object]], validity: Sequence[Mapping[str, object]]
) -> None:
    """Write quality.csv and validity.csv of the run in folder `path`.

    Args:
        path: The run's folder.
        quality: Rows with the keys of `QUALITY_COLUMNS`.
        validity: Rows with the keys of `VALIDITY_COLUMNS`.
    """
    write_text(path / QUALITY, _format_rows(quality, QUALITY_COLUMNS))
    write_text(path / VALIDITY, _format_rows(validity, VALIDITY_COLUMNS))


def _format_rows(rows: Sequence[Mapping[str, object]], columns: Iterable[str]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def read_quality(path: Path) -> "pd.DataFrame | None":
    """The columns of `QUALITY_COLUMNS`, a row a method and measure; None: never judged.

    Raises:
        UserError: The file is damaged.
    """
    return _read_table(path / QUALITY, QUALITY_COLUMNS)


def read_validity(path: Path) -> "pd.DataFrame | None":
    """The columns of `VALIDITY_COLUMNS`, all text, a row a method; None: never examined.

    Raises:
        UserError: The file is damaged.
    """
    return _read_table(path / VALIDITY, VALIDITY_COLUMNS)


def _read_table(file: Path, columns: Mapping[str, type]) -> "pd.DataFrame | None":
    import pandas as pd

    texts = [name for name, kind in columns.items() if kind is str]
    try:
        table = pd.read_csv(file, dtype=dict(columns), encoding="utf-8")[list(columns)]
        return table.fillna(dict.fromkeys(texts, ""))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, OSError) as error:
        raise UserError(
            f"{file} is damaged; remove it, or run `python -m xai quality` again."
        ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class InitialWeights:
    """Where a run's initial weights came from."""

    kind: Literal["imagenet", "none"]
    source: str = ""  # in words: "folder", "package ...", "hub ..."; empty for none
    file: str = ""  # name of the file
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What a run was made with, and what it cost."""

    versions: dict[str, str]
    device: str
    cores: int
    seed: int
    git: str  # commit of the project, "+" when changed; empty outside a checkout
    dataset_id: str
    parameters: int  # of the network with the run's classes
    ms_per_image: float  # one image at a time through the trained network, median
    seconds: dict[str, float]  # by phase
    memory_bytes: int  # peak of the process, or of the GPU where there is one


def write_record(path: Path, file_name: str, record: InitialWeights | Environment) -> None:
    """Write weights.json or environment.json of the run in folder `path`."""
    write_text(path / file_name, json.dumps(asdict(record), indent=1))


def read_weights(path: Path) -> InitialWeights:
    """Where the run's initial weights came from.

    Raises:
        UserError: The file is missing or damaged.
    """
    return _parse_record(path / WEIGHTS, InitialWeights)


def read_environment(path: Path) -> Environment:
    """What the run was made with.

    Raises:
        UserError: The file is missing or damaged.
    """
    return _parse_record(path / ENVIRONMENT, Environment)


Record = TypeVar("Record", Status, InitialWeights, Environment)


def _parse_record(file: Path, record: type[Record]) -> Record:
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        # A field with a default may be missing: it is younger than the file.
        return record(
            **{spec.name: values[spec.name] for spec in fields(record) if spec.name in values}
        )
    except FileNotFoundError:
        raise UserError(f"{file} is missing; train the run again.") from None
    except (ValueError, TypeError, KeyError) as error:
        raise _damaged(file) from error


def _damaged(file: Path) -> UserError:
    return UserError(f"{file} is damaged; put a good copy in its place or train the run again.")
