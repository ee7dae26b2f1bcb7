"""The papers' systems as tables: claims beside what was measured. Records in, values out."""

import math
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from modelzoo.datasets.splits import SplitKind
from modelzoo.evaluation.by_split import SeedScore, describe_seeds
from modelzoo.evaluation.latex import escape
from modelzoo.evaluation.metrics import METRICS
from modelzoo.evaluation.rows import SPLIT_WORDS
from modelzoo.papers.measured import Measured
from modelzoo.papers.systems import PAPERS, System
from modelzoo.text import count, join

HONEST: tuple[SplitKind, ...] = ("random", "grouped", "background")
SystemRow = tuple[System, tuple[Measured, ...]]


def system_record(system: System, measured: Sequence[Measured]) -> dict[str, Any]:
    """One system as plain values, for JSON: shares in [0, 1], NaN where not defined."""
    paper = PAPERS[system.paper]
    return {
        "paper": system.paper,
        "system": system.name,
        "title": system.title,
        "backbone": system.backbone,
        "head": system.config.head,
        "optimizer": system.optimizer,
        "recipe": system.recipe,
        "parameters": system.parameters,
        "data": paper.dataset,
        "paper_split": paper.split,
        "claims": [
            {"metric": each.metric, "value": each.value, "printed": each.text, "where": each.where}
            for each in system.claims
        ],
        "measured": [_measured_record(each) for each in measured],
        "differs": list(system.all_differs),
        "command": train_command(system),
    }


def _measured_record(measured: Measured) -> dict[str, Any]:
    return {
        "split": measured.split,
        "is_leaky": measured.is_leaky,
        "data": measured.data,
        "test_images": measured.images,
        "test_groups": measured.groups,
        "leaked_images": measured.leaked,
        "seeds": list(measured.seeds),
        "runs": list(measured.runs),
        "is_reference": measured.is_reference,
        "changed": list(measured.changed),
        "scores": {
            name: {
                "value": score.value,
                "lowest": score.lowest,
                "highest": score.highest,
                "ci_low": score.ci_low,
                "ci_high": score.ci_high,
            }
            for name, score in measured.scores.items()
        },
    }


def flat_records(rows: Sequence[SystemRow]) -> list[dict[str, Any]]:
    """One record per system and split that was measured, for CSV; one per system without any."""
    return [
        _flat_record(system, measured) for system, found in rows for measured in (found or (None,))
    ]


def _flat_record(system: System, measured: Measured | None) -> dict[str, Any]:
    record: dict[str, Any] = {
        "paper": system.paper,
        "system": system.name,
        "backbone": system.backbone,
        "optimizer": system.optimizer,
        "recipe": system.recipe,
        "parameters": system.parameters,
        "split": measured.split if measured else "",
        "is_leaky": measured.is_leaky if measured else "",
        "data": measured.data if measured else "",
        "test_images": measured.images if measured else "",
        "test_groups": measured.groups if measured else "",
        "leaked_images": measured.leaked if measured else "",
        "seeds": " ".join(map(str, measured.seeds)) if measured else "",
        "runs": " ".join(measured.runs) if measured else "",
        "is_reference": measured.is_reference if measured else "",
        "changed": "; ".join(measured.changed) if measured else "",
    }
    claims = {each.metric: each.value for each in system.claims}
    nan = math.nan
    empty = SeedScore(nan, nan, nan, nan, nan)
    for name in METRICS:
        score = measured.scores[name] if measured else empty
        record |= {
            f"claimed_{name}": claims.get(name, math.nan),
            name: score.value,
            f"{name}_lowest": score.lowest,
            f"{name}_highest": score.highest,
            f"{name}_ci_low": score.ci_low,
            f"{name}_ci_high": score.ci_high,
        }
    return record | {"differs": " ".join(system.all_differs)}


def describe_claim(system: System, metric: str) -> str:
    """A claim as printed; empty where the paper has none."""
    return next((each.text for each in system.claims if each.metric == metric), "")


def describe_measured(measured: Measured, metric: str) -> str:
    """A score with its interval and seeds, as `describe_seeds` has it.

    Args:
        measured: Runs of one split.
        metric: A key of its scores.
    """
    of_class = metric if metric in METRICS else metric.partition("_")[0]
    runs = max(len(measured.runs), len(measured.seeds))
    return describe_seeds(measured.scores[metric], of_class, runs, len(measured.seeds))


def by_split(system: System, found: Sequence[Measured]) -> dict[str, list[Measured]]:
    """The records of each kind of split; `paper` are those nearest to the paper's own."""
    kinds: dict[str, list[Measured]] = {}
    for measured in found:
        kinds.setdefault(measured.split, []).append(measured)
    if own := kinds.get(PAPERS[system.paper].split):
        kinds["paper"] = own
    return kinds


def mark(measured: Measured) -> str:
    """`*` of a result that comes with the project, `~` where settings are not the recipe's."""
    return "*" * measured.is_reference + "~" * bool(measured.changed)


def describe_cell(alike: Sequence[Measured], metric: str) -> str:
    """What a table has of one kind of split: score, interval, seeds, test images and marks.

    Args:
        alike: Its records, at least one; the first is shown, and how many more there are.
        metric: A key of their scores.
    """
    first = alike[0]
    text = f"{describe_measured(first, metric)}, n = {first.images:,}{mark(first)}"
    return f"{text} (+{len(alike) - 1} more)" if len(alike) > 1 else text


MARKS = (
    "n: test images, of the first seed, with their copies on a leaky-augmented split; +1 more: "
    "measured with other settings or data as well; * comes with the project; ~ with other settings "
    "than the recipe's; of several seeds the mean, and from the lowest to the highest end of their "
    "95 % CIs."
)


def describe_test(measured: Measured) -> str:
    """On what a score was measured: `all_pbs, random split: 605 test images in 402 groups`."""
    changed = f"; {join(list(measured.changed))}" if measured.changed else ""
    copies = ", copies among them," if measured.split == "leaky-augmented" else ""
    return (
        f"{measured.data}, {SPLIT_WORDS[measured.split]}: "
        f"{count(measured.images, 'test image')}{copies} in {count(measured.groups, 'group')}"
        f"{changed}"
    )


def train_command(system: System, split: SplitKind | None = None, data: str = "FOLDER") -> str:
    """The command that trains `system` by its recipe, or on another split.

    Of an ensemble the one that joins its members once they are trained.
    """
    if system.members:
        runs = " ".join(f"{each.upper()}_RUN" for each in system.members)
        return f"python -m modelzoo ensemble {runs} --weighting {system.weighting}"
    arguments = ["python", "-m", "modelzoo", "train", "--recipe", system.recipe]
    arguments += ["--backbone", system.backbone, "--data", data]
    if split:
        arguments += ["--split", split]
    return shlex.join(arguments)


def systems_latex(rows: Sequence[SystemRow], metric: str) -> str:
    """A table environment of claims beside what was measured; it needs `booktabs`."""
    title = METRICS[metric].title
    table = [
        {
            "Paper": PAPERS[system.paper].title,
            "System": system.title,
            f"{title}, claimed": describe_claim(system, metric),
            **_latex_cells(system, found, metric),
        }
        for system, found in rows
    ]
    caption = (
        f"{title} as four papers claim it, and as it was measured on the test images of splits of "
        "each kind, with 95 % CI over groups of images. The paper's split has copies "
        f"of test or validation images among the training images, or is random. {MARKS}"
    )
    text = pd.DataFrame(
        [{escape(key): escape(value) for key, value in row.items()} for row in table]
    ).to_latex(index=False, caption=escape(caption), column_format="ll" + "c" * (len(table[0]) - 2))
    return f"% Needs \\usepackage{{booktabs}}. Wide: rotate it.\n{text}"


def _latex_cells(system: System, found: Sequence[Measured], metric: str) -> Mapping[str, str]:
    kinds = by_split(system, found)
    titles = {"paper": "Paper's split"} | {kind: SPLIT_WORDS[kind] for kind in HONEST}
    return {
        title: describe_cell(kinds[key], metric) if key in kinds else ""
        for key, title in titles.items()
    }
