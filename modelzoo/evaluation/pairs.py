"""Differences between every two runs as a table. Rows in, tables out; no drawing."""

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from modelzoo.evaluation.comparison import SIGNS, PairDifference, groups_needed
from modelzoo.evaluation.intervals import FEW_GROUPS
from modelzoo.evaluation.rows import LeaderboardRow
from modelzoo.text import MINUS, count, describe_p


def pairs_table(
    pairs: Sequence[PairDifference], rows: Sequence[LeaderboardRow], names: Mapping[str, str]
) -> pd.DataFrame:
    """Every pair of runs, those of the best first: shares in [-1, 1]; NaN with a note.

    Args:
        pairs: From `pair_differences` of the rows.
        rows: Best first, so that most differences are positive.
        names: By run id.
    """
    return pd.DataFrame([_record(pair, rows, names) for pair in pairs])


def _record(
    pair: PairDifference, rows: Sequence[LeaderboardRow], names: Mapping[str, str]
) -> dict[str, object]:
    first, second = rows[pair.first], rows[pair.second]
    return {
        "model": names[first.run_id],
        "compared_with": names[second.run_id],
        "run": first.run_id,
        "compared_with_run": second.run_id,
        "accuracy_difference": pair.value,
        "ci_low": pair.ci_low,
        "ci_high": pair.ci_high,
        "p": pair.p,
        "note": pair.note,
    }


def pairs_in_words(table: pd.DataFrame) -> pd.DataFrame:
    """The table for people: differences in percentage points, signed; a note in place of numbers.

    Args:
        table: From `pairs_table`.
    """
    return pd.DataFrame(
        {
            "Model": table["model"],
            "Compared with": table["compared_with"],
            "Difference (points)": [in_points(each) for each in table["accuracy_difference"]],
            "95 % CI (points)": [
                f"{in_points(low)} to {in_points(high)}" if not math.isnan(low) else "none"
                for low, high in zip(table["ci_low"], table["ci_high"], strict=True)
            ],
            "p": [describe_p(each) for each in table["p"]],
            "Note": table["note"],
        }
    )


def describe_pairs(table: pd.DataFrame, groups: int) -> str:
    """How many pairs differ significantly, and how that was tested.

    Args:
        table: From `pairs_table`.
        groups: Of the test images.
    """
    tested = table[table["p"].notna()]
    if tested.empty:
        reasons = " ".join(sorted(set(table["note"])))
        return f"No two of these models could be compared. {reasons}"
    differ = int(((tested["ci_low"] > 0) | (tested["ci_high"] < 0)).sum())
    rough = (
        f" The test images form only {count(groups, 'group')}, so intervals and p are rough."
        if groups < FEW_GROUPS
        else ""
    )
    return (
        f"{differ} of {count(len(tested), 'pair')} "
        f"{'differs' if differ == 1 else 'differ'} significantly in accuracy: the 95 % CI, which "
        f"holds for all pairs together, leaves out zero.{rough}"
    )


def describe_power(
    pairs: Sequence[PairDifference], rows: Sequence[LeaderboardRow], names: Mapping[str, str]
) -> str:
    """How many test groups would tell the first two apart that are not; empty where all are.

    Args:
        pairs: From `pair_differences`.
        rows: Best first.
        names: By run id.
    """
    for pair in pairs:
        one, other = rows[pair.first], rows[pair.second]
        needed = groups_needed(one.evaluation, other.evaluation)
        if math.isnan(pair.p) or pair.is_significant or needed is None:
            continue
        have = len(one.evaluation.groups)
        if needed <= have:  # told apart alone, but not when corrected for all pairs
            continue
        return (
            f"{names[one.run_id]} and {names[other.run_id]} are not told apart: were they really "
            f"{in_points(abs(pair.value)).removeprefix('+')} points apart, as measured, about "
            f"{_round_up(needed):,} test groups would show it in four of five data sets; there are "
            f"{have:,}."
        )
    return ""


def _round_up(number: int) -> int:
    """Two digits of `number`, which is a forecast."""
    step = int(10 ** max(len(str(number)) - 2, 0))
    return -(-number // step) * step


HOW_TESTED = (
    "Differences are paired over the same groups of test images. p is two-sided: the share of "
    f"random signs of the groups' differences ({SIGNS:,}, or all combinations where there are "
    "fewer) that give one as large, corrected for all pairs (single-step maxT, Westfall and Young "
    "1993); for one pair and images in groups of their own it is McNemar's exact test. The "
    "sentence at the top rests on the same numbers."
)


def in_points(share: float) -> str:
    """A signed difference in percentage points: `+3.2`, `0.0`."""
    if math.isnan(share):
        return "none"
    text = f"{100 * share:+.1f}"
    return "0.0" if float(text) == 0 else text.replace("-", MINUS)
