"""Agreement of two maps: laws, and in words."""

import numpy as np
import pytest
from hypothesis import given

from tests.xai.judged import maps
from xai.faithfulness.similarity import agreement
from xai.say.verdict import describe_agreement
from xai.types import Floats


@given(maps)
def test_a_map_agrees_with_itself_whatever_its_scale(values: Floats) -> None:
    assert agreement(values, 3 * values) == pytest.approx(1)


@given(maps, maps)
def test_agreement_is_a_correlation_and_the_same_both_ways(one: Floats, other: Floats) -> None:
    found = agreement(one, other)

    assert -1 <= found <= 1
    assert found == pytest.approx(agreement(other, one))


def test_maps_of_two_sizes_are_compared_on_the_coarser() -> None:
    coarse = np.arange(16.0).reshape(4, 4)

    assert agreement(coarse, np.kron(coarse, np.ones((8, 8)))) == pytest.approx(1)
    assert agreement(coarse, np.kron(coarse[::-1, ::-1], np.ones((8, 8)))) == pytest.approx(-1)


@pytest.mark.parametrize(
    ("similarity", "same_prediction", "words"),
    [
        (0.9, True, "Same prediction, similar maps."),
        (0.5, True, "Same prediction, partly similar maps."),
        (0.1, True, "Same prediction, different maps."),
        (0.9, False, "Different predictions, similar maps."),
        (-0.2, False, "Different predictions, different maps."),
    ],
)
def test_agreement_in_words(similarity: float, same_prediction: bool, words: str) -> None:
    assert describe_agreement(similarity, same_prediction=same_prediction) == words
