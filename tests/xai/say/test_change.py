"""The sentence on what a perturbation did to a prediction."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from xai.say.change import describe_change

CLASSES = ("Benign", "Early", "Pre", "Pro")


def odds(*percent: float) -> npt.NDArray[np.float32]:
    return (np.array(percent) / 100).astype(np.float32)


@pytest.mark.parametrize(
    ("before", "after", "change", "predicted"),
    [
        (odds(1, 1, 1, 97), odds(4, 50, 5, 41), "Pro falls from 97 % to 41 %", "changes to Early"),
        (odds(1, 1, 1, 97), odds(5, 5, 5, 85), "Pro falls from 97 % to 85 %", "stays Pro"),
        (
            odds(60, 20, 10, 10),
            odds(80, 20, 0, 0),
            "Benign rises from 60 % to 80 %",
            "stays Benign",
        ),
        (odds(1, 1, 1, 97), odds(1, 1.2, 1, 96.8), "Pro stays at 97 %", "stays Pro"),
        (odds(51, 49, 0, 0), odds(51.2, 0, 48.8, 0), "Benign stays at 51 %", "stays Benign"),
        (odds(45, 40, 15, 0), odds(45, 55, 0, 0), "Benign stays at 45 %", "changes to Early"),
        (
            odds(0, 0, 0, 100),
            odds(99.7, 0, 0, 0.3),
            "Pro falls from 100 % to 0.3 %",
            "changes to Benign",
        ),
        (
            odds(0, 0, 0, 100),
            odds(100, 0, 0, 0),
            "Pro falls from 100 % to 0 %",
            "changes to Benign",
        ),
    ],
)
def test_the_change_is_said_in_one_sentence(
    before: npt.NDArray[np.float32], after: npt.NDArray[np.float32], change: str, predicted: str
) -> None:
    said = describe_change(before, after, CLASSES)

    assert said == f"The probability of {change}; the predicted class {predicted}."


@given(
    arrays(np.float64, 4, elements=st.floats(0.001, 1)),
    arrays(np.float64, 4, elements=st.floats(0.001, 1)),
)
def test_the_sentence_names_both_classes_and_the_direction(
    before: npt.NDArray[np.float64], after: npt.NDArray[np.float64]
) -> None:
    before, after = before / before.sum(), after / after.sum()

    said = describe_change(before, after, CLASSES)

    old = int(before.argmax())
    assert said.startswith(f"The probability of {CLASSES[old]} ")
    assert said.endswith(f" {CLASSES[int(after.argmax())]}.")
    assert ("falls" not in said) or after[old] < before[old]
    assert ("rises" not in said) or after[old] > before[old]
