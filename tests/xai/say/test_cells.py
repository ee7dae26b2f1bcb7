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
