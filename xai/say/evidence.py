"""Sentences on an attribution map."""

import numpy as np
import numpy.typing as npt

from modelzoo.text import percent
from xai.attribution import Attribution
from xai.draw.scale import overlap_shares, sum_into_cells
from xai.methods.table import METHODS
from xai.smear.place import places_of
from xai.types import Labels

NEARLY_CANCELS = 0.05  # the sum of positive and negative attribution, as a share of their sizes


def describe_evidence(
    attribution: Attribution, target_name: str, labels: Labels | None = None
) -> str:
    """Where the attribution lies and how much it is, in sentences computed from what is drawn.

    Args:
        attribution: What is described.
        target_name: The class it explains.
        labels: (H, W) int, the image's cells, 0 outside; given, the sentences are on cells
            and not on quarters of the image.
    """
    if attribution.is_empty:
        return (
            f"No positive attribution for {target_name}: the map is 0 everywhere, so nothing is "
            "drawn."
        )
    fields = sum_into_cells(attribution)
    sentences = []
    if labels is not None and labels.any():
        sentences += _describe_by_cells(fields, target_name, attribution, labels)
    else:
        sentences += [] if labels is None else ["No nucleated cells were found."]
        sentences += _describe_by_quarters(fields, target_name, attribution)
    if (
        attribution.is_signed
        and METHODS[attribution.method].is_class_specific
        and abs(fields.sum()) < NEARLY_CANCELS * np.abs(fields).sum()
    ):
        total = _amount(fields.sum(), attribution, "+")
        sentences.append(f"The two nearly cancel: their sum is {total}.")
    return " ".join(sentences)


def share_on_cells(attribution: Attribution, labels: Labels) -> float | None:
    """The share of the positive attribution, [0, 1], that lies on cells; None: there is none.

    Args:
        attribution: The map.
        labels: (H, W) int, the image's cells, 0 outside.
    """
    positive = np.maximum(sum_into_cells(attribution), 0)
    if not positive.any():
        return None
    by_label = _sum_by_label(positive, labels)
    return float(by_label[1:].sum() / by_label.sum())


def _describe_by_quarters(
    fields: npt.NDArray[np.float64], target_name: str, attribution: Attribution
) -> list[str]:
    """A sentence for the attribution, or one for each sign."""
    sentences = []
    for part, sign in _by_sign(fields):
        amount = f" ({_amount(part.sum(), attribution)})"
        if attribution.unit == "share" and not attribution.is_signed:
            amount = ""  # always 100 %
        sentences.append(f"{_where(part)} of {_what(attribution, target_name, sign)}{amount}.")
    return sentences


def _describe_by_cells(
    fields: npt.NDArray[np.float64], target_name: str, attribution: Attribution, labels: Labels
) -> list[str]:
    """A sentence on the share on cells and the cell with the largest, or one for each sign."""
    covered = f", which cover {percent(float((labels > 0).mean()), 0)} of the image"
    sentences = []
    for part, sign in _by_sign(fields):
        in_cells = _sum_by_label(part, labels)
        inside = in_cells[1:].sum() / in_cells.sum()
        what = _what(attribution, target_name, sign)
        sentence = f"{percent(float(inside), 0)} of {what} lies on nucleated cells{covered}"
        covered = ""  # once is enough
        if inside > 0:
            largest = _name_cell(int(in_cells[1:].argmax()) + 1, labels)
            sentence += f"; the largest share on {largest}"
        sentences.append(f"{sentence}.")
    return sentences


def _what(attribution: Attribution, target_name: str, sign: str) -> str:
    """What the values of one sign are."""
    if not METHODS[attribution.method].is_class_specific:
        return {"positive": "the strongest pattern", "negative": "its opposite"}[sign]
    if not attribution.is_signed:
        return f"the attribution for {target_name}"
    return f"the {sign} attribution for {target_name}"


def _by_sign(fields: npt.NDArray[np.float64]) -> list[tuple[npt.NDArray[np.float64], str]]:
    """The positive and the negative part of `fields`, both as positive numbers."""
    parts = ((np.maximum(fields, 0), "positive"), (np.maximum(-fields, 0), "negative"))
    return [(part, sign) for part, sign in parts if part.any()]


def _amount(value: float, attribution: Attribution, sign: str = "") -> str:
    """`value` with its unit: "4.00 logits", or "40 % of the map"."""
    if attribution.unit == "logits":
        return f"{value:{sign}.2f} logits"
    return f"{100 * value:{sign}.0f} % of the map"


def _sum_by_label(fields: npt.NDArray[np.float64], labels: Labels) -> npt.NDArray[np.float64]:
    """How much of `fields`, each spread evenly over its area, lies in each label from 0 on."""
    height, width = labels.shape
    spread = (
        overlap_shares(fields.shape[0], height) @ fields @ overlap_shares(fields.shape[1], width).T
    )
    sums: npt.NDArray[np.float64] = np.bincount(labels.ravel(), weights=spread.ravel())  # type: ignore[assignment]  # NumPy's stub forgets the weights
    return sums


def _name_cell(cell: int, labels: Labels) -> str:
    """Where `cell` lies: "the upper left cell", or one of several there."""
    places = places_of(labels)
    if list(places.values()).count(places[cell]) == 1:
        return f"the {places[cell]} cell"
    return f"one of the {places[cell]} cells"


def _where(part: npt.NDArray[np.float64]) -> str:
    """Which quarter of the image holds most of `part`, and how much: "The upper left ... 81 %"."""
    quarters = overlap_shares(part.shape[0], 2) @ part @ overlap_shares(part.shape[1], 2).T
    row, column = divmod(int(quarters.argmax()), 2)
    share = float(quarters[row, column] / quarters.sum())
    name = f"{('upper', 'lower')[row]} {('left', 'right')[column]} quarter"
    if share < 0.4:  # 0.25 would be the same everywhere
        return f"Spread out: the {name} holds the most, {percent(share, 0)},"
    return f"The {name} holds {percent(share, 0)}"
