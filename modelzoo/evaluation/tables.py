"""Runs side by side as tables, for people and for machines."""

import math
from collections.abc import Sequence

import pandas as pd

from modelzoo.evaluation.intervals import Evaluation, Score
from modelzoo.evaluation.metrics import METRICS
from modelzoo.evaluation.rows import WEIGHTS_WORDS, Leaderboard, LeaderboardRow, best_first
from modelzoo.text import count, describe_seconds, percent


def leaderboard_table(rows: Sequence[LeaderboardRow]) -> pd.DataFrame:
    """`rows` as a table, best first: a column for each score and for both ends of its interval."""
    records = []
    for row in best_first(rows):
        record: dict[str, object] = {
            "run": row.run_id,
            "backbone": row.title,
            "recipe": row.recipe,
            "mode": row.mode,
            "weights": WEIGHTS_WORDS[row.has_imagenet],
            "data": row.dataset,
            "split": row.split_kind,
            "split_id": row.split_id,
            "seed": row.seed,
            "state": row.state,
            "test_images": row.evaluation.images,
            "test_groups": len(row.evaluation.groups),
        }
        for name, score in row.evaluation.scores.items():
            record |= {
                name: score.value,
                f"{name}_low": score.ci_low,
                f"{name}_high": score.ci_high,
            }
        record |= {
            "ms_per_image": row.ms_per_image,
            "parameters": row.parameters,
            "seconds": row.seconds,
            "notes": " ".join(row.notes),
        }
        records.append(record)
    return pd.DataFrame(records)


def runs_table(board: Leaderboard) -> pd.DataFrame:
    """Every run of `board` in words, for people: the tested best first, then the others."""
    columns = ["run", "backbone", "weights", "data", "split", "tested on", *_FIRST_SCORES]
    columns += ["ms an image", "parameters", "trained in", "state"]
    records = [
        [
            row.run_id,
            row.title,
            WEIGHTS_WORDS[row.has_imagenet],
            row.dataset,
            f"{row.split_kind}, seed {row.seed}",
            f"{row.evaluation.images} in {count(len(row.evaluation.groups), 'group')}",
            *(describe_score(row.evaluation.scores[name]) for name in _FIRST_SCORES),
            "" if math.isnan(row.ms_per_image) else f"{row.ms_per_image:.1f}",
            "" if math.isnan(row.parameters) else f"{row.parameters / 1e6:.1f} M",
            describe_seconds(row.seconds),
            row.state,
        ]
        for row in best_first(board.rows)
    ]
    blank = [""] * (len(columns) - 3)
    records += [[each.run_id, each.title, *blank, each.state] for each in board.unfinished]
    return pd.DataFrame(records, columns=columns)


_FIRST_SCORES = ("accuracy", "balanced_accuracy", "f1", "auc")  # as many as a terminal is wide


def scores_table(evaluation: Evaluation) -> pd.DataFrame:
    """One row a score in words: title, value, 95 % interval, and what is to be said of it."""
    return pd.DataFrame(
        {
            "score": [METRICS[name].title for name in evaluation.scores],
            "value": [describe_score(score) for score in evaluation.scores.values()],
            "note": [score.note for score in evaluation.scores.values()],
        }
    )


def describe_score(score: Score) -> str:
    """A score in percent with its 95 % interval: `95.8 % (91.2 to 98.7)`."""
    if math.isnan(score.value):
        return "not defined"
    if math.isnan(score.ci_low):
        return f"{percent(score.value)} (no interval)"
    return f"{percent(score.value)} ({100 * score.ci_low:.1f} to {100 * score.ci_high:.1f})"
