"""Shapley values per cell, in words."""

import numpy as np

from modelzoo.text import percent
from xai.smear.cell_shapley import CellAttribution
from xai.smear.place import place_of
from xai.types import Labels


def describe_cells(found: CellAttribution, labels: Labels, target_name: str) -> str:
    """What the cells and the background contribute to a logit, and which cell most.

    Args:
        found: Of the image.
        labels: (H, W) of its cells.
        target_name: The class explained.
    """
    cells, background = float(found.values.sum()), found.background
    said = [
        f"Of {found.logit - found.baseline_logit:+.2f} logits for {target_name}, the cells "
        f"contribute {cells:+.2f} and the background {background:+.2f}."
    ]
    whole = cells + background
    if 2 * background > whole > 0:
        said.insert(
            0, f"The background contributes more to the logit of {target_name} than all cells."
        )
    if 2 * background < whole < 0:
        said.insert(0, f"The background lowers the logit of {target_name} more than all cells do.")
    most = int(np.abs(found.values).argmax())
    said.append(
        f"Cell {most + 1} ({place_of(labels, most + 1)}) contributes most: "
        f"{found.values[most]:+.2f}; without it alone the probability of {target_name} goes from "
        f"{percent(found.probability, 0)} to "
        f"{percent(float(found.probability_without[most]), 0)}."
    )
    if found.standard_error is not None:
        said.append(f"The standard error of a value is about {found.standard_error:.2f} logits.")
    return " ".join(said)
