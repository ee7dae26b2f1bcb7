import math
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from modelzoo import runs
from modelzoo.errors import UserError
from modelzoo.evaluation.intervals import evaluate
from modelzoo.evaluation.leaderboard import (
    LeaderboardRow,
    best_first,
    describe_seconds,
    describe_status,
    evaluate_run,
    leaderboard_table,
    list_splits,
    name_rows,
    read_leaderboard,
    read_row,
    runs_table,
    scores_table,
    split_effect,
    verdict,
)
from modelzoo.evaluation.scores import METRICS
from tests.run_folders import make_run, predictions_of


def row(
    title: str,
    errors: int | float = 0,
    *,
    images: int = 200,
    seed: int = 0,
    split: str = "group",
    split_id: str = "",
    recipe: str = "quick",
    images_per_group: int = 1,
    has_imagenet: bool | None = True,
) -> LeaderboardRow:
    """A row that errs on the first `errors` images."""
    labels = np.arange(images) % 2
    wrong = np.arange(images) < errors
    predictions = predictions_of(labels, np.eye(2)[labels ^ wrong], classes=("a", "b"))
    groups = {
        image: f"g{index // images_per_group:04d}" for index, image in enumerate(predictions.images)
    }
    return LeaderboardRow(
        run_id=f"{title}-{recipe}-{split}-{seed}".lower(),
        backbone=title.lower(),
        title=title,
        recipe=recipe,
        mode="frozen",
        dataset="smears",
        dataset_id="abc",
        split_kind=split,
        split_id=split_id or f"{split}{seed}",
        seed=seed,
        state="done",
        evaluation=evaluate(predictions, groups, resamples=500),
        has_imagenet=has_imagenet,
        ms_per_image=10.0,
        parameters=1e6,
        seconds=60.0,
    )


# The verdict


def test_without_runs_there_is_no_verdict() -> None:
    assert verdict([]) == "No run has been tested yet."


def test_one_run_is_described_and_asks_for_another() -> None:
    assert verdict([row("VGG16", 20)]) == (
        "VGG16 names 90.0 % of the test images right (85.5 to 94.0 %; smears, group split, seed 0: "
        "200 test images in 200 groups). Test another backbone on the same split to compare."
    )


def test_two_runs_that_differ() -> None:
    sentence = verdict([row("VGG16", 40), row("DenseNet121", 10)])

    assert sentence.startswith("DenseNet121 is best; VGG16 is behind, by 10 to 20 points. ")
    assert "DenseNet121 names 95.0 % of the test images right" in sentence
    assert "group split, seed 0" in sentence


def test_two_runs_that_cannot_be_told_apart() -> None:
    sentence = verdict([row("VGG16", 11), row("DenseNet121", 10)])

    assert sentence.startswith("DenseNet121 and VGG16 cannot be told apart. DenseNet121 names")


def test_many_alike_and_one_behind() -> None:
    rows = [row(f"Net{index}", 10 + index % 2) for index in range(5)]

    sentence = verdict([*rows, row("EfficientNet-B0", 32)])

    assert sentence.startswith(
        "Net0 and four others cannot be told apart; EfficientNet-B0 is behind, by "
    )


def test_several_behind_are_named_up_to_three_and_counted_beyond() -> None:
    few = [row("A", 2), row("B", 30), row("C", 60)]
    many = [*few, row("D", 90), row("E", 120)]

    assert "A is best; B (by " in verdict(few)
    assert " points) and C (by " in verdict(few)
    assert "A is best; four are behind, from B (by " in verdict(many)
    assert " points) to E (by " in verdict(many)


def test_a_small_gap_is_said_with_a_decimal() -> None:
    sentence = verdict([row("A", 0, images=2000), row("B", 14, images=2000)])

    assert "B is behind, by 0.3 to 1.1 points" in sentence


def test_missing_imagenet_weights_and_few_groups_are_said() -> None:
    rows = [row("A", 2, images_per_group=50), row("B", 3, images_per_group=50, has_imagenet=False)]

    assert "One of the two started without ImageNet weights." in verdict(rows)
    assert "Both started" in verdict([rows[1], row("C", 2, has_imagenet=False)])
    assert "It started" in verdict(rows[1:])
    assert "The test images form only 4 groups: take the ranges as rough." in verdict(rows)


def test_the_verdict_is_on_one_split_only() -> None:
    rows = [row("A", 2), row("B", 60), row("C", 0, split="look")]

    sentence = verdict(rows)

    assert "A is best; B is behind" in sentence
    assert "C" not in sentence


# What the split does


def test_the_drop_on_held_out_looks_is_a_mean_over_seeds() -> None:
    rows = [row("EfficientNet-Lite0", 10 + seed, seed=seed) for seed in range(5)]
    rows += [row("EfficientNet-Lite0", 38 + seed, seed=seed, split="look") for seed in range(5)]

    assert split_effect(rows) == (
        "Testing on held-out looks lowers EfficientNet-Lite0 from 94.0 % (group, 5 seeds) to "
        "80.0 % (look, 5 seeds): mean test accuracy on smears."
    )


def test_other_backbones_are_counted_with_their_range() -> None:
    rows = [row("A", 10), row("A", 50, split="look")]
    rows += [row("B", 10), row("B", 30, split="look"), row("C", 10), row("C", 40, split="look")]

    assert "to 75.0 % (look, 1 seed), and two more by 10 to 15 points: " in split_effect(rows)


def test_without_looks_groups_are_held_against_the_random_split() -> None:
    rows = [row("A", 10, split="random"), row("A", 30)]

    assert split_effect(rows).startswith(
        "Keeping groups together lowers A from 95.0 % (random, 1 seed) to 85.0 % (group, 1 seed)"
    )


def test_no_effect_is_claimed_where_runs_differ_in_more_than_the_split() -> None:
    other_recipe = [row("A", 10), row("A", 50, split="look", recipe="finetune")]
    other_weights = [row("A", 10), row("A", 50, split="look", has_imagenet=False)]

    assert split_effect(other_recipe) == split_effect(other_weights) == split_effect([]) == ""


def test_no_drop_and_a_rise_are_said_as_they_are() -> None:
    assert "hardly moves A" in split_effect([row("A", 10), row("A", 10, split="look")])
    assert "raises A" in split_effect([row("A", 20), row("A", 10, split="look")])


# Names, order, tables


def test_names_are_as_short_as_they_can_be() -> None:
    rows = [row("A"), row("B"), row("B", recipe="finetune"), row("C", seed=1), row("C", seed=2)]

    assert list(name_rows(rows).values()) == [
        "A",
        "B (quick)",
        "B (finetune)",
        "C (c-quick-group-1)",
        "C (c-quick-group-2)",
    ]


def test_rows_without_a_score_come_last() -> None:
    rows = [row("A", images=0), row("B", 9), row("C", 3)]

    assert [each.title for each in best_first(rows)] == ["C", "B", "A"]
    assert verdict(rows[:1]) == "No run has been tested yet."


def test_splits_are_listed_with_the_most_used_first() -> None:
    choices = list_splits([row("A", split="look"), row("A"), row("B")])

    assert [(choice.split_id, choice.runs) for choice in choices] == [("group0", 2), ("look0", 1)]
    assert choices[1].title == ("smears, held-out looks, seed 0, look0")


def test_the_table_has_every_score_with_both_ends_and_its_split() -> None:
    table = leaderboard_table([row("A", 9), row("B", 3, has_imagenet=False)])

    assert table["backbone"].tolist() == ["B", "A"]
    assert table["weights"].tolist() == ["none", "ImageNet"]
    assert table["split"].tolist() == ["group", "group"]
    for name in METRICS:
        assert {name, f"{name}_low", f"{name}_high"} <= set(table)
    assert isinstance(leaderboard_table([]), pd.DataFrame)
    assert len(scores_table(row("A", 9).evaluation)) == len(METRICS)


def test_the_list_for_people_has_every_run(tmp_path: Path) -> None:
    found = [make_run(tmp_path, "a"), make_run(tmp_path, "b", state="stopped")]

    table = runs_table(read_leaderboard(found))

    assert table["run"].tolist() == ["a", "b"]
    assert table["split"].tolist()[0] == "group, seed 0"
    assert " % (" in table["accuracy"][0]
    assert table["state"].tolist() == ["done", "stopped"]
    assert len(runs_table(read_leaderboard([]))) == 0


# Run folders


def test_a_run_folder_becomes_a_row(tmp_path: Path) -> None:
    run = make_run(tmp_path, "lite0-0", starts_at_random=True, split="look", seed=2)

    board = read_leaderboard([run], now=time.time())

    (read,) = board.rows
    assert not board.unfinished
    assert not board.problems
    assert read.title == "EfficientNet-Lite0"
    assert (read.split_kind, read.seed, read.has_imagenet) == ("look", 2, False)
    assert read.split_id == runs.read_split(run.path).id
    assert read.evaluation.images == len(runs.read_split(run.path).ids("test"))
    assert read.seconds == 30
    assert read.parameters == 3_376_132


def test_unfinished_runs_are_told_by_their_state(tmp_path: Path) -> None:
    found = [
        make_run(
            tmp_path, "a-failed", state="failed", error="The loss became NaN; lower the rate."
        ),
        make_run(tmp_path, "b-stopped", state="stopped"),
        make_run(tmp_path, "c-training", state="training"),  # by no process that lives
    ]

    board = read_leaderboard(found, now=time.time())

    assert not board.rows
    assert [each.state for each in board.unfinished] == ["failed", "stopped", "failed"]
    assert board.unfinished[0].sentence == "The loss became NaN; lower the rate."
    assert board.unfinished[1].sentence == "Stopped after 5 epochs; it can be resumed."
    assert "ended without a word" in board.unfinished[2].sentence


@pytest.mark.parametrize("file", [runs.PREDICTIONS, runs.SPLIT])
@pytest.mark.parametrize("content", [None, b"\x00\xff{"])
def test_a_damaged_run_is_a_sentence_and_the_others_stay(
    tmp_path: Path, file: str, content: bytes | None
) -> None:
    good, bad = make_run(tmp_path, "good"), make_run(tmp_path, "bad")
    if content is None:
        (bad.path / file).unlink()
    else:
        (bad.path / file).write_bytes(content)

    board = read_leaderboard([good, bad], now=time.time())

    assert [each.run_id for each in board.rows] == ["good"]
    assert file in board.problems["bad"]


@pytest.mark.parametrize("file", [runs.STATUS, runs.WEIGHTS, runs.ENVIRONMENT])
def test_what_comparing_can_do_without_is_noted(tmp_path: Path, file: str) -> None:
    run = make_run(tmp_path, "lite0-0")
    (run.path / file).write_text("{")

    (read,) = read_leaderboard([run], now=time.time()).rows

    assert not math.isnan(read.accuracy.value)
    assert file == runs.STATUS or any(file in note for note in read.notes)


def test_test_images_without_a_prediction_are_noted(tmp_path: Path) -> None:
    run = make_run(tmp_path, "lite0-0")
    predictions = runs.read_predictions(run.path)
    lost = predictions.parts.index("test")
    keep = [index for index in range(len(predictions.images)) if index != lost]
    runs.write_predictions(
        run.path,
        runs.Predictions(
            tuple(predictions.images[index] for index in keep),
            tuple(predictions.parts[index] for index in keep),
            predictions.labels[keep],
            predictions.classes,
            predictions.logits[keep],
            predictions.probabilities[keep],
        ),
    )

    assert any(note.startswith("1 of the ") for note in read_row(run).notes)


def test_any_part_can_be_evaluated(tmp_path: Path) -> None:
    run = make_run(tmp_path, "lite0-0")

    evaluation = evaluate_run(run, part="validation")

    assert evaluation.images == len(runs.read_split(run.path).ids("validation"))
    with pytest.raises(UserError, match=r"Part 'tests' is unknown; give one of train"):
        evaluate_run(run, part="tests")


def test_what_a_run_is_doing_in_words() -> None:
    status = runs.Status(
        state="training",
        phase="training",
        epoch=2,
        epochs=30,
        images_per_second=41.4,
        seconds_left=130,
    )

    assert describe_status(status) == (
        "Training, epoch 3 of 30, 41 images a second, about 2 minutes left."
    )
    reading = runs.Status(state="training", phase="reading images", epochs=30, progress=0.5)
    assert describe_status(reading) == "Reading images."
    assert describe_status(runs.Status(state="queued")) == "Waits for its turn."
    assert describe_status(runs.Status(state="stopped", epoch=1)).startswith(
        "Stopped after 1 epoch;"
    )
    assert describe_seconds(1) == "1 second"
    assert describe_seconds(7200) == "2.0 hours"
