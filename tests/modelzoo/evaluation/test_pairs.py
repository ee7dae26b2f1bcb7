import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from modelzoo.evaluation.clustered import score_interval
from modelzoo.evaluation.comparison import (
    ONE_GROUP,
    OTHER,
    SAME,
    PairDifference,
    groups_needed,
    pair_differences,
    rank_intervals,
    simultaneous_interval,
)
from modelzoo.evaluation.intervals import Evaluation
from modelzoo.evaluation.metrics import accuracy
from modelzoo.evaluation.pairs import (
    describe_pairs,
    describe_power,
    pairs_in_words,
    pairs_table,
)
from modelzoo.evaluation.rows import LeaderboardRow, name_rows, read_row
from modelzoo.text import describe_p
from tests.modelzoo.evaluation.rows import row
from tests.run_folders import make_run


def evaluation_of(right: np.typing.ArrayLike, *, groups: int = 0) -> Evaluation:
    """One image of class a per entry, right or not; `groups` in turns, each its own for 0."""
    right = np.asarray(right, bool)
    G = groups or len(right)
    cells = np.zeros((G, 2, 2), np.int64)
    group = np.arange(len(right)) % G
    np.add.at(cells, (group, np.zeros_like(group), (~right).astype(np.int64)), 1)
    return Evaluation(("a", "b"), {}, tuple(f"{index:04d}" for index in range(G)), cells, ())


def tabulate(rows: list[LeaderboardRow]) -> pd.DataFrame:
    return pairs_table(pair_differences([each.evaluation for each in rows]), rows, name_rows(rows))


@pytest.fixture
def models() -> list[Evaluation]:
    generator = np.random.default_rng(3)
    return [evaluation_of(generator.random(60) < skill) for skill in (0.95, 0.9, 0.85, 0.5)]


@given(st.integers(0, 14), st.integers(0, 14), st.integers(0, 20))
@settings(deadline=None, max_examples=60)
def test_a_single_pair_has_the_p_of_mcnemars_exact_test(only: int, other: int, both: int) -> None:
    """Of images in groups of their own; SciPy's binomial test of those that one has right."""
    one = evaluation_of([True] * only + [False] * other + [True] * both + [False] * 2)
    two = evaluation_of([False] * only + [True] * other + [True] * both + [False] * 2)

    (pair,) = pair_differences([one, two], signs=4000)

    if only + other == 0:
        assert pair.note == SAME
        return
    wanted = stats.binomtest(only, only + other).pvalue
    assert pair.p == pytest.approx(wanted, abs=4 * math.sqrt(wanted / 4000) + 1 / 4000)
    assert (pair.ci_low > 0 or pair.ci_high < 0) == (pair.p < 0.05)


def test_few_groups_are_counted_through_by_hand() -> None:
    """Groups of differences 2, 1, 1, 0, 3: of 16 patterns of signs two reach all seven."""
    cells = np.zeros((2, 5, 2, 2), np.int64)
    for group, gain in enumerate((2, 1, 1, 0, 3)):
        cells[0, group, 0] = (3, 1)
        cells[1, group, 0] = (3 - gain, 1 + gain)
    names = tuple("abcde")
    one, two = (Evaluation(("a", "b"), {}, names, each, ()) for each in cells)

    (pair,) = pair_differences([one, two])

    # The group without a difference has two signs that change nothing.
    assert pair.p == 2 / 16
    assert pair.value == 7 / 20
    assert pair.ci_low < 0 < pair.ci_high


def test_the_interval_holds_what_the_test_does_not_exclude(models: list[Evaluation]) -> None:
    first, _, _, last = models
    moves = first.confusion_by_group[:, 0, 0] - last.confusion_by_group[:, 0, 0].astype(float)

    (pair,) = pair_differences([first, last])

    signs = np.random.default_rng(1).choice([-1.0, 1.0], (60, 20_000))
    limit = np.quantile(np.abs(moves @ signs) / np.sqrt((moves**2).sum()), 0.95)
    for end in (pair.ci_low, pair.ci_high):
        shifted = moves - end
        assert abs(shifted.sum()) / np.sqrt((shifted**2).sum()) == pytest.approx(limit, rel=0.05)


def test_the_interval_of_the_highest_of_several_is_widened(models: list[Evaluation]) -> None:
    alone = simultaneous_interval(models[:1], 0)
    among = simultaneous_interval(models, 0)
    cells = models[0].confusion_by_group
    _, low, high = score_interval(accuracy, cells, confidence=1 - 0.05 / 4)  # Bonferroni's

    assert alone == score_interval(accuracy, cells)[1:]  # as the tables have it
    assert low - 1e-9 <= among[0] < alone[0]
    assert alone[1] < among[1] <= high + 1e-9


def test_many_pairs_are_corrected_for_each_other(models: list[Evaluation]) -> None:
    pairs = pair_differences(models)
    alone = [pair_differences([models[each.first], models[each.second]])[0] for each in pairs]

    assert [(each.first, each.second) for each in pairs] == [
        (0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3),
    ]  # fmt: skip
    assert all(each.value == single.value for each, single in zip(pairs, alone, strict=True))
    assert all(each.p >= single.p for each, single in zip(pairs, alone, strict=True))
    assert all(each.ci_low <= single.ci_low for each, single in zip(pairs, alone, strict=True))
    assert any(each.p > single.p for each, single in zip(pairs, alone, strict=True))


def test_p_is_small_where_the_interval_leaves_out_zero(models: list[Evaluation]) -> None:
    found = pair_differences(models)
    turned = pair_differences(models[::-1])

    assert any(each.p < 0.05 for each in found)
    assert any(each.p > 0.05 for each in found)
    for each in found + turned:
        assert (each.ci_low > 0 or each.ci_high < 0) == (each.p < 0.05)
    assert sorted(each.p for each in found) == pytest.approx(sorted(each.p for each in turned))
    assert sorted(each.value for each in found) == pytest.approx(sorted(-e.value for e in turned))


def test_equal_models_seldom_have_a_pair_that_differs() -> None:
    generator = np.random.default_rng(0)
    false_alarms = 0
    for _ in range(60):
        equal = [evaluation_of(generator.random(60) < 0.8) for _ in range(6)]
        false_alarms += min(each.p for each in pair_differences(equal, signs=300)) < 0.05

    assert false_alarms <= 9  # 5 % of 60 is 3; 10 or more has a chance below 0.1 %


def test_what_cannot_be_compared_has_a_reason_and_no_number() -> None:
    right = np.arange(40) % 3 > 0
    model, twin, shorter = evaluation_of(right), evaluation_of(right), evaluation_of(right[:39])
    in_one = [evaluation_of(right, groups=1), evaluation_of(~right, groups=1)]

    same, other, also_other = pair_differences([model, twin, shorter])
    (one_group,) = pair_differences(in_one)

    assert (same.value, same.note) == (0, SAME)
    assert math.isnan(other.value)
    assert other.note == also_other.note == OTHER
    assert one_group.note == ONE_GROUP
    for each in (same, other, one_group):
        assert all(math.isnan(number) for number in (each.ci_low, each.ci_high, each.p))
    assert pair_differences([model]) == pair_differences([]) == []


def test_the_other_pairs_stay_beside_one_that_cannot_be_compared(models: list[Evaluation]) -> None:
    whole = pair_differences([models[0], models[3]])
    beside = pair_differences([models[0], models[3], evaluation_of([True] * 59)])

    assert beside[0] == whole[0]
    assert [each.note for each in beside] == ["", OTHER, OTHER]


def test_the_table_has_shares_and_its_words_have_signed_points(tmp_path: Path) -> None:
    rows = [
        read_row(make_run(tmp_path, "strong", skill=4, backbone="resnet50")),
        read_row(make_run(tmp_path, "weak", skill=0.2, backbone="vgg16")),
    ]

    table = tabulate(rows)
    words = pairs_in_words(table)

    (record,) = table.to_dict("records")
    gap = rows[0].accuracy.value - rows[1].accuracy.value
    assert (record["run"], record["compared_with_run"]) == ("strong", "weak")
    assert record["accuracy_difference"] == pytest.approx(gap)
    assert record["ci_low"] < gap < record["ci_high"]
    assert words["Difference (points)"][0] == f"+{100 * gap:.1f}"
    assert words["p"][0] == "< 0.001"
    said = describe_pairs(table, 24)
    assert said.startswith("1 of 1 pair differs significantly in accuracy")
    assert "rough" not in said
    assert "only 7 groups, so intervals and p are rough" in describe_pairs(table, 7)
    turned = pairs_in_words(tabulate(rows[::-1]))
    assert turned["Difference (points)"][0] == f"\N{MINUS SIGN}{100 * gap:.1f}"


def test_p_values_claim_no_more_than_random_signs_tell() -> None:
    assert [describe_p(each) for each in (1 / 1001, 0.0456, 1.0, math.nan)] == [
        "< 0.001", "0.046", "1.000", "none",
    ]  # fmt: skip


def test_ranks_are_those_that_no_significant_difference_excludes() -> None:
    def pair(first: int, second: int, value: float, p: float) -> PairDifference:
        return PairDifference(first, second, value, 0, 0, p)

    # 0 and 1 are alike, and both are better than 2; 3 was not tested on the same images.
    pairs = [pair(0, 1, 0.01, 0.5), pair(0, 2, 0.2, 0.001), pair(1, 2, 0.19, 0.001)]
    pairs += [pair(index, 3, math.nan, math.nan) for index in range(3)]
    turned = [pair(0, 1, -0.2, 0.01)]

    assert rank_intervals(pairs, 4) == [(1, 3), (1, 3), (3, 4), (1, 4)]
    assert rank_intervals(turned, 2) == [(2, 2), (1, 1)]
    assert rank_intervals([], 1) == [(1, 1)]


def test_as_many_groups_as_are_needed_tell_two_apart_in_four_of_five_data_sets() -> None:
    random = np.random.default_rng(0)
    one, other = np.ones(100, bool), np.ones(100, bool)
    one[:5], other[5:20] = False, False  # 10 points apart, 5 + 15 of 100 disagree

    needed = groups_needed(evaluation_of(one), evaluation_of(other))

    # Connor 1987: (1.96 sqrt(0.2) + 0.8416 sqrt(0.2 - 0.01))^2 / 0.01 = 154.8.
    assert needed == pytest.approx(155, abs=3)
    assert needed
    told = 0
    for _ in range(200):
        drawn = random.choice(3, needed, p=[0.05, 0.15, 0.8])
        (pair,) = pair_differences([evaluation_of(drawn != 0), evaluation_of(drawn != 1)])
        told += pair.is_significant
    assert 0.68 < told / 200 < 0.88
    assert groups_needed(evaluation_of(one), evaluation_of(one)) is None


def test_what_would_tell_two_apart_is_said_of_the_first_two_that_are_not() -> None:
    rows = [row("A", 10), row("B", 14), row("C", 90)]

    names = {each.run_id: each.title for each in rows}
    pairs = pair_differences([each.evaluation for each in rows])
    said = describe_power(pairs, rows, names)

    assert said.startswith("A and B are not told apart: were they really 2.0 points apart")
    assert said.endswith("there are 200.")
    apart = rows[::2]
    pairs = pair_differences([each.evaluation for each in apart])
    assert describe_power(pairs, apart, names) == ""
