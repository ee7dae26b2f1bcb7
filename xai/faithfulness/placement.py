"""Whether a map scores better than copies of itself moved elsewhere. No files, no pages.

A random map of another smoothness, or with other values, scores otherwise for that alone: masks of
fine grain change predictions soonest. A copy of the map itself differs in its place only, so that
the rank among copies says whether the place matters (a randomisation test, Hemerik and Goeman 2018,
doi 10.1007/s11749-017-0571-1). The moves form a group: if all places were alike, each would be the
best equally often, whatever the network, the image and the map, and no draw decides.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from xai.faithfulness.deletion import enlarge
from xai.faithfulness.report import Placement, Quality
from xai.faithfulness.table import MEASURES
from xai.types import Floats

PLACES = 5  # a side
ROUNDING = 6  # decimals of areas: what differs less is the same


def moved_copies(values: Floats, size: Sequence[int]) -> list[Floats]:
    """The map at every other of PLACES x PLACES places: 24 maps (H, W), >= 0.

    Rows and columns are moved by fifths of the image's side; what leaves it comes back on the other
    side.

    Args:
        values: (h, w), of which only the positive ones count.
        size: H and W of the image.
    """
    whole = enlarge(values, size).double().numpy()
    down, right = (
        [round(place * side / PLACES) for place in range(PLACES)] for side in whole.shape
    )
    return [np.roll(whole, (row, column), (0, 1)) for row in down for column in right][1:]


def place_map(
    own: Quality, copies: Sequence[Quality], counting: Sequence[str]
) -> Mapping[str, Placement]:
    """How a map ranks among its moved copies on each measure that can distinguish maps.

    p is (1 + copies at least as good) / (1 + copies) (Phipson and Smyth 2010). With two measures a
    copy counts as good as the better of its two standardised scores, so that the smaller p is right
    for both together (single-step maxT, Westfall and Young 1993).

    Args:
        own: Of the map.
        copies: At least one.
        counting: `insertion`, `deletion` or both.
    """
    if not counting:
        return {}
    scores = np.array(
        [
            [_upward(getattr(each, measure), measure) for each in (own, *copies)]
            for measure in counting
        ]
    )  # (M, 1 + copies), higher is better
    spread = scores.std(axis=1, keepdims=True)
    standardised = (scores - scores.mean(axis=1, keepdims=True)) / np.where(spread, spread, 1)
    best = standardised.max(axis=0)
    return {
        measure: Placement(
            beaten=int((of_measure < of_measure[0]).sum()),
            copies=len(copies),
            p=float((best >= each[0] - 1e-9).mean()),
        )
        for measure, of_measure, each in zip(counting, scores, standardised, strict=True)
    }


def _upward(area: float, measure: str) -> float:
    return round(area if MEASURES[measure].up_is_better else -area, ROUNDING)
