"""Decoded pixels, once, memory-mapped. Knows data sets and files, not what pixels are for."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt

from modelzoo.datasets.dataset import Dataset, Image
from modelzoo.datasets.images import decode_image, fit_square
from modelzoo.errors import UserError
from modelzoo.files import make_folder, replacing, write_text
from modelzoo.parallel import Progress, report_progress, worker_threads

VERSION = 2  # of how a file becomes pixels; a new one leaves old stores behind
_CHUNK_IMAGES = 128  # 19 MB at 224 px wait in memory to be written


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single answer to ==
class Pixels:
    """The pixels of a data set's images, in the order of their ids."""

    ids: tuple[str, ...]
    values: npt.NDArray[np.uint8]  # (N, input_px, input_px, 3) RGB, memory-mapped, read-only


def open_pixels(
    dataset: Dataset, *, input_px: int, store: Path, progress: Progress | None = None
) -> Pixels:
    """The pixels of `dataset`, from `store` where they are there and sound, else decoded anew.

    A file is known by the hash of the data set and by `input_px`, so moved data are not decoded
    again. It is trusted when shape, ids and checksum hold. Processes that build the same at once
    write the same bytes, each file whole or not at all.

    Args:
        dataset: From `open_dataset`.
        input_px: Side of the squares, which keep the whole shorter side of each image.
        store: Where results that can be made again are kept.
        progress: Called now and then with the images decoded and how many there are.

    Raises:
        UserError: An image has changed or gone since the data set was opened, or the disk is full.
    """
    file = _pixels_path(dataset, input_px, store)
    shape = (len(dataset.images), input_px, input_px, 3)
    if not _is_sound(file, dataset.ids):
        make_folder(file.parent)
        checksum = _build(file, dataset, shape, progress)
        seal = {"ids": _ids_hash(dataset.ids), "sha256": checksum}
        write_text(_seal_path(file), json.dumps(seal))
    values = np.load(file, mmap_mode="r")
    assert values.shape == shape
    return Pixels(dataset.ids, values)


def count_bytes(dataset: Dataset, *, input_px: int, store: Path) -> int:
    """Bytes that `open_pixels` will write: none where a file of that name is there."""
    file = _pixels_path(dataset, input_px, store)
    return 0 if file.exists() else len(dataset.images) * input_px**2 * 3


def _pixels_path(dataset: Dataset, input_px: int, store: Path) -> Path:
    return store / "pixels" / f"{dataset.pixels_id}-{input_px}px-v{VERSION}.npy"


def _is_sound(file: Path, ids: tuple[str, ...]) -> bool:
    """Whether the file is whole and holds these images."""
    try:
        seal = json.loads(_seal_path(file).read_text(encoding="utf-8"))
        # The checksum covers the header, and with it the shape.
        return bool(seal == {"ids": _ids_hash(ids), "sha256": _checksum(file)})
    except (OSError, ValueError):
        return False


def _seal_path(file: Path) -> Path:
    """What says that `file` is whole; written after it."""
    return file.with_suffix(".json")


def _build(file: Path, dataset: Dataset, shape: tuple[int, ...], progress: Progress | None) -> str:
    """Decode every image into `file`; its checksum."""
    header = BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )
    digest = hashlib.sha256(header.getvalue())
    # Written in order, not through a memory map: there a full disk would kill the process.
    with replacing(file) as temporary, temporary.open("wb") as out:
        out.write(header.getvalue())
        for done, pixels in enumerate(_decode_images(dataset, shape[1]), start=1):
            out.write(pixels.data)
            digest.update(pixels.data)
            report_progress(progress, done, len(dataset.images))
    return digest.hexdigest()


def _decode_images(dataset: Dataset, input_px: int) -> Iterator[npt.NDArray[np.uint8]]:
    """(input_px, input_px, 3) of each image in order, decoded by all cores."""
    depth = dataset.depth
    with worker_threads() as pool:
        for first in range(0, len(dataset.images), _CHUNK_IMAGES):
            chunk = dataset.images[first : first + _CHUNK_IMAGES]
            yield from pool.map(
                lambda image: _decode(dataset.path(image.id), image, input_px, depth), chunk
            )


def _decode(path: Path, image: Image, input_px: int, depth: int) -> npt.NDArray[np.uint8]:
    """The pixels of one image, when its content is still what was opened."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"{path} has gone since the data set was opened; open the data set again."
        ) from error
    if hashlib.sha256(content).hexdigest() != image.sha256:
        raise UserError(
            f"{path} has changed since the data set was opened; open the data set again."
        )
    return fit_square(decode_image(content, name=str(path), depth=depth), input_px)


def _ids_hash(ids: tuple[str, ...]) -> str:
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()


def _checksum(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
