"""Runs side by side: rows, tables, and the sentences that answer "which is best, can we tell?".

Reads run folders through `modelzoo.runs`; draws nothing.
"""

import math
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

import pandas as pd

from modelzoo.backbones.table import BACKBONES
from modelzoo.datasets.splits import PARTS, Split
from modelzoo.errors import UserError
from modelzoo.evaluation.intervals import (
    FEW_GROUPS,
    RESAMPLES,
    Evaluation,
    Gap,
    Score,
    accuracy_gaps,
    evaluate,
)
from modelzoo.evaluation.scores import METRICS
from modelzoo.runs import (
    PREDICTIONS,
    Run,
    State,
    Status,
    read_environment,
    read_predictions,
    read_split,
    read_status,
    read_weights,
)

SPLIT_WORDS = {
    "random": "random split",
    "group": "group split",
    "look": "held-out looks",
    "given": "split given with the data",
}
SPLIT_HELP = {
    "random": "random: any image may be in the test, even when its neighbour was trained on.",
    "group": "group: a patient's images, or overlapping fields, stay together.",
    "look": "look: whole clusters of background colour are held out, a stand-in for new slides.",
    "given": "given: as the data set's folders or table say.",
}


WEIGHTS_WORDS = {True: "ImageNet", False: "none", None: "not known"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LeaderboardRow:
    """One run that was tested."""

    run_id: str
    backbone: str
    title: str  # the backbone's, as papers print it
    recipe: str
    mode: str
    dataset: str  # last part of the data folder's path
    dataset_id: str
    split_kind: str
    split_id: str
    seed: int
    state: State
    evaluation: Evaluation  # of the test part
    has_imagenet: bool | None  # None: the run does not say
    ms_per_image: float  # NaN where the run does not say, as in the next two
    parameters: float
    seconds: float  # of all phases of the training
    notes: tuple[str, ...] = ()  # what a reader must know to judge the row

    @property
    def accuracy(self) -> Score:
        """Share of the test images named right."""
        return self.evaluation.scores["accuracy"]


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A run without scores so far."""

    run_id: str
    title: str
    state: State
    sentence: str
    progress: float  # share of the whole, [0, 1]


@dataclass(frozen=True, slots=True)
class SplitChoice:
    """A split that runs were tested on: only runs of one may be compared."""

    split_id: str
    title: str  # data set, kind, seed, start of the id: stands in links, so it must not change
    runs: int


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """What the runs of a folder have to show."""

    rows: tuple[LeaderboardRow, ...]
    unfinished: tuple[Unfinished, ...]
    problems: dict[str, str]  # one sentence by run id


# Reading


def read_leaderboard(
    runs: Iterable[Run],
    *,
    now: float | None = None,
    read: Callable[[Run], LeaderboardRow] | None = None,
) -> Leaderboard:
    """A row for each run that was tested; the unfinished; a sentence for each damaged one.

    Args:
        runs: In any order.
        now: Seconds since the epoch, to see which runs are still heard of; None: the present.
        read: In place of `read_row`, for a reader that remembers.
    """
    read = read or read_row
    now = time.time() if now is None else now
    rows, unfinished, problems = [], [], {}
    for run in runs:
        try:
            status = _status_of(run, now)
            if status is None or (
                run.has(PREDICTIONS) and status.state not in ("queued", "training")
            ):
                rows.append(read(run))
            elif status.state == "done":
                read_predictions(run.path)  # says what is missing
            else:
                unfinished.append(_unfinished(run, status))
        except UserError as error:
            problems[run.id] = str(error)
    return Leaderboard(tuple(rows), tuple(unfinished), problems)


def read_row(run: Run, *, resamples: int = RESAMPLES) -> LeaderboardRow:
    """What `run` scored on its test part, and what it cost.

    Raises:
        UserError: Its split or predictions are missing or damaged.
    """
    split = read_split(run.path)
    evaluation = _evaluate(run, split, "test", resamples)
    notes = list(evaluation.notes)
    if lost := len(split.ids("test")) - evaluation.images:
        notes.append(
            f"{lost} of the {_count(len(split.ids('test')), 'test image')} could not be scored."
        )
    try:
        environment = read_environment(run.path)
    except UserError as error:
        environment = None
        notes.append(f"{error} Time and size are not known.")
    try:
        has_imagenet = read_weights(run.path).kind == "imagenet"
    except UserError as error:
        has_imagenet = None
        notes.append(f"{error} Its initial weights are not known.")
    return LeaderboardRow(
        run_id=run.id,
        backbone=run.config.backbone,
        title=_title(run),
        recipe=run.config.recipe,
        mode=run.config.mode,
        dataset=PurePath(run.config.data).name or run.config.data,
        dataset_id=environment.dataset_id if environment else run.config.data,
        split_kind=run.config.split,
        split_id=split.id,
        seed=run.config.seed,
        state=_state_of(run),
        evaluation=evaluation,
        has_imagenet=has_imagenet,
        ms_per_image=environment.ms_per_image if environment else math.nan,
        parameters=environment.parameters if environment else math.nan,
        seconds=sum(environment.seconds.values()) if environment else math.nan,
        notes=tuple(notes),
    )


def evaluate_run(run: Run, *, part: str = "test", resamples: int = RESAMPLES) -> Evaluation:
    """What the predictions of `run` on one part are worth.

    Raises:
        UserError: There is no such part; its split or predictions are missing or damaged.
    """
    if part not in PARTS:
        raise UserError(f"Part {part!r} is unknown; give one of {', '.join(PARTS)}.")
    return _evaluate(run, read_split(run.path), part, resamples)


def _evaluate(run: Run, split: Split, part: str, resamples: int) -> Evaluation:
    group_by_image = {row.image: row.group for row in split.rows}
    return evaluate(read_predictions(run.path).only(part), group_by_image, resamples=resamples)


def list_splits(rows: Sequence[LeaderboardRow]) -> list[SplitChoice]:
    """The splits that `rows` were tested on, the one with most runs first."""
    by_split = _by_split(rows)
    return [
        SplitChoice(split_id, f"{_describe_split(members[0])}, {split_id[:6]}", len(members))
        for split_id, members in sorted(
            by_split.items(), key=lambda item: (-len(item[1]), _describe_split(item[1][0]), item[0])
        )
    ]


def best_first(rows: Iterable[LeaderboardRow]) -> list[LeaderboardRow]:
    """`rows` by accuracy, then balanced accuracy, then AUC; those without a score last."""

    def rank(row: LeaderboardRow) -> tuple[float, ...]:
        scores = row.evaluation.scores
        values = (scores[name].value for name in ("accuracy", "balanced_accuracy", "auc"))
        return tuple(math.inf if math.isnan(value) else -value for value in values)

    return sorted(rows, key=lambda row: (rank(row), row.title, row.run_id))


def name_rows(rows: Sequence[LeaderboardRow]) -> dict[str, str]:
    """The shortest name by run id that tells `rows` apart: title, recipe, else the run's own."""
    titles = Counter(row.title for row in rows)
    recipes = Counter((row.title, row.recipe) for row in rows)
    names = {}
    for row in rows:
        if titles[row.title] == 1:
            names[row.run_id] = row.title
        elif recipes[row.title, row.recipe] == 1:
            names[row.run_id] = f"{row.title} ({row.recipe})"
        else:
            names[row.run_id] = f"{row.title} ({row.run_id})"
    return names


def _describe_split(row: LeaderboardRow) -> str:
    return f"{row.dataset}, {SPLIT_WORDS[row.split_kind]}, seed {row.seed}"


def describe_test(row: LeaderboardRow) -> str:
    """Which images `row` was tested on: data set, split, seed and sizes."""
    evaluation = row.evaluation
    return (
        f"{_describe_split(row)}: "
        f"{_count(evaluation.images, 'test image')} in {_count(len(evaluation.groups), 'group')}"
    )


# Tables


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
            record |= {name: score.value, f"{name}_low": score.low, f"{name}_high": score.high}
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
            f"{row.evaluation.images} in {_count(len(row.evaluation.groups), 'group')}",
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
    if math.isnan(score.low):
        return f"{_percent(score.value)} (no interval)"
    return f"{_percent(score.value)} ({100 * score.low:.1f} to {100 * score.high:.1f})"


# Sentences


def verdict(rows: Sequence[LeaderboardRow]) -> str:
    """Which run is best, and can we tell? In a few sentences, with the split they hold for."""
    return " ".join(verdict_sentences(rows))


def verdict_sentences(rows: Sequence[LeaderboardRow]) -> list[str]:
    """The sentences of `verdict`, the answer first.

    Runs are compared on the same test images only: of several splits, the one with most runs.
    """
    scored = [row for row in rows if not math.isnan(row.accuracy.value)]
    if not scored:
        return ["No run has been tested yet."]
    split_id = list_splits(scored)[0].split_id
    scored = best_first(row for row in scored if row.split_id == split_id)
    names = name_rows(scored)
    best, others = scored[0], scored[1:]
    sentences = []
    if others:
        gaps = accuracy_gaps(best.evaluation, [other.evaluation for other in others])
        tied = [names[best.run_id]]
        tied += [names[o.run_id] for o, gap in zip(others, gaps, strict=True) if not gap.is_real]
        behind = [
            (names[o.run_id], gap) for o, gap in zip(others, gaps, strict=True) if gap.is_real
        ]
        sentences.append(_say_order(tied, behind))
    sentences.append(_say_best(names[best.run_id], best))
    if not others:
        sentences.append("Test another backbone on the same split to compare.")
    untrained = sum(row.has_imagenet is False for row in scored)
    if untrained:
        total = _number(len(scored))
        who = f"{_number(untrained)} of the {total}"
        if untrained == len(scored):
            who = {1: "it", 2: "both"}.get(untrained, f"all {total}")
        sentences.append(f"{_capital(who)} started without ImageNet weights.")
    if len(best.evaluation.groups) < FEW_GROUPS:
        groups = _count(len(best.evaluation.groups), "group")
        sentences.append(f"The test images form only {groups}: take the ranges as rough.")
    return sentences


def split_effect(rows: Sequence[LeaderboardRow]) -> str:
    """What a harder split does to the same backbones on the same data; empty if none can say.

    A figure means nothing without its split: the drop from images of slides that were trained on to
    slides that were not is often larger than that between any two backbones.
    """
    effects = sorted(_effects(rows), key=lambda effect: (-effect.runs, effect.gain, effect.title))
    if not effects:
        return ""
    first, rest = effects[0], effects[1:]
    sentence = (
        f"{_EFFECT_WORDS[first.hard_kind]} {_verb(first.gain)} {first.title} "
        f"from {_percent(first.easy)} ({first.easy_kind}, {_count(first.easy_seeds, 'seed')}) "
        f"to {_percent(first.hard)} ({first.hard_kind}, {_count(first.hard_seeds, 'seed')})"
    )
    rest = [effect for effect in rest if effect.hard_kind == first.hard_kind]
    if rest:
        sentence += f", and {_number(len(rest))} more by {_change([other.gain for other in rest])}"
    return f"{sentence}: mean test accuracy on {first.dataset}."


_EFFECT_WORDS = {
    "look": "Testing on held-out looks",
    "group": "Keeping groups together",
}


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

    @property
    def gain(self) -> float:
        """Negative where the harder split is harder."""
        return self.hard - self.easy

    @property
    def runs(self) -> int:
        return self.easy_seeds + self.hard_seeds


def _effects(rows: Sequence[LeaderboardRow]) -> Iterable[_Effect]:
    """One for each backbone and way of training that was tested on two kinds of split."""
    accuracies: dict[tuple[object, ...], dict[str, dict[int, list[float]]]] = {}
    first_row: dict[tuple[object, ...], LeaderboardRow] = {}
    for row in rows:
        if math.isnan(row.accuracy.value):
            continue
        key = (row.dataset_id, row.backbone, row.recipe, row.mode, row.has_imagenet)
        by_kind = accuracies.setdefault(key, defaultdict(lambda: defaultdict(list)))
        by_kind[row.split_kind][row.seed].append(row.accuracy.value)
        first_row[key] = row
    for way, by_kind in accuracies.items():
        for hard, easy in (("look", "group"), ("look", "random"), ("group", "random")):
            if hard in by_kind and easy in by_kind:
                yield _Effect(
                    first_row[way].title,
                    first_row[way].dataset,
                    easy,
                    _mean_over_seeds(by_kind[easy]),
                    len(by_kind[easy]),
                    hard,
                    _mean_over_seeds(by_kind[hard]),
                    len(by_kind[hard]),
                )
                break


def _mean_over_seeds(values_by_seed: dict[int, list[float]]) -> float:
    means = [sum(values) / len(values) for values in values_by_seed.values()]
    return sum(means) / len(means)


def _verb(gain: float) -> str:
    if abs(gain) < 0.005:
        return "hardly moves"
    return "lowers" if gain < 0 else "raises"


def _change(gains: Sequence[float]) -> str:
    """The range of `gains` in points; signed where they do not all fall."""
    points = sorted(round(100 * gain) for gain in gains)
    texts = [f"{-p}" if points[-1] <= 0 else f"{p:+}" for p in points]
    low, high = (texts[-1], texts[0]) if points[-1] <= 0 else (texts[0], texts[-1])
    return f"{low} points" if low == high else f"{low} to {high} points"


def _say_order(tied: list[str], behind: list[tuple[str, Gap]]) -> str:
    """Who leads, who cannot be told from the leader, who is behind and by how much."""
    if len(tied) == 1:
        lead = f"{tied[0]} is best"
    elif len(tied) <= 3:
        lead = f"{_join(tied)} cannot be told apart"
    else:
        lead = f"{tied[0]} and {_number(len(tied) - 1)} others cannot be told apart"
    if not behind:
        return f"{lead}."
    if len(behind) == 1:
        name, gap = behind[0]
        return f"{lead}; {name} is behind, by {_range(gap)} points."
    if len(behind) <= 3:
        listed = _join([f"{name} (by {_range(gap)} points)" for name, gap in behind])
        return f"{lead}; {listed} are behind."
    (nearest, least), (farthest, most) = behind[0], behind[-1]
    return (
        f"{lead}; {_number(len(behind))} are behind, from {nearest} (by {_range(least)} points) "
        f"to {farthest} (by {_range(most)} points)."
    )


def _say_best(name: str, row: LeaderboardRow) -> str:
    accuracy = row.accuracy
    interval = (
        "no interval"
        if math.isnan(accuracy.low)
        else f"{100 * accuracy.low:.1f} to {_percent(accuracy.high)}"
    )
    return (
        f"{name} names {_percent(accuracy.value)} of the test images right ({interval}; "
        f"{describe_test(row)})."
    )


def _range(gap: Gap) -> str:
    """The ends of `gap` in points, with a decimal where whole points would say zero."""
    decimals = 0 if gap.low >= 0.01 else 1
    return f"{100 * gap.low:.{decimals}f} to {100 * gap.high:.{decimals}f}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _join(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _number(count: int) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return words[count] if count < len(words) else str(count)


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _by_split(rows: Sequence[LeaderboardRow]) -> dict[str, list[LeaderboardRow]]:
    by_split: dict[str, list[LeaderboardRow]] = defaultdict(list)
    for row in rows:
        by_split[row.split_id].append(row)
    return by_split


def _title(run: Run) -> str:
    row = BACKBONES.get(run.config.backbone)
    return row.title if row else run.config.backbone


def _status_of(run: Run, now: float) -> Status | None:
    """The run's status; None where only its predictions are left to speak for it."""
    try:
        return read_status(run.path, now=now)
    except UserError:
        if run.has(PREDICTIONS):
            return None
        raise


def _state_of(run: Run) -> State:
    """The state of a run that has predictions; no clock is needed once it has ended."""
    try:
        state = read_status(run.path, now=0.0).state
    except UserError:
        return "done"
    return "done" if state in ("queued", "training") else state


def _unfinished(run: Run, status: Status) -> Unfinished:
    return Unfinished(run.id, _title(run), status.state, describe_status(status), status.progress)


def describe_status(status: Status) -> str:
    """What a run is doing, in one sentence."""
    if status.state == "queued":
        return "Waits for its turn."
    if status.state == "failed":
        return status.error or "It failed and did not say why; its log may."
    if status.state == "stopped":
        return f"Stopped after {_count(status.epoch, 'epoch')}; it can be resumed."
    if status.state == "done":
        return "Done."
    words = _capital(status.phase or "training")
    if status.phase not in ("", "training"):
        return f"{words}."
    if status.epochs:
        words += f", epoch {min(status.epoch + 1, status.epochs)} of {status.epochs}"
    if status.images_per_second > 0:
        words += f", {status.images_per_second:.0f} images a second"
    if status.seconds_left is not None:
        words += f", about {describe_seconds(status.seconds_left)} left"
    return f"{words}."


def describe_seconds(seconds: float) -> str:
    """A duration as a person says it."""
    if math.isnan(seconds):
        return "not known"
    if seconds < 90:
        return _count(max(1, round(seconds)), "second")
    if seconds < 90 * 60:
        return _count(round(seconds / 60), "minute")
    return f"{seconds / 3600:.1f} hours"
