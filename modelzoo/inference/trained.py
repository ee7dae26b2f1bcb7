"""A trained run, loaded, and its predictions for pixels, an image or a folder."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from modelzoo.backbones.backbone import Backbone
from modelzoo.backbones.saved import read_backbone
from modelzoo.datasets.fields import MOST_FIELDS, Field, count_fields, cut_field, place_fields
from modelzoo.datasets.images import (
    ImageError,
    count_tiles,
    cut_tile,
    fit_square,
    share_outside,
)
from modelzoo.errors import UserError
from modelzoo.inference.decoding import decode_all
from modelzoo.inference.ensemble import Ensemble
from modelzoo.inference.neighbours import Neighbours, ood_percentile, read_neighbours
from modelzoo.runs.ensembles import EnsembleRecord, read_ensemble, require_members
from modelzoo.runs.file_names import MODEL, NEIGHBOURS
from modelzoo.runs.folder import Run, read_run
from modelzoo.runs.hashes import hash_model
from modelzoo.runs.records import read_data


@dataclass(frozen=True, slots=True, eq=False)
class LoadedRun:
    """A run, ready to predict."""

    run: Run
    backbone: Backbone | Ensemble  # in evaluation mode; shared, never changed
    classes: tuple[str, ...]
    px: int
    neighbours: Neighbours
    depth: int = 0  # bits in use in the files of 16 bits that it was trained on; 0: there were none


@dataclass(frozen=True, slots=True, eq=False)
class PredictionBatch:
    """What a trained run says of some images."""

    logits: npt.NDArray[np.float32]  # (N, K)
    probabilities: npt.NDArray[np.float32]  # (N, K)
    ood_percentile: npt.NDArray[np.float32]  # (N,), percentile in [0, 100]
    embeddings: npt.NDArray[np.float32]  # (N, D), the inputs of the classifier


def load_run(path: Path, device: str = "cpu") -> LoadedRun:
    """The run in folder `path`, ready to predict.

    Raises:
        UserError: It is no run, is not trained yet, or a file is missing or damaged.
    """
    run = read_run(path)
    if not run.has_model:
        raise UserError(f"Run {run.id!r} has no trained model yet; wait for it or resume it.")
    backbone: Backbone | Ensemble
    if record := read_ensemble(path):
        backbone, classes, px = _load_members(path, record, device)
    else:
        backbone, classes, px = read_backbone(path, device)
    neighbours = read_neighbours(path)
    if neighbours.embeddings.shape[1] != backbone.classifier.in_features:
        raise UserError(f"{path / NEIGHBOURS} does not fit {MODEL} beside it; train the run again.")
    return LoadedRun(run, backbone, classes, px, neighbours, read_data(path).depth)


def _load_members(
    path: Path, record: EnsembleRecord, device: str
) -> tuple[Ensemble, tuple[str, ...], int]:
    """The ensemble in folder `path`, its classes and the side of its input in pixels.

    Raises:
        UserError: A member is gone, damaged, or was trained again since.
    """
    members, read = [], None
    for folder, sha256 in zip(require_members(path, record), record.sha256, strict=True):
        if hash_model(folder) != sha256:
            raise UserError(
                f"{folder.name}, a member of the ensemble {path.name}, was trained again since; "
                "make the ensemble again."
            )
        backbone, classes, px = read_backbone(folder, device)
        if read not in (None, (classes, px)):
            raise UserError(
                f"{folder.name}, a member of the ensemble {path.name}, has other classes or "
                "another input size than the others; make the ensemble again."
            )
        read = classes, px
        members.append(backbone)
    assert read
    return Ensemble(members, record.weights).eval().to(device), *read


def predict(trained: LoadedRun, pixels: npt.NDArray[np.uint8]) -> PredictionBatch:
    """What `trained` says of `pixels` (N, px, px, 3) uint8, in one forward pass."""
    backbone = trained.backbone
    device = next(backbone.parameters()).device
    with torch.inference_mode():
        images = backbone.normalise(torch.from_numpy(pixels).to(device))
        embedded = backbone.embed(backbone.features(images))
        logits = backbone.classifier(embedded).float().cpu()
    embeddings = as_embeddings(backbone, embedded)
    return PredictionBatch(
        logits.numpy(),
        logits.softmax(dim=1).numpy(),
        ood_percentile(embeddings, trained.neighbours),
        embeddings,
    )


def as_embeddings(backbone: Backbone | Ensemble, embedded: torch.Tensor) -> npt.NDArray[np.float32]:
    """What images are compared by, (N, D) float32, of the inputs (N, D) of the last layer.

    Of an ensemble each member's part is of length 1, as its stored neighbours are: else members
    would count by the size of their features.
    """
    if isinstance(backbone, Ensemble):
        embedded = backbone.classifier.unit_parts(embedded)
    return embedded.float().cpu().numpy()


@dataclass(frozen=True, slots=True)
class Piece:
    """A square of an image file that was predicted, or the file that could not be read."""

    file: Path
    tile: str = ""  # "2 of 3" of the squares that cover the image; "" for the middle one
    outside: float = 0.0  # share of the image's area outside the middle square, [0, 1)
    reason: str = ""  # why it could not be read
    size: tuple[int, int] = (0, 0)  # of the image, width and height in pixels
    field: Field | None = None  # of an image that is cut into fields
    is_last: bool = True  # of its file


Square = tuple[Piece, npt.NDArray[np.uint8] | None]  # (px, px, 3); None where it is no image


def predict_files(
    trained: LoadedRun,
    files: Sequence[Path],
    *,
    tiles: bool = False,
    field_px: int = 0,
    batch_size: int = 16,
) -> Iterator[tuple[list[Piece], PredictionBatch]]:
    """Predictions of image files, a batch at a time, so that a folder may be of any size.

    Args:
        trained: The run.
        files: Of images.
        tiles: Predict all squares that cover an image, and not the middle one.
        field_px: Cut large images into fields with this side, as `place_fields` does; 0: none.
        batch_size: Squares in one forward pass.

    Yields:
        Pieces in the order of the files, and the predictions of those that have no reason.
    """
    decoded = decode_all(files, depth=trained.depth, threads=torch.get_num_threads())
    squares = (
        square
        for file, image in decoded
        for square in open_squares(file, image, trained.px, tiles=tiles, field_px=field_px)
    )
    while batch := list(islice(squares, batch_size)):
        pixels = [each for _, each in batch if each is not None]
        empty = np.zeros((0, trained.px, trained.px, 3), np.uint8)
        yield [piece for piece, _ in batch], predict(trained, np.stack(pixels) if pixels else empty)


def open_squares(
    file: Path, image: Image.Image | UserError, px: int, *, tiles: bool = False, field_px: int = 0
) -> Iterator[Square]:
    """The squares of one file that are predicted, each (px, px, 3) uint8; None: it is no image."""
    if not isinstance(image, UserError) and count_fields(image.size, field_px) > MOST_FIELDS:
        image = ImageError(str(file), f"it has more than {MOST_FIELDS:,} fields of {field_px} px")
    if isinstance(image, UserError):
        yield Piece(file, reason=str(image)), None
        return
    outside = share_outside(*image.size)
    if fields := place_fields(image.size, field_px):
        for field in fields:
            piece = Piece(file, "", 0.0, "", image.size, field, field is fields[-1])
            yield piece, fit_square(cut_field(image, field), px)
        return
    number = count_tiles(*image.size) if tiles else 1
    if number == 1:
        yield Piece(file, "", outside, "", image.size), fit_square(image, px)
        return
    for tile in range(1, number + 1):
        piece = Piece(file, f"{tile} of {number}", outside, "", image.size, None, tile == number)
        yield piece, fit_square(cut_tile(image, tile, number), px)
