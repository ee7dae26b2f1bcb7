"""What a run predicts for one image, as it is or perturbed."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelzoo.inference.neighbours import Neighbour, nearest_images
from modelzoo.inference.trained import LoadedRun, predict
from xai.smear.segment import WORK_PX, Cells, segment_cells
from xai.types import Rgb


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single answer to ==
class ImagePrediction:
    """What one run predicts for one image."""

    probabilities: npt.NDArray[np.float32]  # (K,), sum to 1
    ood_percentile: float  # [0, 100], how far from the training images
    embedding: npt.NDArray[np.float32]  # (D,), the input of the classifier

    @property
    def predicted(self) -> int:
        """Index of the class with the highest probability."""
        return int(self.probabilities.argmax())


def predict_image(run: LoadedRun, pixels: Rgb) -> ImagePrediction:
    """What `run` predicts for `pixels` (px, px, 3) uint8."""
    batch = predict(run, pixels[None])
    return ImagePrediction(
        batch.probabilities[0], float(batch.ood_percentile[0]), batch.embeddings[0]
    )


def predict_perturbed(
    run: LoadedRun, pixels: Rgb, cells: Cells, change: Callable[[Rgb, Cells], Rgb]
) -> npt.NDArray[np.float32]:
    """Probabilities (K,) for the image after `change`.

    Args:
        run: Opened.
        pixels: (px, px, 3) uint8, at the input size of the run.
        cells: Of the image, at any size.
        change: Of the pixels, with the cells at the same size.
    """
    return predict_image(run, change(pixels, cells.resized(run.px))).probabilities


def find_neighbours(run: LoadedRun, pixels: Rgb) -> list[Neighbour]:
    """The training images of `run` nearest to the image, nearest first."""
    return nearest_images(run.neighbours, predict_image(run, pixels).embedding)


def find_cells(pixels_at: Callable[[int], Rgb], px: int) -> Cells:
    """The nucleated cells of an image at `px` a side, segmented where they are sharp.

    Args:
        pixels_at: The image at a side in pixels, as `read_pixels` gives it.
        px: Side of the result.
    """
    return segment_cells(pixels_at(max(px, WORK_PX))).resized(px)
