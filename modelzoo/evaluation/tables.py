"""Runs side by side as tables, for people and for machines."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

import pandas as pd

from modelzoo.evaluation.by_class import ClassScores
from modelzoo.evaluation.calibration import Reliability
from modelzoo.evaluation.intervals import Evaluation, Score
from modelzoo.evaluation.metrics import METRICS
from modelzoo.evaluation.rows import (
    WEIGHTS_WORDS,
    Leaderboard,
    LeaderboardRow,
    Unfinished,
    best_first,
)
from modelzoo.evaluation.units import Unit
from modelzoo.runs.folder import Run
from modelzoo.runs.status import read_date


def leaderboard_table(rows: Sequence[LeaderboardRow]) -> pd.DataFrame:
    """`rows` as a table, best first: a column for each score and for both ends of its 95 % CI."""
    return pd.DataFrame([row_record(row) for row in best_first(rows)])


def row_record(row: LeaderboardRow) -> dict[str, Any]:
    """One evaluated run as plain values: scores, seconds, counts; NaN where not known.

    Scores are shares in [0, 1], or in the range that METRICS says.
    """
    record: dict[str, Any] = {
        "run": row.run_id,
        "state": row.state,
        "title": row.title,
        "backbone": row.backbone,
        "recipe": row.recipe,
        "mode": row.mode,
        "weights": WEIGHTS_WORDS[row.has_imagenet],
        "data": row.dataset,
        "split": row.split_kind,
        "split_id": row.split_id,
        "seed": row.seed,
        "per": row.per,
        "test_units": row.evaluation.units,
        "test_images": row.evaluation.images,
        "test_groups": len(row.evaluation.groups),
    }
    for name, score in row.evaluation.scores.items():
        record |= _score_values(name, score)
    return record | {
        "ms_per_image": row.ms_per_image,
        "parameters": row.parameters,
        "seconds": row.seconds,
        "features": row.features,
        "notes": " ".join(row.notes),
    }


def run_records(
    board: Leaderboard, runs: Sequence[Run], per: Unit = "image"
) -> list[dict[str, Any]]:
    """Every run of `board` as `row_record` has it, with its date, newest first.

    What an unfinished run has not is NaN; what it is doing stands in its notes.

    Args:
        board: Of these runs.
        runs: For the dates of all and the settings of the unfinished.
        per: What was scored as one.
    """
    run_by_id = {run.id: run for run in runs}
    records = [row_record(row) for row in board.rows]
    records += [_unfinished_record(each, run_by_id[each.run_id], per) for each in board.unfinished]
    seconds = {run.id: read_date(run.path) for run in runs}
    records.sort(key=lambda record: (-seconds[record["run"]], record["run"]))
    return [
        {"run": record["run"], "date": _describe_date(seconds[record["run"]]), **record}
        for record in records
    ]


def _unfinished_record(unfinished: Unfinished, run: Run, per: Unit) -> dict[str, Any]:
    """A run without scores, with the keys of `row_record`."""
    config = run.config
    scores: dict[str, Any] = {}
    for name in METRICS:
        scores |= _score_values(name, _NO_SCORE)
    return {
        "run": run.id,
        "state": unfinished.state,
        "title": unfinished.title,
        "backbone": config.backbone,
        "recipe": config.recipe,
        "mode": config.mode,
        "weights": WEIGHTS_WORDS[config.weights == "imagenet"],
        "data": PurePath(config.data).name or config.data,
        "split": config.split,
        "split_id": "",
        "seed": config.seed,
        "per": per,
        "test_units": 0,
        "test_images": 0,
        "test_groups": 0,
        **scores,
        "ms_per_image": math.nan,
        "parameters": math.nan,
        "seconds": math.nan,
        "features": "",
        "notes": unfinished.sentence,
    }


_NO_SCORE = Score(math.nan, math.nan, math.nan)


def _score_values(name: str, score: Score) -> dict[str, float]:
    return {name: score.value, f"{name}_ci_low": score.ci_low, f"{name}_ci_high": score.ci_high}


def _describe_date(seconds: float) -> str:
    """Seconds since the epoch as ISO 8601, to the second, in the time zone of this machine.

    Empty for 0: not known.
    """
    if not seconds:
        return ""
    return datetime.fromtimestamp(seconds, tz=UTC).astimezone().isoformat(timespec="seconds")


def score_records(evaluation: Evaluation) -> list[dict[str, Any]]:
    """One record per score: name, title, value, both ends of its 95 % CI, in words, a note."""
    return [
        {
            "name": name,
            "title": METRICS[name].title,
            "value": score.value,
            "ci_low": score.ci_low,
            "ci_high": score.ci_high,
            "text": describe_score(name, score),
            "note": score.note,
        }
        for name, score in evaluation.scores.items()
    ]


def calibration_record(found: Reliability | None) -> dict[str, Any] | None:
    """The reliability of the predicted class: errors, those of ideal calibration, and the bins."""
    if found is None:
        return None
    return {
        **_score_values("ece", found.ece),
        "ideal_ece_mean": found.ideal.mean,
        "ideal_ece_percentile_97_5": found.ideal.highest,
        "debiased_ece": found.debiased_ece,
        "squared_error": found.squared_error,
        "debiased_squared_error": found.debiased_squared_error,
        "bins": bin_records(found),
    }


def bin_records(found: Reliability) -> list[dict[str, Any]]:
    """One record per bin of a reliability diagram: shares in [0, 1], images and groups."""
    return [
        {
            "mean_probability": each.confidence,
            **_score_values("share", each.share),
            "images": each.images,
            "groups": each.groups,
        }
        for each in found.bins
    ]


def class_records(by_class: Sequence[tuple[ClassScores, str]]) -> list[dict[str, Any]]:
    """One record per class: images, groups, how often predicted, four scores, what they rest on.

    Args:
        by_class: From `evaluate_classes`.
    """
    return [
        {
            "class": each.name,
            "images": each.images,
            "groups": each.groups,
            "predicted": each.predicted,
            **_score_values("sensitivity", each.sensitivity),
            **_score_values("precision", each.precision),
            **_score_values("auc", each.auc),
            **_score_values("average_precision", each.average_precision),
            "note": note,
        }
        for each, note in by_class
    ]


def describe_class_score(record: Mapping[str, Any], name: str) -> str:
    """A score of `class_records` in short, under a title that says CI, or `not defined`."""
    return describe_record_score(record, name) or "not defined"


def describe_record_score(record: Mapping[str, Any], name: str) -> str:
    """A score of a record in short, under a title that says CI: `95.8 % (91.2–98.7)`, or empty."""
    score = Score(*(record[f"{name}{end}"] for end in ("", "_ci_low", "_ci_high")))
    return "" if math.isnan(score.value) else describe_score_briefly(name, score)


def describe_score_briefly(name: str, score: Score) -> str:
    """A score with its interval, under a title that says CI: `95.8 % (91.2–98.7)`."""
    if math.isnan(score.value):
        return "not defined"
    text = METRICS[name].describe(score.value)
    if math.isnan(score.ci_low):
        return text
    return f"{text} ({METRICS[name].describe_interval(score.ci_low, score.ci_high)})"


def describe_score(name: str, score: Score) -> str:
    """A score with its interval in full: `95.8 % (95 % CI 91.2–98.7 %)`, or `0.995` of an AUC."""
    if math.isnan(score.value):
        return "not defined"
    metric = METRICS[name]
    if math.isnan(score.ci_low):
        return f"{metric.describe(score.value)} (no interval)"
    unit = f" {metric.unit}".rstrip()
    interval = metric.describe_interval(score.ci_low, score.ci_high)
    return f"{metric.describe(score.value)} (95 % CI {interval}{unit})"
