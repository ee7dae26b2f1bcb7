"""One way of training over every split that it was run on: what a split is worth. Records only.

Runs are of one way where all their settings but split and seed are the same, on the same images.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, get_args

import numpy as np

from modelzoo.config.train_config import TrainConfig
from modelzoo.datasets.splits import SplitKind
from modelzoo.evaluation.clustered import folds_interval
from modelzoo.evaluation.comparison import pair_differences
from modelzoo.evaluation.intervals import ByMetric, Evaluation, Score, pool
from modelzoo.evaluation.metrics import METRICS, Metric
from modelzoo.evaluation.pairs import in_points
from modelzoo.evaluation.rows import LeaderboardRow
from modelzoo.evaluation.units import Unit
from modelzoo.text import count, describe_p, join

MOST_PAIRS = 5
MOST_SETTINGS = 3  # in the name of a way
# Settings that a way has several of, or that its name says in another way.
_SAID = ("data", "columns", "split", "seed", "recipe", "backbone", "input_px", "weights")
KINDS: tuple[SplitKind, ...] = get_args(SplitKind)


@dataclass(frozen=True, slots=True)
class SeedScore:
    """One score over the runs of several seeds; NaN where it is not defined."""

    value: float  # the mean
    lowest: float  # of a run
    highest: float
    ci_low: float  # of the 95 % CI of all folds, else the lowest end of a run's
    ci_high: float  # the same, the highest
    folds: int = 1  # test parts without a group in common, over which the mean is taken


@dataclass(frozen=True, slots=True)
class OnSplit:
    """The runs of one way on one kind of split."""

    per: Unit  # what was scored as one
    units: int  # of a test part, the first run's, or of all folds, as in the next two
    images: int
    groups: int
    seeds: tuple[int, ...]  # each once
    runs: tuple[str, ...]
    scores: Mapping[str, SeedScore]  # by name in METRICS
    leaked: int  # test images whose group is in training or validation, of the first run
    folds: int  # test parts without a group in common; images and groups are of all
    tested: Evaluation | None  # pooled; None: there is one fold


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
    alike = rows_by_way(rows)
    titles = _name_ways(alike)
    ways = [_make_way(title, members) for title, members in zip(titles, alike, strict=True)]
    return sorted(ways, key=lambda way: (-len(way.by_split), way.dataset, way.title))


def rows_by_way(rows: Iterable[LeaderboardRow]) -> list[list[LeaderboardRow]]:
    """The rows of each way of training, of those that have an accuracy."""
    alike: dict[tuple[object, ...], list[LeaderboardRow]] = defaultdict(list)
    for row in rows:
        if not math.isnan(row.accuracy.value):
            alike[way_of(row)].append(row)
    return list(alike.values())


def way_of(row: LeaderboardRow) -> tuple[object, ...]:
    """What runs of one way have in common: the images, the network, every setting but the split."""
    settings = replace(row.config, split="random", seed=0, data="", columns="")
    return row.dataset_id, row.title, row.backbone, row.mode, row.has_imagenet, settings


def over_folds(folds: Sequence[Sequence[Evaluation]]) -> Mapping[str, SeedScore]:
    """Every metric over runs: pooled over folds, or as `over_seeds` has it.

    Args:
        folds: Of the runs by fold, from `find_folds`.
    """
    return ByMetric(partial(_over_folds, folds, pool(folds).scores if len(folds) > 1 else {}))


def _over_folds(
    folds: Sequence[Sequence[Evaluation]], pooled: Mapping[str, Score], metric: Metric
) -> SeedScore:
    by_fold = [[each.scores[metric.name] for each in members] for members in folds]
    return over_seeds(by_fold, metric, pooled.get(metric.name) if metric.from_confusion else None)


def over_seeds(
    folds: Sequence[Sequence[Score]], metric: Metric | None = None, pooled: Score | None = None
) -> SeedScore:
    """Mean, range and interval of one score of several runs.

    Args:
        folds: Scores of the runs by fold.
        metric: Whose range an interval over folds keeps to; None: a share.
        pooled: The score of all folds' images together; None: the folds' mean by Student's t.
    """
    scores = [score for of_fold in folds for score in of_fold]
    values = [score.value for score in scores if not math.isnan(score.value)]
    lows = [score.ci_low for score in scores if not math.isnan(score.ci_low)]
    highs = [score.ci_high for score in scores if not math.isnan(score.ci_high)]
    means = np.array([np.mean([score.value for score in of_fold]) for of_fold in folds])
    value = sum(values) / len(values) if values else math.nan
    ends = min(lows, default=math.nan), max(highs, default=math.nan)
    if pooled:
        value, ends = pooled.value, (pooled.ci_low, pooled.ci_high)
    elif len(folds) > 1 and not np.isnan(means).any():
        lowest, highest = (metric.lowest, metric.highest) if metric else (0.0, 1.0)
        value, ends = float(means.mean()), folds_interval(means, lowest=lowest, highest=highest)
    return SeedScore(
        value, min(values, default=math.nan), max(values, default=math.nan), *ends, len(folds)
    )


def describe_seeds(score: SeedScore, metric: str, runs: int, seeds: int) -> str:
    """A score with its interval, and over how many seeds or runs: `97.8 % (96.3–98.9), 3 seeds`.

    Of several runs the mean, and the interval reaches from the lowest end of their 95 % CIs to the
    highest; of folds the score of all their images, with its own interval.

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
    if score.folds > 1:
        return f"{text}, {score.folds} folds" + (f", {runs} runs" if runs > score.folds else "")
    return f"{text}, {count(seeds, 'seed')}" if runs == seeds else f"{text}, {runs} runs"


def describe_spread(score: SeedScore, metric: str, runs: int, seeds: int) -> str:
    """As `describe_seeds`, with the lowest and the highest run: `…, 3 seeds: 96.9–98.4`."""
    words = describe_seeds(score, metric, runs, seeds)
    if runs == 1 or math.isnan(score.value):
        return words
    return f"{words}: {METRICS[metric].describe_interval(score.lowest, score.highest)}"


def describe_folds(ways: Sequence[Way]) -> str:
    """How the accuracy of ways compares over the folds of background clusters; empty: nothing to.

    Paired over the clusters of all folds, by `pair_differences`.
    """
    found = [
        (way.title, way.by_split["background"])
        for way in ways
        if "background" in way.by_split and way.by_split["background"].tested
    ]
    found.sort(key=lambda each: -each[1].scores["accuracy"].value)
    pairs = [
        pair
        for pair in pair_differences([on.tested for _, on in found if on.tested])
        if not pair.first and not math.isnan(pair.p)
    ]
    if not pairs:
        return ""
    title, on = found[0]
    parts = [
        f"{found[pair.second][0]} by {in_points(pair.value).removeprefix('+')} points (95 % "
        f"CI {in_points(pair.ci_low)} to {in_points(pair.ci_high)}, p = "
        f"{describe_p(pair.p)}".replace("p = <", "p <")
        + (")" if pair.is_significant else ", not significant)")
        for pair in pairs[:MOST_PAIRS]
    ]
    more = len(pairs) - MOST_PAIRS
    others = f"; {count(more, 'other')} not listed" if more > 0 else ""
    return (
        f"On background clusters, over all {on.folds} folds, the accuracy measured of {title} is "
        f"above that of {join(parts)}{others}: paired over {on.groups} clusters, corrected for all "
        "pairs."
    )


def split_records(ways: Sequence[Way]) -> list[dict[str, Any]]:
    """One record for each way and split, as values: shares in [0, 1], NaN where not defined."""
    return [
        {
            "title": way.title,
            "backbone": way.backbone,
            "data": way.dataset,
            "split": kind,
            "per": each.per,
            "test_units": each.units,
            "test_images": each.images,
            "test_groups": each.groups,
            "leaked_images": each.leaked,
            "folds": each.folds,
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
    folds = find_folds(rows)
    first = [members[0].evaluation for members in folds]
    return OnSplit(
        per=first[0].per,
        units=sum(each.units for each in first),
        images=sum(each.images for each in first),
        groups=sum(len(each.groups) for each in first),
        seeds=tuple(dict.fromkeys(row.seed for row in rows)),
        runs=tuple(row.run_id for row in rows),
        scores=over_folds([[row.evaluation for row in members] for members in folds]),
        leaked=rows[0].leaked_images,
        folds=len(folds),
        tested=pool([[row.evaluation for row in members] for members in folds])
        if len(folds) > 1
        else None,
    )


def find_folds(rows: Sequence[LeaderboardRow]) -> list[list[LeaderboardRow]]:
    """Runs on background clusters by test part, where these differ wholly; others as one fold."""
    by_split: dict[str, list[LeaderboardRow]] = defaultdict(list)
    for row in rows:
        by_split[row.split_id].append(row)
    tested = [group for (row, *_) in by_split.values() for group in row.evaluation.groups]
    are_folds = rows[0].split_kind == "background" and len(tested) == len(set(tested))
    return list(by_split.values()) if are_folds else [list(rows)]


def _name_ways(ways: Sequence[Sequence[LeaderboardRow]]) -> list[str]:
    """The shortest title that tells each way apart: network, recipe, settings, else a run's."""
    firsts = [members[0] for members in ways]
    steps = (
        lambda row: row.title,
        lambda row: f"{row.title} ({row.recipe})",
        lambda row: f"{row.title} ({', '.join([row.recipe, *_unlike(row, firsts)])})",
    )
    titles = [f"{row.title} ({row.run_id})" for row in firsts]
    for step in reversed(steps):
        named = [step(row) for row in firsts]
        counts = Counter(named)
        titles = [new if counts[new] == 1 else old for new, old in zip(named, titles, strict=True)]
    return titles


def _unlike(row: LeaderboardRow, rows: Sequence[LeaderboardRow]) -> list[str]:
    """What tells `row` from those of its title and recipe: `finetune`, `224 px`, `epochs 30`.

    At most `MOST_SETTINGS` of them: with more, a name is no longer read.
    """
    alike = [each for each in rows if (each.title, each.recipe) == (row.title, row.recipe)]
    said = []
    if len({each.config.px for each in alike}) > 1:
        said.append(f"{row.config.px} px")
    if len({each.has_imagenet for each in alike}) > 1:
        said.append("ImageNet weights" if row.has_imagenet else "random weights")
    for spec in fields(TrainConfig):
        values = {getattr(each.config, spec.name) for each in alike}
        if spec.name not in _SAID and len(values) > 1:
            value = getattr(row.config, spec.name)
            words = spec.name.replace("_", " ")
            said.append(str(value) if spec.name == "mode" else f"{words} {value}")
    return said[:MOST_SETTINGS]
