"""One way of training over every split that it was run on: what a split is worth. Records only.

Runs are of one way where all their settings but split and seed are the same, on the same images.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

from modelzoo.datasets.splits import SplitKind
from modelzoo.evaluation.intervals import Score
from modelzoo.evaluation.metrics import METRICS
from modelzoo.evaluation.rows import LeaderboardRow
from modelzoo.text import count

KINDS: tuple[SplitKind, ...] = get_args(SplitKind)


@dataclass(frozen=True, slots=True)
class SeedScore:
    """One score over the runs of several seeds; NaN where it is not defined."""

    value: float  # the mean
    lowest: float  # of a run
    highest: float
    ci_low: float  # the lowest end of a run's 95 % CI
    ci_high: float  # the highest


@dataclass(frozen=True, slots=True)
class OnSplit:
    """The runs of one way on one kind of split."""

    images: int  # of a test part, the first run's
    groups: int
    seeds: tuple[int, ...]  # each once
    runs: tuple[str, ...]
    scores: dict[str, SeedScore]  # by name in METRICS
    leaked: int  # test images whose group is in training or validation, of the first run


@dataclass(frozen=True, slots=True)
class Way:
    """One network, trained in one way on one data set."""

    title: str
    backbone: str
    dataset: str
    dataset_id: str
    by_split: dict[str, OnSplit]  # in the order of KINDS


def list_ways(rows: Iterable[LeaderboardRow]) -> list[Way]:
    """The ways of training among runs that were evaluated, those on most kinds of split first."""
    alike: dict[tuple[object, ...], list[LeaderboardRow]] = defaultdict(list)
    for row in rows:
        if not math.isnan(row.accuracy.value):
            alike[way_of(row)].append(row)
    titles = _name_ways(list(alike.values()))
    ways = [
        _make_way(title, members) for title, members in zip(titles, alike.values(), strict=True)
    ]
    return sorted(ways, key=lambda way: (-len(way.by_split), way.dataset, way.title))


def way_of(row: LeaderboardRow) -> tuple[object, ...]:
    """What runs of one way have in common: the images, the network, every setting but the split."""
    settings = replace(row.config, split="random", seed=0, data="", columns="")
    return row.dataset_id, row.title, row.backbone, row.mode, row.has_imagenet, settings


def over_seeds(scores: Sequence[Score]) -> SeedScore:
    """Mean, range and the ends of the intervals of one score of several runs."""
    values = [score.value for score in scores if not math.isnan(score.value)]
    lows = [score.ci_low for score in scores if not math.isnan(score.ci_low)]
    highs = [score.ci_high for score in scores if not math.isnan(score.ci_high)]
    return SeedScore(
        value=sum(values) / len(values) if values else math.nan,
        lowest=min(values, default=math.nan),
        highest=max(values, default=math.nan),
        ci_low=min(lows, default=math.nan),
        ci_high=max(highs, default=math.nan),
    )


def describe_seeds(score: SeedScore, metric: str, runs: int, seeds: int) -> str:
    """A score with its interval, and over how many seeds or runs: `97.8 % (96.3–98.9), 3 seeds`.

    Of several runs the mean, and the interval reaches from the lowest end of their 95 % CIs to the
    highest.

    Args:
        score: Over the runs.
        metric: A key of METRICS.
        runs: How many.
        seeds: How many different ones.
    """
    row = METRICS[metric]
    if math.isnan(score.value):
        return "not defined"
    text = row.describe(score.value)
    if not math.isnan(score.ci_low):
        text += f" ({row.describe_interval(score.ci_low, score.ci_high)})"
    if runs == 1:
        return text
    return f"{text}, {count(seeds, 'seed')}" if runs == seeds else f"{text}, {runs} runs"


def split_records(ways: Sequence[Way]) -> list[dict[str, Any]]:
    """One record for each way and split, as values: shares in [0, 1], NaN where not defined."""
    return [
        {
            "title": way.title,
            "backbone": way.backbone,
            "data": way.dataset,
            "split": kind,
            "test_images": each.images,
            "test_groups": each.groups,
            "leaked_images": each.leaked,
            "seeds": " ".join(map(str, each.seeds)),
            "runs": " ".join(each.runs),
            **{
                key: value
                for name, score in each.scores.items()
                for key, value in (
                    (name, score.value),
                    (f"{name}_lowest", score.lowest),
                    (f"{name}_highest", score.highest),
                    (f"{name}_ci_low", score.ci_low),
                    (f"{name}_ci_high", score.ci_high),
                )
            },
        }
        for way in ways
        for kind, each in way.by_split.items()
    ]


def _make_way(title: str, members: Sequence[LeaderboardRow]) -> Way:
    by_kind: dict[str, list[LeaderboardRow]] = defaultdict(list)
    for row in sorted(members, key=lambda row: (row.seed, row.run_id)):
        by_kind[row.split_kind].append(row)
    first = members[0]
    by_split: dict[str, OnSplit] = {
        kind: _on_split(by_kind[kind]) for kind in KINDS if kind in by_kind
    }
    return Way(title, first.backbone, first.dataset, first.dataset_id, by_split)


def _on_split(rows: Sequence[LeaderboardRow]) -> OnSplit:
    first = rows[0]
    return OnSplit(
        images=first.evaluation.images,
        groups=len(first.evaluation.groups),
        seeds=tuple(dict.fromkeys(row.seed for row in rows)),
        runs=tuple(row.run_id for row in rows),
        scores={
            name: over_seeds([row.evaluation.scores[name] for row in rows]) for name in METRICS
        },
        leaked=first.leaked_images,
    )


def _name_ways(ways: Sequence[Sequence[LeaderboardRow]]) -> list[str]:
    """The shortest title that tells each way apart: network, recipe, size, else its first run."""
    firsts = [members[0] for members in ways]
    steps = (
        lambda row: row.title,
        lambda row: f"{row.title} ({row.recipe})",
        lambda row: f"{row.title} ({row.recipe}, {row.config.px} px)",
    )
    titles = [f"{row.title} ({row.run_id})" for row in firsts]
    for step in reversed(steps):
        named = [step(row) for row in firsts]
        counts = Counter(named)
        titles = [new if counts[new] == 1 else old for new, old in zip(named, titles, strict=True)]
    return titles
