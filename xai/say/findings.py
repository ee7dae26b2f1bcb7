"""What is cheap to find out about a prediction and its map, in a few words each."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from modelzoo.text import percent
from xai.attribution import Attribution
from xai.say.evidence import share_on_cells
from xai.types import Labels

Probabilities = npt.NDArray[np.float32]


def describe_cell_share(attribution: Attribution, labels: Labels) -> str:
    """How much of a map lies on cells beside how much of the image they are; empty: neither.

    "9 % on cells (9 % of the area)": a map that does not depend on the cells has about
    the second share there.
    """
    share = share_on_cells(attribution, labels) if labels.any() else None
    if share is None:
        return ""
    area = percent(float((labels > 0).mean()), 0)
    return f"{percent(share, 0)} on cells ({area} of the area)"


def describe_masked(masked: Probabilities, classes: Sequence[str], predicted: str) -> str:
    """What is predicted with all cells inpainted: "cells masked: still 99 %".

    Args:
        masked: (K,) probabilities with all cells inpainted.
        classes: The K names.
        predicted: The class predicted for the image as it is.
    """
    now = classes[int(masked.argmax())]
    share = percent(float(masked.max()), 0)
    return f"cells masked: still {share}" if now == predicted else f"cells masked: {now} {share}"


def describe_all_masked(pairs: Sequence[tuple[Probabilities, Probabilities]]) -> str:
    """For how many models the predicted class stays with all cells inpainted; empty: no pairs.

    Args:
        pairs: Of each model, probabilities (K,) as the image is and with all cells inpainted.
    """
    if not pairs:
        return ""
    stays = sum(int(before.argmax()) == int(after.argmax()) for before, after in pairs)
    if len(pairs) == 1:
        verb = "stays the same" if stays else "changes"
        return f"With all cells masked the predicted class {verb}."
    return (
        f"With all cells masked {stays} of {len(pairs)} models still predict the same class, "
        "from the background alone."
        if stays
        else f"With all cells masked none of {len(pairs)} models predicts the same class."
    )
