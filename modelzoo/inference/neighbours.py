"""The training images most similar to an image, and how far outside their distribution it lies."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open

from modelzoo.datasets.splits import Split
from modelzoo.errors import UserError
from modelzoo.files import is_regular_file
from modelzoo.runs.file_names import NEIGHBOURS, SPLIT
from modelzoo.runs.records import read_split
from modelzoo.tensors import write_tensors

# Cosine distance. Embeddings are kept in float16, which moves an image by up to 0.0001 from itself.
SAME = 0.001


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """What a run remembers of its training images."""

    images: tuple[str, ...]
    labels: tuple[str, ...]  # of the data set
    embeddings: npt.NDArray[np.float32]  # (N, D), each of length 1
    distances: npt.NDArray[np.float32]  # (N,), to the nearest of another group, ascending


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A training image that a run takes for like another image."""

    image: str  # id
    label: str  # of the data set, whatever the run says of it
    distance: float  # cosine, [0, 2]: 0 is the same direction
    is_duplicate: bool  # nearer than unrelated training images are to each other


def ood_percentile(
    embeddings: npt.NDArray[np.float32], neighbours: Neighbours
) -> npt.NDArray[np.float32]:
    """How unlike the training images each of `embeddings` (N, D) is: a percentile in [0, 100].

    The distance (cosine) to the nearest training image, as a percentile of the distances that the
    training images themselves have to the nearest of another group: 50 is as far as the median
    training image, 100 farther than any.
    """
    distances = _distances(embeddings, neighbours).min(axis=1)
    farther_than = np.searchsorted(neighbours.distances, distances, side="left")
    percentile: npt.NDArray[np.float64] = 100 * farther_than / len(neighbours.distances)
    return percentile.astype(np.float32)


def duplicate_distance(neighbours: Neighbours) -> float:
    """The cosine distance below which two images are hardly different ones; 0 where none is.

    The first percentile of the distances that training images have to the nearest of another
    group. On ALL-PBS with a split by group (EfficientNet-Lite0 and ResNet50: 0.043 and 0.031) it
    finds every file that is there twice, 10 of 24 images that were saved again as JPEG (quality
    75), 14 and 5 of 24 that were mirrored, but only 3 and 7 % of the fields that overlap another:
    their features differ as much as those of strangers. 1 and 2 of 48 images of other groups are
    called duplicates. So the alarm is a reason to look, and its silence proves nothing.
    """
    percentile, median = np.percentile(neighbours.distances, [1, 50])
    # A network that was never trained has all images at 0.0001 from each other: no telling.
    return max(float(percentile), SAME) if median > 10 * SAME else 0.0


def nearest_images(
    neighbours: Neighbours, embedding: npt.NDArray[np.float32], n: int = 6
) -> list[Neighbour]:
    """The `n` training images most like an image, nearest first; fewer where there are fewer.

    Args:
        neighbours: What the run remembers of its training images.
        embedding: (D,) float32 of the image, a row of `PredictionBatch.embeddings`.
        n: How many, at least 1.
    """
    # Rounding (see SAME) may leave an image a little behind itself.
    distances = np.maximum(_distances(embedding[None], neighbours)[0], 0)
    limit = duplicate_distance(neighbours)
    return [
        Neighbour(
            neighbours.images[row],
            neighbours.labels[row],
            float(distances[row]),
            bool(distances[row] < limit),
        )
        for row in np.argsort(distances, kind="stable")[:n]
    ]


def write_neighbours(
    path: Path, embeddings: npt.NDArray[np.float32], images: Iterable[str], split: Split
) -> None:
    """Keep the training images' embeddings (of all `images`, (N, D)) in the run folder."""
    row_by_id = {image: row for row, image in enumerate(images)}
    kept = [row for row in split.rows if row.part == "train"]
    unit = _unit(embeddings[[row_by_id[row.image] for row in kept]])
    groups = np.unique([row.group for row in kept], return_inverse=True)[1]
    nearest = _nearest_of_another_group(unit, groups)
    content = {
        "embeddings": torch.from_numpy(unit.astype(np.float16)),
        "distances": torch.from_numpy(np.sort(nearest)),
    }
    write_tensors(path / NEIGHBOURS, content, {"images": json.dumps([row.image for row in kept])})


def quantise_neighbours(path: Path) -> None:
    """Keep the embeddings in the run folder as bytes: half the size, and off by 0.4 % at most.

    Raises:
        UserError: As for `read_neighbours`.
    """
    found = read_neighbours(path)
    largest = np.abs(found.embeddings).max(axis=1, keepdims=True)
    content = {
        "embeddings": torch.from_numpy((127 * found.embeddings / largest).round().astype(np.int8)),
        "distances": torch.from_numpy(found.distances),
    }
    write_tensors(path / NEIGHBOURS, content, {"images": json.dumps(_hash_ids(found.images))})


def read_neighbours(path: Path) -> Neighbours:
    """What `write_neighbours` wrote.

    Raises:
        UserError: The file is missing or damaged, or is of other images than the split.
    """
    file = path / NEIGHBOURS
    rows = [row for row in read_split(path).rows if row.part == "train"]
    images, labels = tuple(row.image for row in rows), tuple(row.label for row in rows)
    if not is_regular_file(file):
        raise UserError(f"{file} is missing; train the run again.")
    try:
        kept, embeddings, distances = _read_tensors(file)
    except (OSError, SafetensorError, ValueError, RecursionError) as error:
        raise UserError(f"{file} is damaged; train the run again.") from error
    # Version 0.1.0 wrote no ids; the order was that of the split.
    if kept not in (None, list(images), _hash_ids(images)) or len(embeddings) != len(images):
        raise UserError(
            f"{file} is of other training images than {SPLIT} beside it; train the run again."
        )
    return Neighbours(images, labels, embeddings, distances)


def _hash_ids(images: Iterable[str]) -> str:
    """What stands for the ids where they would take too much room."""
    return hashlib.sha256("\n".join(images).encode()).hexdigest()


def _read_tensors(
    file: Path,
) -> tuple[object, npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Image ids, their hash or None, embeddings (N, D) and distances (N,), as they were written.

    Raises:
        OSError: It cannot be read.
        SafetensorError: It is no safetensors file, or lacks a tensor.
        ValueError: It holds what `write_neighbours` never writes.
        RecursionError: Its metadata are nested too deeply.
    """
    with safe_open(file, "pt") as content:  # numpy lacks some of the types that may be in there
        embeddings = content.get_tensor("embeddings")
        distances = content.get_tensor("distances")
        kept = json.loads((content.metadata() or {}).get("images", "null"))
    is_sound = (
        embeddings.dtype in (torch.float16, torch.int8)
        and distances.dtype == torch.float32
        and embeddings.ndim == 2
        and embeddings.numel() > 0
        and distances.shape == embeddings.shape[:1]
        and embeddings.float().isfinite().all()
        and distances.isfinite().all()
        and (distances.diff() >= 0).all()  # ascending, so that they can be searched
    )
    if not is_sound:
        raise ValueError("not the embeddings of training images")
    values = embeddings.float().numpy()
    # Of bytes only the direction counts, and their length is none.
    return kept, _unit(values) if embeddings.dtype == torch.int8 else values, distances.numpy()


def _distances(
    embeddings: npt.NDArray[np.float32], neighbours: Neighbours
) -> npt.NDArray[np.float32]:
    """(N, M) cosine distances of `embeddings` (N, D) to the M training images."""
    distances: npt.NDArray[np.float32] = 1 - _unit(embeddings) @ neighbours.embeddings.T
    return distances


def _nearest_of_another_group(
    unit: npt.NDArray[np.float32], groups: npt.NDArray[np.intp], chunk: int = 512
) -> npt.NDArray[np.float32]:
    """(N,) cosine distance of each of `unit` (N, D) to the nearest one of another group."""
    nearest = []
    # A full matrix of 10,661 images would be 455 MB.
    for start in range(0, len(unit), chunk):
        likeness = unit[start : start + chunk] @ unit.T
        likeness[groups[start : start + chunk, None] == groups[None]] = -1
        nearest.append(1 - likeness.max(axis=1))
    return np.concatenate(nearest).astype(np.float32)


def _unit(embeddings: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """`embeddings` (N, D), each divided by its length."""
    length = np.linalg.norm(embeddings, axis=1, keepdims=True)
    unit: npt.NDArray[np.float32] = embeddings / np.maximum(length, 1e-12)
    return unit
