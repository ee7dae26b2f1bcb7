"""Sentences on scores over a test set."""

import subprocess
import sys
from dataclasses import replace

import pytest

from xai.faithfulness.table import Summary
from xai.say.verdict import describe_method, describe_runs, name_method

BASELINES = "random placement, the centre map and the blurred map"


def summary(
    measure: str = "insertion",
    *,
    p: float | None = 0.01,
    p_blurred: float | None = None,
    value: float = 0.6,
    groups: int = 9,
) -> Summary:
    """Better than all three by 0.2, whichever way is better; p of all, or of the blurred map."""
    up = measure != "deletion"
    other = value - 0.2 if up else value + 0.2
    return Summary(
        method="grad-cam",
        measure=measure,
        value=value,
        ci_low=0.5,
        ci_high=0.7,
        random=other,
        centre=other,
        blurred=other,
        win_share=0.5,
        gain=0.2,
        area=None,
        images=12,
        groups=groups,
        p_random=p,
        p_centre=p,
        p_blurred=p if p_blurred is None else p_blurred,
    )


@pytest.mark.parametrize(
    ("insertion", "deletion", "says"),
    [
        (
            summary(),
            summary("deletion", p=0.0001),
            f"is better than {BASELINES} (p = 0.010) on insertion and better than {BASELINES} "
            "(p < 0.001) on deletion.",
        ),
        (
            summary(p=0.3),
            summary("deletion", p_blurred=0.2),
            f"is not shown to be better than {BASELINES} (p = 0.300) on insertion and better than "
            "random placement and the centre map (p = 0.010), not shown to be better than the "
            "blurred map (p = 0.200) on deletion.",
        ),
        (
            replace(summary(p=0.02), blurred=0.9),
            summary("deletion", p=0.06),
            "is better than random placement and the centre map (p = 0.020), worse than the "
            f"blurred map (p = 0.020) on insertion and not shown to be better than {BASELINES} "
            "(p = 0.060) on deletion.",
        ),
        (
            summary(p=0.0625, groups=5),
            summary("deletion", p=0.0625, groups=5),
            "is not compared with baseline maps, since 5 groups are too few to tell.",
        ),
        (
            summary(p=None),
            summary("deletion", p=None),
            "is not compared with baseline maps, since an earlier version evaluated its maps, "
            "without a test; run `python -m xai quality` again.",
        ),
    ],
)
def test_a_method_is_said_in_one_sentence(insertion: Summary, deletion: Summary, says: str) -> None:
    assert describe_method([insertion, deletion]) == f"Grad-CAM {says}"


@pytest.mark.parametrize(
    ("insertion", "deletion", "groups", "says"),
    [
        (0.01, 0.02, 9, "better than random placement on insertion and deletion (p = 0.020)"),
        (0.2, 0.01, 9, "better than random placement on deletion, not on insertion (p = 0.010)"),
        (0.2, 0.3, 9, "not shown to be better than random placement (p = 0.200)"),
        (0.5, 0.5, 2, "2 groups are too few to tell"),
        (1.0, 1.0, 1, "1 group is too few to tell"),
    ],
)
def test_a_tile_has_it_in_a_few_words(
    insertion: float, deletion: float, groups: int, says: str
) -> None:
    found = [summary(p=insertion, groups=groups), summary("deletion", p=deletion, groups=groups)]

    assert name_method(found) == f"such maps on 12 test images: {says}"


def test_a_tile_is_silent_on_what_was_not_tested() -> None:
    assert name_method([]) == ""
    assert name_method([summary(p=None), summary("deletion", p=None)]) == ""


def test_where_the_map_lies_is_described_beside_the_area() -> None:
    nuclei = replace(summary("nucleus_energy", value=0.64), area=0.31)

    sentence = describe_method([summary(), summary("deletion"), nuclei])

    assert sentence.endswith(
        "; 64 % of its positive attribution lies in nuclei, which are 31 % of the image."
    )


def test_runs_in_which_a_method_wins_are_counted() -> None:
    won, lost = summary(), summary(p=0.2)

    assert describe_runs([won, lost, summary(p_blurred=0.3)]) == (
        "Grad-CAM is better on insertion than random placement in 2 of 3 runs, than the centre map "
        "in 2 of 3 runs, than the blurred map in 1 of 3 runs."
    )
    assert describe_runs([lost, lost]).endswith("than the blurred map in none of 2 runs.")
    assert describe_runs([won]) == (
        f"Grad-CAM is better than {BASELINES} (p = 0.010) on insertion in the one run evaluated."
    )


def test_runs_that_were_not_tested_are_not_counted() -> None:
    few, old = summary(p=0.25, groups=3), summary(p=None)

    assert describe_runs([few]) == (
        "Grad-CAM on insertion: nothing is said of baseline maps, since 3 groups are too few to "
        "tell."
    )
    assert "since an earlier version evaluated its maps" in describe_runs([old])
    assert describe_runs([summary(), few, old]).endswith(
        "than the blurred map in 1 of 1 runs; 2 more cannot be said, for too few groups or since "
        "an earlier version evaluated them."
    )


def test_what_has_no_better_is_not_won() -> None:
    found = [summary("cytoplasm_energy", p=None, value=value) for value in (0.3, 0.1)]

    assert (
        describe_runs(found)
        == "Grad-CAM: 0.10 to 0.30; no value of this measure is better or worse."
    )


def test_reading_scores_imports_no_torch() -> None:
    script = (
        "import sys, xai.faithfulness.table, xai.say.verdict; assert 'torch' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", script], check=True)
