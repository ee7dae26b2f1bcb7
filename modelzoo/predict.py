"""A trained run -> predictions, for a data set, a folder or one image; and how unlike they are."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file

from modelzoo import runs
from modelzoo.backbones.saved import read_backbone
from modelzoo.backbones.split import Backbone
from modelzoo.datasets.images import decode_image, fit_square
from modelzoo.datasets.layouts import list_image_files
from modelzoo.datasets.splits import Split
from modelzoo.errors import UserError
from modelzoo.runs import Run
from modelzoo.tensors import write_tensors

# Cosine distance. Embeddings are kept in float16, which moves an image by up to 0.0001 from itself.
SAME = 0.001


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """What a run remembers of its training images."""

    images: tuple[str, ...]
    embeddings: npt.NDArray[np.float32]  # (N, D), each of length 1
    distances: npt.NDArray[np.float32]  # (N,), to the nearest of another group, ascending


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A run, ready to predict."""

    run: Run
    backbone: Backbone  # in evaluation mode; shared, never changed
    classes: tuple[str, ...]
    px: int
    neighbours: Neighbours


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What a trained run says of some images."""

    logits: npt.NDArray[np.float32]  # (N, K)
    probabilities: npt.NDArray[np.float32]  # (N, K)
    unlikeness: npt.NDArray[np.float32]  # (N,), percentile in [0, 100]
    embeddings: npt.NDArray[np.float32]  # (N, D), what the classifier saw


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A training image that a run takes for like another image."""

    image: str  # id
    label: str  # of the data set, whatever the run says of it
    distance: float  # cosine, [0, 2]: 0 is the same direction
    is_duplicate: bool  # nearer than unrelated training images are to each other


def load_trained(path: Path, device: str = "cpu") -> Trained:
    """The run in folder `path`, ready to predict.

    Raises:
        UserError: It is no run, is not trained yet, or a file is missing or damaged.
    """
    run = runs.read_run(path)
    if not run.has(runs.MODEL):
        raise UserError(f"Run {run.id!r} has no trained model yet; wait for it or resume it.")
    backbone, classes, px = read_backbone(path, device)
    return Trained(run, backbone, classes, px, read_neighbours(path))


def predict(trained: Trained, pixels: npt.NDArray[np.uint8]) -> Answers:
    """What `trained` says of `pixels` (N, px, px, 3) uint8, in one forward pass."""
    backbone = trained.backbone
    device = next(backbone.parameters()).device
    with torch.inference_mode():
        images = backbone.normalise(torch.from_numpy(pixels).to(device))
        embedded = backbone.embed(backbone.features(images))
        logits = backbone.classifier(embedded).float().cpu()
    embeddings = embedded.float().cpu().numpy()
    return Answers(
        logits.numpy(),
        logits.softmax(dim=1).numpy(),
        unlikeness(embeddings, trained.neighbours),
        embeddings,
    )


def unlikeness(
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
    trained: Trained, embedding: npt.NDArray[np.float32], n: int = 6
) -> list[Neighbour]:
    """The `n` training images most like an image, nearest first; fewer where there are fewer.

    Args:
        trained: The run whose features say what is like what.
        embedding: (D,) float32 of the image, a row of `Answers.embeddings`.
        n: How many, at least 1.

    Raises:
        UserError: The run's split is missing or damaged.
    """
    neighbours = trained.neighbours
    # Rounding (see SAME) may leave an image a little behind itself.
    distances = np.maximum(_distances(embedding[None], neighbours)[0], 0)
    label_by_image = {row.image: row.label for row in runs.read_split(trained.run.path).rows}
    limit = duplicate_distance(neighbours)
    return [
        Neighbour(
            neighbours.images[row],
            label_by_image[neighbours.images[row]],
            float(distances[row]),
            bool(distances[row] < limit),
        )
        for row in np.argsort(distances, kind="stable")[:n]
    ]


def predict_files(
    trained: Trained, files: Sequence[Path], *, batch_size: int = 16
) -> Iterator[tuple[list[Path], Answers, dict[Path, str]]]:
    """Predictions of image files, a batch at a time, so that a folder may be of any size.

    Yields:
        The files that could be read, their answers, and a sentence for each that could not.
    """
    for start in range(0, len(files), batch_size):
        good: list[Path] = []
        pixels: list[npt.NDArray[np.uint8]] = []
        skipped: dict[Path, str] = {}
        for file in files[start : start + batch_size]:
            try:
                pixels.append(fit_square(decode_image(file), trained.px))
                good.append(file)
            except UserError as error:
                skipped[file] = str(error)
        empty = np.zeros((0, trained.px, trained.px, 3), np.uint8)
        yield good, predict(trained, np.stack(pixels) if pixels else empty), skipped


def list_images(path: Path) -> list[Path]:
    """`path` itself, or the images below it, in order.

    Raises:
        UserError: There are none.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise UserError(f"{path} was not found; give an image or a folder of images.")
    found = [path / name for name in list_image_files(path)]
    if not found:
        raise UserError(f"{path} holds no image; give a folder with jpg, png, bmp or tif files.")
    return found


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
    write_tensors(path / runs.NEIGHBOURS, content)


def read_neighbours(path: Path) -> Neighbours:
    """What `write_neighbours` wrote.

    Raises:
        UserError: The file is missing or damaged.
    """
    file = path / runs.NEIGHBOURS
    try:
        content = load_file(file)
        embeddings = content["embeddings"].astype(np.float32)
        distances = content["distances"]
    except FileNotFoundError:
        raise UserError(f"{file} is missing; train the run again.") from None
    except (OSError, SafetensorError, KeyError) as error:
        raise UserError(f"{file} is damaged; train the run again.") from error
    return Neighbours(tuple(runs.read_split(path).ids("train")), embeddings, distances)


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
