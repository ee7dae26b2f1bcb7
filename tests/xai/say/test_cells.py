"""Who contributes most to a logit, in words: the net sums and their signs decide."""

import numpy as np
import pytest

from xai.say.cells import describe_cells
from xai.smear.cell_shapley import CellAttribution

LABELS = np.repeat([[1, 2, 0]], 3, axis=0)
MORE, LOWERS = "The background contributes more", "The background lowers"


@pytest.mark.parametrize(
    ("cells", "background", "start"),
    [
        ((1.0, 1.0), -6.0, LOWERS),  # against the class: it carries no decision for it
        ((2.45, -2.55), 4.0, MORE),  # of +3.9, though the cells' absolute values sum to 5
        ((1.5, 1.5), 2.0, None),
        ((1.5, 1.5), -2.0, None),  # the whole is for the class, by its cells alone
        ((-3.0, -3.0), 2.0, None),
        ((-3.0, -3.0), -2.0, None),
        ((0.0, 2.0), 2.0, None),  # as much is not more
    ],
)
def test_the_background_is_named_where_it_is_most_of_the_whole_with_its_sign(
    cells: tuple[float, float], background: float, start: str | None
) -> None:
    found = CellAttribution(
        values=np.array(cells), background=background, target=0,
        logit=sum(cells) + background, baseline_logit=0.0, probability=0.9,
        probability_without=np.array([0.8, 0.7]), forward_passes=10, seconds=1.0,
        standard_error=None,
    )  # fmt: skip

    said = describe_cells(found, LABELS, "Pro")

    assert said.startswith(start or "Of ")
    assert (MORE in said, LOWERS in said) == (start == MORE, start == LOWERS)


def test_cells_left_out_alone_are_not_said_to_share_the_logit() -> None:
    found = CellAttribution(
        values=np.array([0.5, -0.25]), background=3.0, target=0, logit=4.0, baseline_logit=0.0,
        probability=0.9, probability_without=np.array([0.8, 0.95]), forward_passes=5, seconds=1.0,
        standard_error=None, is_shapley=False,
    )  # fmt: skip

    assert describe_cells(found, LABELS, "Pro") == (
        "1 of 2 cells, each left out alone, raise the logit of Pro; the background, left out "
        "alone, changes it by +3.00. Cell 1 (left) has the largest absolute value: +0.50; without "
        "it alone the probability of Pro goes from 90 % to 80 %."
    )
