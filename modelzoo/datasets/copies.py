"""Copies of images that papers train on: their ids and their pixels. Nothing is written.

A copy's id is its original's with what was done to it behind: `Benign/001.jpg::flip-x`. No file has
such a name, because it does not end as an image's does.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

Rgb = npt.NDArray[np.uint8]  # (H, W, 3)

MARK = "::"
# anand2025's three: vertical flip, horizontal flip, a right turn.
TURNED = ("flip-y", "flip-x", "turn-right")
CHANGED = "changed"  # muduli2025's: rotation, shear, zoom, shift and flip at once

_ROTATION = 40.0  # degrees, either way; these five are the paper's ranges
_SHEAR = 0.4
_ZOOM = 0.4
_SHIFT = 0.4


def copy_id(image: str, change: str) -> str:
    """The id of the copy of `image` that `change` makes."""
    return f"{image}{MARK}{change}"


def original_of(image: str) -> str:
    """The id, or the path, of the image that a copy was made of; of no copy, itself."""
    return image.rpartition(MARK)[0] if change_of(image) else image


def original_file(file: Path) -> Path:
    """The file that the pixels of a copy are read from; of no copy, itself."""
    return file.with_name(original_of(file.name))


def change_of(image: str) -> str:
    """What a copy is: one of `TURNED`, or `CHANGED`; empty for no copy."""
    change = image.rpartition(MARK)[2] if MARK in image else ""
    return change if change in _CHANGES else ""


def change_pixels(pixels: Rgb, image: str) -> Rgb:
    """The pixels of the copy whose id or path is `image`, from those of its original.

    Args:
        pixels: (H, W, 3) of the original.
        image: Of the copy; of no copy, the pixels are given back.

    Returns:
        (H, W, 3), (W, H, 3) after a right turn.
    """
    change = change_of(image)
    return _CHANGES[change](pixels, original_of(Path(image).name)) if change else pixels


def fill_classes(
    label_by_image: Mapping[str, str], most: Mapping[str, int], random: np.random.Generator
) -> dict[str, str]:
    """Copies by `TURNED` that fill each class up, as anand2025 balances its classes.

    All vertical flips of a class first, in a random order, then the horizontal ones, then the
    turns; a class that has enough gets none, and no image is turned in one way twice.

    Args:
        label_by_image: Class by id.
        most: How many images each class shall have.
        random: Decides the order.

    Returns:
        Class by id of the copies.
    """
    by_label: dict[str, list[str]] = defaultdict(list)
    for image, label in sorted(label_by_image.items()):
        by_label[label].append(image)
    copies = {}
    for label, images in sorted(by_label.items()):
        order = [images[index] for index in random.permutation(len(images))]
        made = [copy_id(image, change) for change in TURNED for image in order]
        copies.update(dict.fromkeys(made[: max(0, most[label] - len(images))], label))
    return copies


@dataclass(frozen=True, slots=True, eq=False)
class CopiedPixels:
    """The pixels of images and of copies of them, which are made when they are asked for."""

    ids: tuple[str, ...]  # of images and copies
    originals: Rgb  # (N, px, px, 3)
    rows: npt.NDArray[np.int64]  # of the original of each of `ids`

    @property
    def values(self) -> "CopiedPixels":
        """Itself: what is asked for by rows, as the array of `Pixels` is."""
        return self

    @property
    def shape(self) -> tuple[int, ...]:
        """As of an array of all of them."""
        return (len(self.ids), *self.originals.shape[1:])

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, rows: slice | npt.NDArray[np.int64]) -> Rgb:
        """(n, px, px, 3) uint8 of some of `ids`."""
        chosen = np.arange(len(self.ids))[rows]
        found = [change_pixels(self.originals[self.rows[row]], self.ids[row]) for row in chosen]
        return np.stack(found) if found else np.empty((0, *self.shape[1:]), np.uint8)


def add_copies(originals: Rgb, ids: Sequence[str], all_ids: Sequence[str]) -> CopiedPixels:
    """The pixels of `all_ids`, images and copies, from those of the images.

    Args:
        originals: (N, px, px, 3) uint8.
        ids: Of `originals`.
        all_ids: Each one of `ids`, or a copy of one.
    """
    row_by_id = {image: row for row, image in enumerate(ids)}
    rows = np.array([row_by_id[original_of(image)] for image in all_ids], np.int64)
    return CopiedPixels(tuple(all_ids), originals, rows)


def keep_images(
    pixels: Rgb | CopiedPixels, ids: Sequence[str], kept: Sequence[str]
) -> CopiedPixels:
    """The pixels of `kept`, some of `ids`; the others are never read.

    Args:
        pixels: (N, px, px, 3) uint8.
        ids: Of `pixels`.
        kept: Of these, in the order that is wanted.
    """
    row_by_id = {image: row for row, image in enumerate(ids)}
    rows = np.array([row_by_id[image] for image in kept], np.int64)
    if isinstance(pixels, CopiedPixels):
        return CopiedPixels(tuple(kept), pixels.originals, pixels.rows[rows])
    return CopiedPixels(tuple(kept), pixels, rows)


def _change_all(pixels: Rgb, name: str) -> Rgb:
    """One random change by muduli2025's ranges, the same whenever it is made of `name`."""
    seed = int.from_bytes(hashlib.sha256(name.encode(errors="replace")).digest()[:8])
    random = np.random.default_rng(seed)
    angle = np.radians(random.uniform(-_ROTATION, _ROTATION))
    shear = random.uniform(-_SHEAR, _SHEAR)
    zoom = np.diag([*random.uniform(1 - _ZOOM, 1 + _ZOOM, 2), 1.0])
    flip = np.diag([random.choice([-1.0, 1.0]), 1.0, 1.0])
    height, width = pixels.shape[:2]
    centre = np.array([[1, 0, width / 2 - 0.5], [0, 1, height / 2 - 0.5], [0, 0, 1.0]])
    shift = np.eye(3)
    shift[:2, 2] = random.uniform(-_SHIFT, _SHIFT, 2) * (width, height)
    turn = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1.0]]
    )
    slant = np.array([[1, shear, 0], [0, 1, 0], [0, 0, 1.0]])
    matrix = centre @ shift @ turn @ slant @ zoom @ flip @ np.linalg.inv(centre)
    changed = cv2.warpAffine(pixels, matrix[:2], (width, height), borderMode=cv2.BORDER_REPLICATE)
    return changed.astype(np.uint8, copy=False)


_CHANGES: dict[str, Callable[[Rgb, str], Rgb]] = {
    "flip-y": lambda pixels, _: np.ascontiguousarray(pixels[::-1]),
    "flip-x": lambda pixels, _: np.ascontiguousarray(pixels[:, ::-1]),
    "turn-right": lambda pixels, _: np.ascontiguousarray(np.rot90(pixels, -1)),
    CHANGED: _change_all,
}
