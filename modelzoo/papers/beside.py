"""What stands beside the papers' systems: reference results of other recipes, and of no network."""

import csv
import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from modelzoo.evaluation.by_split import SeedScore
from modelzoo.evaluation.rows import LeaderboardRow
from modelzoo.files import damaged_file
from modelzoo.papers.measured import Measured, measure_alike
from modelzoo.papers.systems import PAPERS, SYSTEMS

BASELINES = "baselines.csv"
FORESTS = {
    "colour": "Random forest on six colour numbers of the whole field",
    "background": "The same on background pixels, without any cell",
}
_SCORES = ("accuracy", "balanced_accuracy", "f1", "auc")


@dataclass(frozen=True, slots=True)
class Beside:
    """One way to predict the classes, with what was measured of it on each kind of split."""

    title: str
    note: str
    by_split: dict[str, Measured]


def list_beside(reference: Iterable[LeaderboardRow], baselines: Path) -> list[Beside]:
    """Reference results of recipes that are of no paper, then the forests.

    Args:
        reference: Rows of the results that come with the project.
        baselines: The file of the forests; nothing of it where it is missing.

    Raises:
        UserError: The file is damaged.
    """
    of_papers = {system.recipe for system in SYSTEMS}
    ways: dict[tuple[str, str], dict[str, list[LeaderboardRow]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for row in reference:
        if row.recipe not in of_papers:
            ways[row.title, row.recipe][row.split_kind].append(row)
    paper = PAPERS["muduli2025"]  # whose classes are those of the data set
    networks = [
        Beside(
            f"{title}, {'frozen' if recipe == 'quick' else 'every weight trained'}",
            f"recipe {recipe}, {rows_by_split[min(rows_by_split)][0].config.px} px",
            {
                split: measure_alike(rows, paper, changed=(), is_reference=True)
                for split, rows in rows_by_split.items()
            },
        )
        for (title, recipe), rows_by_split in sorted(ways.items())
    ]
    return networks + _read_forests(baselines)


ALL_FOLDS = "all"  # in place of a seed: the folds of background clusters, pooled


def _read_forests(file: Path) -> list[Beside]:
    try:
        with file.open(encoding="utf-8", newline="") as content:
            rows = list(csv.DictReader(content))
        alike: dict[str, dict[str, list[dict[str, str]]]] = defaultdict(lambda: defaultdict(list))
        for row in rows:
            alike[row["baseline"]][row["split"]].append(row)
        return [
            Beside(
                FORESTS[name],
                "no network: mean and standard deviation of red, green and blue, 500 trees",
                {split: _forest(seeds) for split, seeds in by_split.items()},
            )
            for name, by_split in alike.items()
        ]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise damaged_file(file) from error


def _forest(rows: list[dict[str, str]]) -> Measured:
    """One forest on one kind of split over its seeds."""
    alone = [row for row in rows if row["seed"] != ALL_FOLDS]
    pooled = next((row for row in rows if row["seed"] == ALL_FOLDS), None)
    of_all = pooled or alone[0]
    scores = {}
    for name in _SCORES:
        values = [float(row[name]) for row in alone]
        ends = [pooled] if pooled else alone
        scores[name] = SeedScore(
            value=float(pooled[name]) if pooled else sum(values) / len(values),
            lowest=min(values),
            highest=max(values),
            ci_low=min(float(row[f"{name}_ci_low"]) for row in ends),
            ci_high=max(float(row[f"{name}_ci_high"]) for row in ends),
            folds=len(alone) if pooled else 1,
        )
    if not all(math.isfinite(each.value) for each in scores.values()):
        raise ValueError("a score is no number")
    return Measured(
        split=rows[0]["split"],
        data="ALL image data set",
        images=int(of_all["test_images"]),
        groups=int(of_all["test_groups"]),
        seeds=tuple(int(row["seed"]) for row in alone),
        runs=(),
        is_reference=True,
        changed=(),
        scores=scores,
        leaked=0,
    )
