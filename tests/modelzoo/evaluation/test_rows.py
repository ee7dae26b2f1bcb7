import math
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from modelzoo.datasets.splits import Split
from modelzoo.errors import UserError
from modelzoo.evaluation.metrics import METRICS
from modelzoo.evaluation.rows import (
    best_first,
    describe_status,
    list_splits,
    name_rows,
    read_leaderboard,
    read_row,
)
from modelzoo.evaluation.run_scores import evaluate_run
from modelzoo.evaluation.tables import leaderboard_table, run_records, score_records
from modelzoo.evaluation.verdict import verdict
from modelzoo.runs.file_names import ENVIRONMENT, PREDICTIONS, SPLIT, STATUS, WEIGHTS
from modelzoo.runs.predictions import Predictions, read_predictions, write_predictions
from modelzoo.runs.records import read_split, write_split
from modelzoo.runs.status import Status
from modelzoo.text import describe_seconds
from tests.modelzoo.evaluation.rows import row
from tests.run_folders import make_run

# Names, order, tables


def test_names_are_as_short_as_they_can_be() -> None:
    rows = [row("A"), row("B"), row("B", recipe="finetune"), row("C", seed=1), row("C", seed=2)]

    assert list(name_rows(rows).values()) == [
        "A",
        "B (quick)",
        "B (finetune)",
        "C (c-quick-grouped-1)",
        "C (c-quick-grouped-2)",
    ]


def test_rows_without_a_score_come_last() -> None:
    rows = [row("A", images=0), row("B", 9), row("C", 3)]

    assert [each.title for each in best_first(rows)] == ["C", "B", "A"]
    assert verdict(rows[:1]) == "No run has been evaluated yet."


def test_splits_are_listed_with_the_most_used_first() -> None:
    choices = list_splits([row("A", split="background"), row("A"), row("B")])

    assert [(choice.split_id, choice.runs) for choice in choices] == [
        ("grouped0", 2),
        ("background0", 1),
    ]
    assert choices[1].title == ("smears, background-cluster split, seed 0, backgr")


def test_the_table_has_every_score_with_both_ends_and_its_split() -> None:
    table = leaderboard_table([row("A", 9), row("B", 3, has_imagenet=False)])

    assert table["title"].tolist() == ["B", "A"]
    assert table["weights"].tolist() == ["none", "ImageNet"]
    assert table["split"].tolist() == ["grouped", "grouped"]
    for name in METRICS:
        assert {name, f"{name}_ci_low", f"{name}_ci_high"} <= set(table)
    assert isinstance(leaderboard_table([]), pd.DataFrame)
    assert len(score_records(row("A", 9).evaluation)) == len(METRICS)


def test_the_list_of_runs_has_every_run(tmp_path: Path) -> None:
    found = [make_run(tmp_path, "a"), make_run(tmp_path, "b", state="stopped")]

    records = run_records(read_leaderboard(found), found)

    assert {record["run"]: record["state"] for record in records} == {"a": "done", "b": "stopped"}
    assert len({tuple(record) for record in records}) == 1  # the same keys for all
    assert all(record["date"] for record in records)


# Run folders


def test_a_run_folder_becomes_a_row(tmp_path: Path) -> None:
    run = make_run(tmp_path, "lite0-0", starts_at_random=True, split="background", seed=2)

    board = read_leaderboard([run], now=time.time())

    (read,) = board.rows
    assert not board.unfinished
    assert not board.problems
    assert read.title == "EfficientNet-Lite0"
    assert (read.split_kind, read.seed, read.has_imagenet) == ("background", 2, False)
    assert read.split_id == read_split(run.path).id
    assert read.evaluation.images == len(read_split(run.path).ids("test"))
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


@pytest.mark.parametrize("file", [PREDICTIONS, SPLIT])
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


@pytest.mark.parametrize("file", [STATUS, WEIGHTS, ENVIRONMENT])
def test_what_comparing_can_do_without_is_noted(tmp_path: Path, file: str) -> None:
    run = make_run(tmp_path, "lite0-0")
    (run.path / file).write_text("{")

    (read,) = read_leaderboard([run], now=time.time()).rows

    assert not math.isnan(read.accuracy.value)
    assert file == STATUS or any(file in note for note in read.notes)


def test_split_and_predictions_of_other_images_are_not_scored(tmp_path: Path) -> None:
    run = make_run(tmp_path, "lite0-0")
    predictions = read_predictions(run.path)
    lost = predictions.parts.index("test")
    keep = [index for index in range(len(predictions.images)) if index != lost]
    write_predictions(
        run.path,
        Predictions(
            tuple(predictions.images[index] for index in keep),
            tuple(predictions.parts[index] for index in keep),
            predictions.labels[keep],
            predictions.classes,
            predictions.logits[keep],
            predictions.probabilities[keep],
        ),
    )

    with pytest.raises(UserError, match="are not the same, so it cannot be scored"):
        read_row(run)


def test_any_part_can_be_evaluated(tmp_path: Path) -> None:
    run = make_run(tmp_path, "lite0-0")

    evaluation = evaluate_run(run, part="validation")

    assert evaluation.images == len(read_split(run.path).ids("validation"))
    with pytest.raises(UserError, match=r"Part 'tests' is unknown; give one of train"):
        evaluate_run(run, part="tests")


def test_what_a_run_is_doing_in_words() -> None:
    status = Status(
        state="training",
        phase="training",
        epoch=2,
        epochs=30,
        images_per_second=41.4,
        seconds_left=130,
    )

    assert describe_status(status, "finetune") == (
        "Training, epoch 3 of 30, 41 images per second, about 2 minutes left."
    )
    # Not images a second: a head on features that are there takes thousands.
    assert "5,834 cached features per second" in describe_status(
        replace(status, images_per_second=5834.2), "frozen"
    )
    stopping = describe_status(replace(status, stopping="after this epoch"), "finetune")
    assert stopping == "Training, epoch 3 of 30, 41 images per second, stops after this epoch."
    assert describe_status(replace(status, stopping="now"), "frozen") == "Stops at the next batch."
    reading = Status(state="training", phase="reading images", epochs=30, progress=0.5)
    assert describe_status(reading, "frozen") == "Reading images."
    assert describe_status(Status(state="queued"), "frozen") == "Queued."
    stopped = describe_status(Status(state="stopped", epoch=1), "frozen")
    assert stopped.startswith("Stopped after 1 epoch;")
    assert describe_seconds(1) == "1 second"
    assert describe_seconds(7200) == "2.0 hours"


@pytest.mark.parametrize("seen", ["train", "validation"])  # which the epoch was chosen by
def test_test_images_whose_group_the_model_has_seen_are_said(tmp_path: Path, seen: str) -> None:
    run = make_run(tmp_path, "net", split="given")
    split = read_split(run.path)
    of_training = next(row.group for row in split.rows if row.part == seen)
    tested = [row for row in split.rows if row.part == "test"]
    moved = {row.image for row in tested[:3]}
    rows = [replace(row, group=of_training) if row.image in moved else row for row in split.rows]
    write_split(run.path, Split(tuple(rows)))

    tainted = read_row(run)

    said = (
        f"3 of the {len(tested)} test images share their group with training or validation "
        "images (one patient, a copy, or an overlapping field), so the scores may be too high for "
        "new patients."
    )
    assert tainted.leaked_images == 3
    assert said in tainted.notes
    assert said in verdict([tainted])
    assert said in evaluate_run(run).notes
    assert "share their group" not in verdict([read_row(make_run(tmp_path, "clean"))])
