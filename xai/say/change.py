"""The sentence on how a perturbation changed a prediction."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from modelzoo.text import percent


def describe_change(
    before: npt.NDArray[np.floating[Any]],
    after: npt.NDArray[np.floating[Any]],
    classes: Sequence[str],
) -> str:
    """How a perturbation changed the prediction, in one sentence.

    "The probability of Pro falls from 97 % to 41 %; the predicted class changes to Early."

    Args:
        before: (K,) probabilities of the image as it was.
        after: (K,) probabilities of the perturbed image.
        classes: The K names.
    """
    old, new = int(before.argmax()), int(after.argmax())
    low, high = (percent(float(each[old]), 0) for each in (before, after))
    if low == high:
        change = f"stays at {high}"
    else:
        change = f"{'falls' if after[old] < before[old] else 'rises'} from {low} to {high}"
    predicted = f"{'stays' if new == old else 'changes to'} {classes[new]}"
    return f"The probability of {classes[old]} {change}; the predicted class {predicted}."
