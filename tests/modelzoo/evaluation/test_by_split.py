"""Ways of training over splits and seeds, by hand."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from typer.testing import CliRunner

from modelzoo.__main__ import app as zoo
from modelzoo.config.train_config import TrainConfig
from modelzoo.evaluation.by_split import (
    describe_folds,
    describe_seeds,
    describe_spread,
    list_ways,
    split_records,
)
from modelzoo.evaluation.comparison import pair_differences
from modelzoo.evaluation.rows import LeaderboardRow
from pages.figures.splits import split_scores, split_scores_alt
from tests.modelzoo.evaluation.rows import row
from tests.run_folders import make_run


def test_seeds_are_one_point_of_a_split_and_splits_one_line_of_a_way() -> None:
    rows = [row("A", 10, seed=0), row("A", 30, seed=1), row("A", 60, split="background")]
    rows += [row("B", 4)]

    a, b = list_ways(rows)

    assert (a.title, list(a.by_split), b.title, list(b.by_split)) == (
        "A",
        ["grouped", "background"],
        "B",
        ["grouped"],
    )
    grouped = a.by_split["grouped"]
    score = grouped.scores["accuracy"]
    assert (grouped.seeds, grouped.images, len(grouped.runs)) == ((0, 1), 200, 2)
    assert (score.value, score.lowest, score.highest) == pytest.approx((0.9, 0.85, 0.95))
    ends = [each.accuracy for each in rows[:2]]
    assert (score.ci_low, score.ci_high) == (ends[1].ci_low, ends[0].ci_high)
    said = describe_seeds(score, "accuracy", 2, 2)
    assert said.startswith("90.0 % (")
    assert said.endswith("), 2 seeds")
    assert describe_spread(score, "accuracy", 2, 2) == f"{said}: 85.0–95.0"


def test_folds_are_pooled_and_losses_averaged_over_them_by_students_t() -> None:
    rows = [
        on_fold(row("A", errors, **HUNDRED, split="background", seed=seed), f"fold {seed % 3}")
        for seed, errors in enumerate((10, 20, 30, 12))  # the first fold twice: 11 errors
    ]

    on = list_ways(rows)[0].by_split["background"]

    score, loss = on.scores["accuracy"], on.scores["ece"]
    assert (on.folds, on.images, on.groups) == (3, 300, 12)
    assert score.value == pytest.approx((89 + 80 + 70) / 300)
    assert (score.lowest, score.highest) == (0.7, 0.9)
    # All errors of a fold are in its first two clusters: 11, 20, and 25 with 5.
    clusters = np.array([11, 0, 0, 0, 20, 0, 0, 0, 25, 5, 0, 0])
    half = stats.sem(clusters / 25) * stats.t.ppf(0.975, 11)
    assert (score.ci_high - score.ci_low) / 2 == pytest.approx(half, rel=0.2)
    assert describe_seeds(score, "accuracy", 4, 4).endswith("), 3 folds, 4 runs")
    of_runs = [each.evaluation.scores["ece"].value for each in rows]
    errors = np.array([(of_runs[0] + of_runs[3]) / 2, *of_runs[1:3]])
    assert loss.value == pytest.approx(errors.mean())
    # Wilson's ends: where the mean lies t standard errors away, which fall towards 0 and 1.
    ends = np.array([loss.ci_low, loss.ci_high])
    images = loss.value * (1 - loss.value) / (errors.var(ddof=1) / 3)
    t = stats.t.ppf(0.975, 2)
    assert abs(ends - loss.value) == pytest.approx(t * np.sqrt(ends * (1 - ends) / images))


HUNDRED: Any = {"images": 100, "images_per_group": 25}


def test_ways_are_compared_over_the_clusters_of_all_folds() -> None:
    def folds(title: str, share: float) -> list[LeaderboardRow]:
        return [
            on_fold(
                row(
                    title, share * 100, images=100, split="background", images_per_group=25, seed=s
                ),
                f"fold {s}",
            )
            for s in range(4)
        ]

    rows = [*folds("Best", 0.1), *folds("Other", 0.5), *folds("Third", 0.12)]

    said = describe_folds(list_ways(rows))

    # Of 16 clusters two of each fold differ from Other, one from Third.
    assert said.startswith("On background clusters, over all 4 folds, the accuracy measured of ")
    assert "Other by 40.0 points (95 % CI +" in said
    assert "Best is above that of Third by 2.0 points (95 % CI " in said
    assert "not significant) and Other" in said
    assert "paired over 16 clusters" in said
    alone = pair_differences([each.evaluation for each in (rows[0], rows[4])])[0]
    assert alone.p > 0.05  # one fold shows nothing
    assert describe_folds(list_ways(rows[:5])) == ""


def on_fold(row: LeaderboardRow, name: str) -> LeaderboardRow:
    groups = tuple(f"{name} {group}" for group in row.evaluation.groups)
    return replace(row, split_id=name, evaluation=replace(row.evaluation, groups=groups))


def test_another_setting_is_another_way_and_is_named() -> None:
    small = row("A", 10, split="random")
    small = replace(small, config=replace(small.config, input_px=64))
    tuned = row("A", 10, recipe="finetune")
    rows = [row("A", 10), small, tuned]

    ways = list_ways(rows)

    assert sorted(way.title for way in ways) == [
        "A (finetune)",
        "A (quick, 224 px)",
        "A (quick, 64 px)",
    ]
    assert all(len(way.by_split) == 1 for way in ways)


def test_the_figure_has_a_point_for_each_split_and_says_them() -> None:
    rows = [row("A", 10), row("A", 60, split="background"), row("B", 4)]
    scores = {
        way.title: {kind: each.scores["accuracy"] for kind, each in way.by_split.items()}
        for way in list_ways(rows)
    }

    figure = split_scores(scores, "accuracy", source="smears")

    by_name = {trace.name: trace for trace in figure.data}
    assert list(by_name) == ["grouped split", "background-cluster split"]
    assert list(by_name["grouped split"].x) == pytest.approx([98, 95])  # B is below A
    assert list(by_name["background-cluster split"].x) == pytest.approx([70])
    assert "A: grouped split 95.0 % (" in split_scores_alt(scores, "accuracy")


def test_records_and_the_command_have_every_score(tmp_path: Path) -> None:
    for seed in (0, 1):
        make_run(tmp_path / "runs", f"seed{seed}", skill=3, seed=seed)
    arguments = ["runs", "--by-split", "--runs", str(tmp_path / "runs")]

    listed = CliRunner().invoke(zoo, arguments)
    (record,) = json.loads(CliRunner().invoke(zoo, [*arguments, "--json"]).stdout)

    assert "2 seeds" in listed.stdout
    assert record["seeds"] == "0 1"
    assert record["accuracy_lowest"] <= record["accuracy"] <= record["accuracy_highest"]
    assert record["auc_ci_low"] < record["auc"]
    assert split_records([]) == []


def test_ways_of_one_recipe_are_named_by_the_settings_that_differ() -> None:
    rows = [row("A", 0), row("A", 0), row("B", 0)]
    changed = replace(rows[1].config, epochs=rows[1].config.epochs + 1, momentum=0.5)
    rows[1] = replace(rows[1], config=changed)

    epochs, momentum = rows[0].config.epochs, rows[0].config.momentum
    assert [way.title for way in list_ways(rows)] == [
        f"A (quick, epochs {epochs}, momentum {momentum})",
        f"A (quick, epochs {epochs + 1}, momentum 0.5)",
        "B",
    ]


def test_a_score_that_is_not_defined_is_said() -> None:
    (way,) = list_ways([row("A", 0)])
    nothing = replace(way.by_split["grouped"].scores["accuracy"], value=math.nan)

    assert describe_seeds(nothing, "accuracy", 1, 1) == "not defined"
    assert TrainConfig().split in way.by_split
