"""Sentences on scores over a test set."""

import subprocess
import sys
from dataclasses import replace

import pytest

from xai.faithfulness.table import Summary
from xai.say.verdict import describe_method, describe_runs, name_method

BASELINES = "random, centre and blurred baseline maps"


def summary(
    measure: str = "insertion", *, gain_ci_low: float | None = 0.1, value: float = 0.6
) -> Summary:
    return Summary(
        method="grad-cam",
        measure=measure,
        value=value,
        ci_low=0.5,
        ci_high=0.7,
        random=0.4,
        centre=0.4,
        blurred=0.4,
        win_share=0.5,
        gain=0.2,
        gain_ci_low=gain_ci_low,
        area=None,
        images=12,
        groups=9,
    )


@pytest.mark.parametrize(
    ("insertion", "deletion", "says"),
    [
        (
            0.1,
            0.1,
            f"is better than {BASELINES} on insertion and deletion.",
        ),
        (
            -0.1,
            0.1,
            f"is better than {BASELINES} on deletion but not on insertion.",
        ),
        (
            0.1,
            0.0,
            f"is better than {BASELINES} on insertion but not on deletion.",
        ),
        (
            0.0,
            None,
            f"is not shown to be better than {BASELINES} on insertion or deletion.",
        ),
    ],
)
def test_a_method_is_said_in_one_sentence(
    insertion: float, deletion: float | None, says: str
) -> None:
    found = [summary(gain_ci_low=insertion), summary("deletion", gain_ci_low=deletion)]

    assert describe_method(found) == f"Grad-CAM {says}"


@pytest.mark.parametrize(
    ("insertion", "deletion", "says"),
    [
        (0.1, 0.1, "better than the baseline maps"),
        (-0.1, 0.1, "not shown to be better than the baseline maps but on deletion"),
        (0.0, None, "not shown to be better than the baseline maps"),
    ],
)
def test_a_tile_has_it_in_a_few_words(insertion: float, deletion: float | None, says: str) -> None:
    found = [summary(gain_ci_low=insertion), summary("deletion", gain_ci_low=deletion)]

    assert name_method(found) == f"such maps on 12 test images: {says}"
    assert name_method([]) == ""


def test_where_the_map_lies_is_described_beside_the_area() -> None:
    nuclei = replace(summary("nucleus_energy", value=0.64), area=0.31)

    sentence = describe_method([summary(), summary("deletion"), nuclei])

    assert sentence.endswith(
        "; 64 % of its positive attribution lies in nuclei, which are 31 % of the image."
    )


def test_runs_in_which_a_method_wins_are_counted() -> None:
    won, lost = summary(), summary(gain_ci_low=-0.01)

    assert describe_runs([won, lost, won]) == (
        f"Grad-CAM is better than {BASELINES} on insertion in 2 of 3 runs."
    )
    assert describe_runs([lost, lost]).endswith("on insertion in none of 2 runs.")
    assert describe_runs([won]) == (
        f"Grad-CAM is better than {BASELINES} on insertion in the one run evaluated."
    )
    assert describe_runs([lost]).startswith("Grad-CAM is not shown to be better than random, ")


def test_what_has_no_better_is_not_won() -> None:
    found = [summary("cytoplasm_energy", gain_ci_low=None, value=value) for value in (0.3, 0.1)]

    assert (
        describe_runs(found)
        == "Grad-CAM: 0.10 to 0.30; no value of this measure is better or worse."
    )


def test_reading_scores_imports_no_torch() -> None:
    script = (
        "import sys, xai.faithfulness.table, xai.say.verdict; assert 'torch' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", script], check=True)
