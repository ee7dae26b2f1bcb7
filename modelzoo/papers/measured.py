"""What was measured of the papers' systems: runs by system and split. Rows in, records out."""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from modelzoo.config.train_config import TrainConfig
from modelzoo.datasets.splits import LEAKY
from modelzoo.evaluation.by_class import share_score
from modelzoo.evaluation.by_split import SeedScore, find_folds, over_folds, over_seeds
from modelzoo.evaluation.clustered import (
    F1,
    PRECISION,
    SENSITIVITY,
    count_outcomes,
    share_intervals,
)
from modelzoo.evaluation.intervals import Evaluation, Score
from modelzoo.evaluation.rows import LeaderboardRow
from modelzoo.papers.systems import PAPERS, Paper, System, match_classes

# What a run of a system may have otherwise than its recipe: it is said in a column of its own.
_FREE = frozenset({"data", "columns", "backbone", "recipe", "split", "seed", "precision"})
_SPLITS = ("leaky-augmented", "leaky-validation", "random", "grouped", "background", "given")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Runs of one system on one split of one data set, alike but for their seeds."""

    split: str
    data: str
    images: int  # of a test part, the first run's, or of all folds
    groups: int
    seeds: tuple[int, ...]
    runs: tuple[str, ...]
    is_reference: bool  # they come with the project
    changed: tuple[str, ...]  # settings that are not the recipe's: `epochs 12 (30)`
    scores: dict[str, SeedScore]  # by name in METRICS, and of classes as `precision_benign`
    leaked: int  # test images whose group is in training or validation, of the first run

    @property
    def is_leaky(self) -> bool:
        """Whether the split has copies on both sides."""
        return self.split in LEAKY


def find_measured(
    system: System, rows: Iterable[LeaderboardRow], reference: Iterable[LeaderboardRow] = ()
) -> tuple[Measured, ...]:
    """What was measured of `system`, a record for each split, data set and change.

    A run is of a system when it was trained by its recipe, with its backbone, on classes that are
    the paper's.

    Args:
        system: Of `SYSTEMS`.
        rows: Of a person's runs that were evaluated.
        reference: Of runs that come with the project.

    Returns:
        The person's own before the reference, papers' own splits before honest ones.
    """
    alike: dict[tuple[str, str, tuple[str, ...], bool], list[LeaderboardRow]] = defaultdict(list)
    recipe = system.config
    for is_reference, members in ((False, rows), (True, reference)):
        for row in members:
            if is_of_system(row, system):
                changed = describe_changes(row.config, recipe)
                alike[row.split_kind, row.dataset_id, changed, is_reference].append(row)
    measured = [
        measure_alike(members, PAPERS[system.paper], changed=changed, is_reference=is_reference)
        for (_, _, changed, is_reference), members in alike.items()
    ]
    return tuple(sorted(measured, key=_order))


def _order(measured: Measured) -> tuple[object, ...]:
    split = _SPLITS.index(measured.split)
    return measured.is_reference, split, measured.data, measured.changed, measured.runs


def is_of_system(row: LeaderboardRow, system: System) -> bool:
    """Whether a run was trained as a system of a paper, on the paper's classes."""
    if system.members:
        recipe = f"{system.recipe}-ensemble-{system.weighting}"
        if (row.recipe, row.title) != (recipe, system.title):
            return False
    elif (row.recipe, row.backbone) != (system.recipe, system.backbone):
        return False
    return match_classes(row.evaluation.classes, PAPERS[system.paper]) is not None


def describe_changes(config: TrainConfig, recipe: TrainConfig) -> tuple[str, ...]:
    """Settings that are not the recipe's, each with the recipe's value in brackets."""
    return tuple(
        f"{spec.name.replace('_', ' ')} {_brief(getattr(config, spec.name))} "
        f"({_brief(getattr(recipe, spec.name))})"
        for spec in dataclasses.fields(TrainConfig)
        if spec.name not in _FREE and getattr(config, spec.name) != getattr(recipe, spec.name)
    )


def _brief(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def measure_alike(
    members: Sequence[LeaderboardRow],
    paper: Paper,
    *,
    changed: tuple[str, ...],
    is_reference: bool,
) -> Measured:
    """Runs of one way and one kind of split as one record.

    Args:
        members: At least one, on classes that are the paper's.
        paper: Whose words name the classes.
        changed: Settings that are not the recipe's.
        is_reference: Whether they come with the project.
    """
    rows = sorted(members, key=lambda row: (row.seed, row.run_id))
    first = rows[0]
    tested = [fold[0].evaluation for fold in find_folds(rows)]
    return Measured(
        split=first.split_kind,
        data=first.dataset,
        images=sum(each.images for each in tested),
        groups=sum(len(each.groups) for each in tested),
        seeds=tuple(dict.fromkeys(row.seed for row in rows)),
        runs=tuple(row.run_id for row in rows),
        is_reference=is_reference,
        changed=changed,
        scores=_scores(rows, paper),
        leaked=first.leaked_images,
    )


def _scores(rows: Sequence[LeaderboardRow], paper: Paper) -> dict[str, SeedScore]:
    """Every metric, and what papers report of each class, over the seeds."""
    folds = find_folds(rows)
    of_classes = [[_class_scores(row.evaluation, paper) for row in members] for members in folds]
    return dict(over_folds([[row.evaluation for row in members] for members in folds])) | {
        name: over_seeds([[scores[name] for scores in members] for members in of_classes])
        for name in of_classes[0][0]
    }


_OF_CLASSES = {"precision": PRECISION, "sensitivity": SENSITIVITY, "f1": F1}


def _class_scores(evaluation: Evaluation, paper: Paper) -> dict[str, Score]:
    """Scores of each class with their intervals, under the paper's word for it."""
    matched = match_classes(evaluation.classes, paper)
    assert matched
    outcomes = count_outcomes(evaluation.confusion_by_group)
    scores = {}
    for name, share in _OF_CLASSES.items():
        shares = share_intervals(outcomes, share)
        for word, label in matched.items():
            at = evaluation.classes.index(label)
            scores[f"{name}_{word}"] = share_score(shares, at)
    return scores
