"""The sentences that compare runs: the order, what is significant. No files, no drawing."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from modelzoo.evaluation.by_split import find_folds, rows_by_way
from modelzoo.evaluation.class_notes import describe_never_predicted
from modelzoo.evaluation.comparison import (
    PairDifference,
    pair_differences,
    simultaneous_interval,
)
from modelzoo.evaluation.intervals import FEW_GROUPS, pool
from modelzoo.evaluation.rows import (
    SPLIT_WORDS,
    LeaderboardRow,
    best_first,
    describe_test,
    list_splits,
    name_rows,
)
from modelzoo.evaluation.run_scores import describe_leak
from modelzoo.text import capital, confidence_interval, count, join, join_few, number, percent


def verdict(rows: Sequence[LeaderboardRow]) -> str:
    """Which run has the highest accuracy, which others differ, and on which split."""
    return " ".join(verdict_sentences(rows))


def verdict_sentences(rows: Sequence[LeaderboardRow]) -> list[str]:
    """The sentences of `verdict`, the answer first.

    Runs are compared on the same test images only: of several splits, the one with most runs.
    """
    scored = [row for row in rows if not math.isnan(row.accuracy.value)]
    if not scored:
        return ["No run has been evaluated yet."]
    split_id = list_splits(scored)[0].split_id
    scored = best_first(row for row in scored if row.split_id == split_id)
    names = name_rows(scored)
    best, others = scored[0], scored[1:]
    leaders = [names[row.run_id] for row in scored if row.accuracy.value == best.accuracy.value]
    sentences = []
    if len(leaders) == len(scored) > 1:
        sentences.append(_describe_order(leaders, [], []))
    elif others:
        # All pairs, since which run is the best was seen in the same data.
        pairs = pair_differences([row.evaluation for row in scored])
        named = [(names[scored[gap.second].run_id], gap) for gap in pairs if gap.first == 0]
        named = [(name, gap) for name, gap in named if name not in leaders]
        untested = [name for name, gap in named if math.isnan(gap.value)]
        tied = [name for name, gap in named if gap.value >= 0 and not gap.is_significant]
        lower = [(name, gap) for name, gap in named if gap.is_significant]
        sentences.append(_describe_order(leaders, tied, lower))
        if untested:
            was = "was" if len(untested) == 1 else "were"
            sentences.append(f"{join_few(untested)} {was} not tested on the same images.")
    sentences.append(_describe_best(names[best.run_id], scored))
    if best.leaked_images:
        sentences.append(describe_leak(best.leaked_images, best.evaluation.images))
    sentences.extend(best.doubts)
    sentences.extend(_describe_never_predicted(scored, names))
    if not others:
        sentences.append("Evaluate another backbone on the same split to compare.")
    untrained = sum(row.has_imagenet is False for row in scored)
    if untrained:
        total = number(len(scored))
        who = f"{number(untrained)} of the {total}"
        if untrained == len(scored):
            who = {1: "it", 2: "both"}.get(untrained, f"all {total}")
        was = "was" if untrained == 1 else "were"
        sentences.append(f"{capital(who)} {was} initialised without ImageNet weights.")
    if len(best.evaluation.groups) < FEW_GROUPS:
        groups = count(len(best.evaluation.groups), "group")
        sentences.append(f"The test images form only {groups}, so the intervals are rough.")
    return sentences


def describe_split_effect(rows: Sequence[LeaderboardRow]) -> str:
    """Accuracies of the same backbones on an easier and a harder split; empty without such runs.

    The difference is often larger than that between any two backbones. No interval is given, so
    nothing is claimed of it.
    """
    effects = sorted(_effects(rows), key=lambda effect: (-effect.runs, effect.gain, effect.title))
    if not effects:
        return ""
    first, rest = effects[0], effects[1:]
    sentence = (
        f"Mean test accuracy of {first.title} on {first.dataset}: "
        f"{percent(first.easy)} on the {SPLIT_WORDS[first.easy_kind]} "
        f"({count(first.easy_seeds, 'seed')}), "
        f"{percent(first.hard)} on the {SPLIT_WORDS[first.hard_kind]} "
        f"({count(first.hard_seeds, 'seed')})"
    )
    if not first.has_common_seeds:
        sentence += ", which have no seed in common"
    rest = [effect for effect in rest if effect.hard_kind == first.hard_kind]
    if rest:
        who = f"{rest[0].title}: " if len(rest) == 1 else f"{number(len(rest))} others: "
        sentence += f"; {who}{_change([other.gain for other in rest])}"
    return f"{sentence}."


@dataclass(frozen=True, slots=True)
class _Effect:
    """Mean accuracy of one backbone on an easier and on a harder split of the same data."""

    title: str
    dataset: str
    easy_kind: str
    easy: float
    easy_seeds: int
    hard_kind: str
    hard: float
    hard_seeds: int
    has_common_seeds: bool  # else the means are of different ones

    @property
    def gain(self) -> float:
        """Negative where the harder split is harder."""
        return self.hard - self.easy

    @property
    def runs(self) -> int:
        return self.easy_seeds + self.hard_seeds


def _effects(rows: Sequence[LeaderboardRow]) -> Iterable[_Effect]:
    """One for each backbone and way of training that was evaluated on two kinds of split."""
    for alike in rows_by_way(rows):
        by_kind: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
        for row in alike:
            by_kind[row.split_kind][row.seed].append(row.accuracy.value)
        for hard, easy in (
            ("background", "grouped"),
            ("background", "random"),
            ("grouped", "random"),
        ):
            if hard in by_kind and easy in by_kind:
                on_easy, on_hard = _of_common_seeds(by_kind[easy], by_kind[hard])
                yield _Effect(
                    alike[-1].title,
                    alike[-1].dataset,
                    easy,
                    _mean_over_seeds(on_easy),
                    len(on_easy),
                    hard,
                    _pool_folds(alike, on_hard) or _mean_over_seeds(on_hard),
                    len(on_hard),
                    on_easy.keys() == on_hard.keys(),
                )
                break


def _of_common_seeds(
    one: dict[int, list[float]], other: dict[int, list[float]]
) -> tuple[dict[int, list[float]], dict[int, list[float]]]:
    """The runs of the seeds that both have; where there are none, all of both."""
    if common := one.keys() & other.keys():
        one, other = ({seed: each[seed] for seed in common} for each in (one, other))
    return one, other


def _pool_folds(
    alike: Sequence[LeaderboardRow], values_by_seed: dict[int, list[float]]
) -> float | None:
    """The accuracy over all images of folds of background clusters; None: these are no folds."""
    rows = [row for row in alike if row.split_kind == "background" and row.seed in values_by_seed]
    folds = find_folds(rows) if rows else []
    if len(folds) < 2:
        return None
    return pool([[row.evaluation for row in fold] for fold in folds]).scores["accuracy"].value


def _mean_over_seeds(values_by_seed: dict[int, list[float]]) -> float:
    means = [sum(values) / len(values) for values in values_by_seed.values()]
    return sum(means) / len(means)


def _change(gains: Sequence[float]) -> str:
    """The range of `gains` in points, with their signs: `+1 point`, `+3 to +20 points`."""
    points = sorted(round(100 * gain) for gain in gains)
    low, high = (
        f"{each:+}".replace("-", "\N{MINUS SIGN}") if each else "0"
        for each in (points[0], points[-1])
    )
    if low != high:
        return f"{low} to {high} points"
    return f"{low} {'point' if abs(points[0]) == 1 else 'points'}"


def _describe_order(
    leaders: list[str], tied: list[str], lower: list[tuple[str, PairDifference]]
) -> str:
    """Which runs have the highest accuracy, and how each other compares with the first of them."""
    best = leaders[0]
    if len(leaders) == 1:
        parts = [f"{best} has the highest accuracy"]
    else:
        few = len(leaders) <= 3
        who = join(leaders) if few else f"{best} and {number(len(leaders) - 1)} others"
        parts = [f"{who} share the highest accuracy"]
    if tied:
        who = join(tied) if len(tied) <= 3 else f"{number(len(tied))} others"
        verb = "shows" if len(tied) == 1 else "show"
        parts.append(
            f"{who} {verb} no significant difference from {'it' if len(leaders) == 1 else best}"
        )
    if len(lower) == 1:
        name, gap = lower[0]
        parts.append(f"{name} is lower by {_range(gap)} points (95 % CI)")
    elif len(lower) <= 3 and lower:
        listed = join([f"{name} by {_range(gap)}" for name, gap in lower])
        parts.append(f"lower are {listed} points (95 % CI)")
    elif lower:
        (nearest, least), (farthest, most) = lower[0], lower[-1]
        parts.append(
            f"{number(len(lower))} are lower, from {nearest} by {_range(least)} to {farthest} by "
            f"{_range(most)} points (95 % CI)"
        )
    return f"{'; '.join(parts)}."


def describe_accuracy(name: str, row: LeaderboardRow) -> str:
    """The accuracy of a run with its interval, and on which images it was evaluated."""
    accuracy = row.accuracy
    interval = (
        "no interval"
        if math.isnan(accuracy.ci_low)
        else confidence_interval(accuracy.ci_low, accuracy.ci_high)
    )
    return (
        f"{name} has an accuracy of {percent(accuracy.value)} ({interval}) on {describe_test(row)}."
    )


def _describe_best(name: str, rows: Sequence[LeaderboardRow]) -> str:
    """The accuracy of the first of `rows`, with an interval for the highest of them all."""
    best = rows[0]
    if len(rows) == 1:
        return describe_accuracy(name, best)
    low, high = simultaneous_interval([row.evaluation for row in rows], 0)
    widened = f", widened for being the highest of {number(len(rows))}"
    interval = "no interval" if math.isnan(low) else f"{confidence_interval(low, high)}{widened}"
    return (
        f"{name} has an accuracy of {percent(best.accuracy.value)} ({interval}) on "
        f"{describe_test(best)}."
    )


def _describe_never_predicted(
    rows: Sequence[LeaderboardRow], names: Mapping[str, str]
) -> list[str]:
    """A sentence on models that never predict one of the classes; none where there are none."""
    never = [row for row in rows if row.never_predicted]
    if not never:
        return []
    if len(rows) == 1:
        return [describe_never_predicted(never[0].never_predicted)]
    models_by_classes: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for row in never:
        models_by_classes[row.never_predicted].append(names[row.run_id])
    if len(models_by_classes) > 3:
        few = f"{number(len(never))} of the {number(len(rows))} models never predict some class"
        return [f"{capital(few)}: the notes in the table name it."]
    said = [
        f"{join_few(models)} never predict{'s' if len(models) == 1 else ''} {join_few(classes)}"
        for classes, models in models_by_classes.items()
    ]
    return [f"{'; '.join(said)}."]


def _range(gap: PairDifference) -> str:
    """The ends of `gap` in points, with a decimal where whole points would say zero."""
    decimals = 0 if gap.ci_low >= 0.01 else 1
    return f"{100 * gap.ci_low:.{decimals}f}–{100 * gap.ci_high:.{decimals}f}"
