"""Sentences on the Shapley values of cells."""

import numpy as np

from modelzoo.text import percent
from xai.smear.cell_shapley import CellAttribution
from xai.smear.place import place_of
from xai.types import Labels


def describe_cells(attribution: CellAttribution, labels: Labels, target_name: str) -> str:
    """What the cells and the background contribute to a logit, and which cell most.

    Args:
        attribution: Of the image.
        labels: (H, W) of its cells.
        target_name: The class explained.
    """
    if not attribution.is_shapley:
        return _describe_left_out(attribution, labels, target_name)
    values, background = attribution.values, attribution.background
    cells = float(values.sum())
    difference = attribution.logit - attribution.baseline_logit
    sentences = [
        f"Of {difference:+.2f} logits for {target_name}, the cells "
        f"contribute {cells:+.2f} and the background {background:+.2f}."
    ]
    whole = cells + background
    if 2 * background > whole > 0:
        sentences.insert(
            0, f"The background contributes more to the logit of {target_name} than all cells."
        )
    if 2 * background < whole < 0:
        does = "all cells do" if cells < 0 else "all cells raise it"
        sentences.insert(0, f"The background lowers the logit of {target_name} more than {does}.")
    sentences.append(_describe_largest(attribution, labels, target_name))
    if attribution.standard_error is not None:
        sentences.append(
            f"The standard error of a value is about {attribution.standard_error:.2f} logits."
        )
    return " ".join(sentences)


def _describe_left_out(attribution: CellAttribution, labels: Labels, target_name: str) -> str:
    raising = int((attribution.values > 0).sum())
    return (
        f"{raising} of {len(attribution.values)} cells, each left out alone, raise the logit of "
        f"{target_name}; the background, left out alone, changes it by "
        f"{attribution.background:+.2f}. "
        f"{_describe_largest(attribution, labels, target_name)}"
    )


def _describe_largest(attribution: CellAttribution, labels: Labels, target_name: str) -> str:
    most = int(np.abs(attribution.values).argmax())
    return (
        f"Cell {most + 1} ({place_of(labels, most + 1)}) has the largest absolute value: "
        f"{attribution.values[most]:+.2f}; without it alone the probability of {target_name} goes "
        f"from {percent(attribution.probability, 0)} to "
        f"{percent(float(attribution.probability_without[most]), 0)}."
    )
