"""What is cheap to find out, in a few words; shares by hand on a map of four entries."""

import numpy as np
import numpy.typing as npt
import pytest

from xai.attribution import Attribution
from xai.say.evidence import share_on_cells
from xai.say.findings import describe_all_masked, describe_cell_share, describe_masked

LABELS = np.zeros((8, 8), np.int16)
LABELS[:4, :2] = 1  # half of the upper left quarter


def a_map(values: list[list[float]]) -> Attribution:
    return Attribution(
        values=np.array(values, np.float32), method="hires-cam", target=0, is_signed=True,
        seconds=0.1, forward_passes=1, completeness_gap=None, logit=1.0, baseline_logit=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "share"),
    [
        ([[1, 0], [0, 0]], 0.5),
        ([[1, 1], [1, 1]], 0.125),
        ([[0, 1], [0, 0]], 0.0),
        ([[2, 2], [-9, -9]], 0.25),  # only what is positive counts
        ([[-1, 0], [0, 0]], None),
    ],
)
def test_the_share_of_the_positive_map_on_cells(
    values: list[list[float]], share: float | None
) -> None:
    found = share_on_cells(a_map(values), LABELS)

    assert found == (None if share is None else pytest.approx(share))


def test_the_share_stands_beside_that_of_the_area() -> None:
    assert (
        describe_cell_share(a_map([[1, 0], [0, 0]]), LABELS) == "50 % on cells (12 % of the area)"
    )
    assert describe_cell_share(a_map([[1, 0], [0, 0]]), np.zeros((8, 8), np.int16)) == ""
    assert describe_cell_share(a_map([[-1, 0], [0, 0]]), LABELS) == ""


def odds(*values: float) -> npt.NDArray[np.float32]:
    return np.array(values, np.float32)


def test_what_is_predicted_without_cells_is_said_in_a_few_words() -> None:
    classes = ("Benign", "Early")

    assert describe_masked(odds(0.99, 0.01), classes, "Benign") == "cells masked: still 99 %"
    assert describe_masked(odds(0.2, 0.8), classes, "Benign") == "cells masked: Early 80 %"


def test_models_that_need_no_cell_are_counted() -> None:
    stays, changes = (odds(0.9, 0.1), odds(0.8, 0.2)), (odds(0.9, 0.1), odds(0.3, 0.7))

    assert describe_all_masked([]) == ""
    assert describe_all_masked([stays]) == (
        "With all cells masked the predicted class stays the same."
    )
    assert describe_all_masked([stays, changes, stays]) == (
        "With all cells masked 2 of 3 models still predict the same class, from the background "
        "alone."
    )
    assert describe_all_masked([changes, changes]) == (
        "With all cells masked none of 2 models predicts the same class."
    )
