"""A data set of synthetic blood smears, for machines without data. No torch, no real image."""

import csv
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from modelzoo.datasets.synthetic.drawing import Shortcut, Smear, draw_field, draw_smear
from modelzoo.datasets.synthetic.slides import KINDS, Slide, draw_slide
from modelzoo.errors import UserError
from modelzoo.files import make_folder

__all__ = [
    "KINDS",
    "Shortcut",
    "Slide",
    "Smear",
    "draw_slide",
    "draw_smear",
    "read_masks",
    "write_smears",
]

IMAGES_PER_SLIDE = 4
# Of the images, how many are cut from a field that another one shows too; all_pbs: 0.39. A slide's
# last image has no partner left, so it is a little less.
OVERLAPPING = 0.4
MASKS = ".masks"  # hidden, so that it is no class
TABLE = "slides.csv"  # can be opened in place of the folder: its groups are the slides
README = """These images are synthetic: drawn by BlastLens, from no person and no microscope.

The four folders are named as in the ALL image data set so that the same pages work; the drawn cells
differ in nucleus size, nuclear share, chromatin and number. Not for diagnosis, nor for any claim.
slides.csv names each image's slide (as its group) and place; .masks/ holds its cells and nuclei.
"""


def write_smears(
    folder: Path,
    *,
    images_per_class: int = 60,
    seed: int = 0,
    px: int = 224,
    shortcut: Shortcut = "none",
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """A data set `<folder>/<class>/<class>_NNN.jpg` with its masks, written whole or not at all.

    A slide belongs to one class, as a patient would, and has up to four images; its stain and light
    are drawn without knowing the class. So colour says little of the class of a slide never seen,
    but a split that parts a slide's images lets a model know its class by the slide. Some images
    are cut from one field and overlap.

    Args:
        folder: New or empty.
        images_per_class: At least 1.
        seed: Same seed, same bytes.
        px: Side of an image.
        shortcut: As in `draw_smear`.
        progress: Called with images done and images in all.

    Raises:
        UserError: The folder has other content or cannot be written, or there is nothing to draw.
    """
    if images_per_class < 1:
        raise UserError(f"{images_per_class} images a class were asked for; give at least 1.")
    _require_free(folder)
    total = images_per_class * len(KINDS)
    rows = []
    with _replacing_folder(folder) as temporary:
        for label in KINDS:
            make_folder(temporary / label)
            make_folder(temporary / MASKS / label)
            for number, (smear, place) in enumerate(
                _draw_class(label, images_per_class, seed, px, shortcut)
            ):
                image_id = f"{label}/{label}_{number:03d}.jpg"
                Image.fromarray(smear.pixels).save(temporary / image_id, quality=95)
                np.savez_compressed(
                    _mask_path(temporary, image_id), cells=smear.cells, nuclei=smear.nuclei
                )
                rows.append([image_id, label, smear.slide, *place])
                if progress:
                    progress(len(rows), total)
        (temporary / "README.txt").write_text(README, encoding="utf-8")
        with (temporary / TABLE).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows(
                [["path", "label", "group", "field", "y", "x"], *rows]
            )


def read_masks(folder: Path, image_id: str) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.bool_]]:
    """Cells and nuclei of one image that `write_smears` wrote, as in `Smear`.

    Raises:
        UserError: There are none.
    """
    path = _mask_path(folder, image_id)
    if not path.is_file():
        raise UserError(
            f"{image_id} has no masks in {folder / MASKS}; only synthetic smears come with masks."
        )
    with np.load(path) as masks:
        return masks["cells"], masks["nuclei"]


def _mask_path(folder: Path, image_id: str) -> Path:
    return (folder / MASKS / image_id).with_suffix(".npz")


def _require_free(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(
            f"{folder} is not empty, and synthetic smears replace nothing; "
            "give a new folder, or remove this one first."
        )


@contextmanager
def _replacing_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder beside `folder`, which takes its place when the block ends well."""
    temporary = make_folder(folder.parent) / f".{folder.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}"
    try:
        yield temporary
        temporary.replace(folder)  # only ever onto nothing or an empty folder
    except OSError as error:
        raise UserError(
            f"{folder} could not be written ({error.strerror or error}), and nothing of it is kept;"
            " give a new folder that may be written to, on a disk with space."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _draw_class(
    label: str, images: int, seed: int, px: int, shortcut: Shortcut
) -> Iterator[tuple[Smear, tuple[str, int, int]]]:
    """Each image of a class with its field's name and its place (y, x) on that, in pixels."""
    drawn = 0
    while drawn < images:
        on_slide = drawn % IMAGES_PER_SLIDE
        number = drawn // IMAGES_PER_SLIDE * len(KINDS) + list(KINDS).index(label)
        slide = draw_slide(np.random.default_rng([seed, number]), number=number)
        rng = np.random.default_rng([seed, number, on_slide])
        room = min(IMAGES_PER_SLIDE - on_slide, images - drawn)
        # A pair is two images: half the chance makes the share.
        is_pair = room > 1 and rng.random() < OVERLAPPING / (2 - OVERLAPPING)
        corners = [(0, 0), _shift(rng, px)] if is_pair else [(0, 0)]
        for smear, corner in zip(
            draw_field(rng, label, slide, px, corners, shortcut), corners, strict=True
        ):
            yield smear, (f"{number}.{on_slide}", *corner)
        drawn += len(corners)


def _shift(rng: np.random.Generator, px: int) -> tuple[int, int]:
    """How far the stage moved: the common area is 0.25 to 0.64 of an image."""
    down, right = rng.uniform(0.2, 0.5, 2)
    return round(down * px), round(right * px)
