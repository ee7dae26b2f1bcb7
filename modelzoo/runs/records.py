"""split.csv, weights.json, environment.json, data.json and others of a run, as typed records."""

import csv
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from modelzoo.backbones.weights import WeightsRecord
from modelzoo.config.train_config import Dtype
from modelzoo.datasets.splits import Split, format_split, parse_split
from modelzoo.errors import UserError
from modelzoo.files import damaged_file, read_text, write_text
from modelzoo.runs.file_names import (
    DATA,
    ENVIRONMENT,
    IMAGES,
    PRECISION,
    SPLIT,
    TEMPERATURE,
    WEIGHTS,
)
from modelzoo.runs.parse import format_record, parse_record

HASH_DIGITS = 16
# Beyond these probabilities are 0 and 1, or all alike.
LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.05, 20.0
_ROUNDING = 1e-9  # the exponential of a logarithm


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
        return parse_split(read_text(file))
    except FileNotFoundError:
        raise UserError(f"{file} is missing; train the run again.") from None
    except (ValueError, csv.Error) as error:
        raise damaged_file(file) from error


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
    ms_per_image: float  # one image at a time through the trained network, the quickest quarter
    seconds: dict[str, float]  # by phase
    memory_bytes: int  # peak of the process, or of the GPU where there is one
    # Of a frozen backbone: "cached" ones take no time in `seconds`; "": none, or not known.
    features: Literal["", "computed", "cached"] = ""
    threads: int = 0  # of a forward pass on a CPU; 0: not known, as up to version 0.1.0
    # As in PrecisionRecord, by its fields; empty: not known, as up to version 0.1.0.
    precision: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)  # what was done otherwise than the config says
    processes: int = 1  # that trained it together when it ended


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecisionRecord:
    """In what numbers the network of a run computes."""

    training: Dtype  # training steps, and the validation beside them
    features: Dtype  # of a frozen backbone; float32 where every weight is trained


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRecord:
    """What was said of the data set when the run was trained."""

    layout: str
    doubts: list[str]  # what is probably wrong with classes, subjects or files, a sentence each
    notes: list[str]  # what was guessed or is not used
    depth: int = 0  # bits in use in its files of 16 bits per channel; 0: it has none


@dataclass(frozen=True, slots=True, kw_only=True)
class Temperature:
    """What the logits of a run are divided by so that its probabilities are calibrated."""

    temperature: float  # from the lowest to the highest one; above 1: the run was overconfident
    images: int  # validation images that it was fitted on
    wrong: int  # of these, those whose class is not predicted
    alone: float = 0.0  # what these images give without being drawn towards 1; 0: not known


def write_record(
    path: Path,
    file_name: str,
    record: WeightsRecord | Environment | DataRecord | PrecisionRecord | Temperature,
) -> None:
    """Write one of the JSON files of a run, named in `file_names`, in its folder."""
    write_text(path / file_name, format_record(record))


def read_weights(path: Path) -> WeightsRecord:
    """Where the run's initial weights came from.

    Raises:
        UserError: The file is missing or damaged.
    """
    return parse_record(path / WEIGHTS, WeightsRecord)


def read_environment(path: Path) -> Environment:
    """What the run was made with.

    Raises:
        UserError: The file is missing or damaged.
    """
    return parse_record(path / ENVIRONMENT, Environment)


def read_precision(path: Path) -> PrecisionRecord:
    """In what numbers the run computes.

    Raises:
        UserError: The file is missing or damaged.
    """
    return parse_record(path / PRECISION, PrecisionRecord)


def read_data(path: Path) -> DataRecord:
    """What was said of the run's data set; nothing in a run of version 0.1.0.

    Raises:
        UserError: The file is damaged.
    """
    if not os.path.lexists(path / DATA):
        return DataRecord(layout="", doubts=[], notes=[])
    return parse_record(path / DATA, DataRecord)


def read_temperature(path: Path) -> Temperature | None:
    """The temperature that was stored with the run; None: it has none, as up to version 0.1.0.

    Raises:
        UserError: The file is damaged.
    """
    if not os.path.lexists(path / TEMPERATURE):
        return None
    record = parse_record(path / TEMPERATURE, Temperature)
    is_in_range = all(
        LOWEST_TEMPERATURE * (1 - _ROUNDING) <= each <= HIGHEST_TEMPERATURE * (1 + _ROUNDING)
        for each in (record.temperature, record.alone or 1.0)
    )
    if not (is_in_range and record.wrong <= record.images > 0):
        raise damaged_file(path / TEMPERATURE)
    return record


def write_hashes(
    path: Path,
    sha256_by_image: Mapping[str, str],
    patient_by_image: Mapping[str, str] | None = None,
) -> None:
    """Write what a run keeps of each image, copies aside.

    Args:
        path: The run's folder.
        sha256_by_image: Of its content, whose start is enough to see that it has changed.
        patient_by_image: Where the data set knows some.
    """
    known = patient_by_image or {}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["image", "sha256", "patient"])
    writer.writerows(
        (image, sha256[:HASH_DIGITS], known.get(image, ""))
        for image, sha256 in sha256_by_image.items()
    )
    write_text(path / IMAGES, out.getvalue())


def read_hashes(path: Path) -> dict[str, str]:
    """Image id -> first HASH_DIGITS digits of its sha256; empty in a run of version 0.1.0.

    Raises:
        UserError: The file is damaged.
    """
    return {row["image"]: row["sha256"] for row in _read_images(path)}


def read_patients(path: Path) -> dict[str, str] | None:
    """Image id -> patient, empty where that is not known; None: the run does not say.

    Runs up to version 0.1.0 do not.

    Raises:
        UserError: The file is damaged.
    """
    rows = _read_images(path)
    if not rows or "patient" not in rows[0]:
        return None
    return {row["image"]: row["patient"] for row in rows}


def _read_images(path: Path) -> list[dict[str, str]]:
    """The rows of images.csv; none where there is no such file.

    Raises:
        UserError: The file is damaged.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(read_text(path / IMAGES))))
    except FileNotFoundError:
        return []
    except csv.Error as error:
        raise damaged_file(path / IMAGES) from error
    if any(
        None in row or None in row.values() or not {"image", "sha256"} <= row.keys() for row in rows
    ):
        raise damaged_file(path / IMAGES)
    return rows
