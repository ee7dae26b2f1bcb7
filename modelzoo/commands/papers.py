"""`python -m modelzoo papers`: what four papers claim, and what was measured of their systems."""

import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from modelzoo import paths
from modelzoo.backbones.table import BACKBONES
from modelzoo.commands.options import CsvOption, JsonOption, RunsOption
from modelzoo.commands.output import Column, Record, notes, print_csv, print_json, print_table
from modelzoo.errors import UserError
from modelzoo.runs.folder import list_runs
from modelzoo.text import one_line

if TYPE_CHECKING:
    from modelzoo.papers.measured import Measured
    from modelzoo.papers.systems import System


def papers(
    paper: Annotated[
        str | None, typer.Option(help="Only this one: muduli2025, anand2025, ...")
    ] = None,
    metric: Annotated[
        str, typer.Option(help="Of the table and of LaTeX: accuracy, precision, f1, auc, ...")
    ] = "accuracy",
    runs: RunsOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    as_latex: Annotated[
        bool, typer.Option("--latex", help="Print a LaTeX table, and nothing else.")
    ] = False,
) -> None:
    """List the systems of four papers: what each claims, and what was measured here of it.

    A run counts as measured when it was trained by the system's recipe. CSV and JSON have every
    score, every claim with its table, what differs from the paper and the command that trains it.
    """
    from modelzoo.evaluation.metrics import METRICS
    from modelzoo.evaluation.rows import read_leaderboard
    from modelzoo.papers.measured import find_measured
    from modelzoo.papers.systems import PAPERS, SYSTEMS
    from modelzoo.papers.tables import MARKS, flat_records, system_record, systems_latex

    if as_json + as_csv + as_latex > 1:
        raise UserError("Several of --json, --csv and --latex were given; give one of them.")
    if paper is not None and paper not in PAPERS:
        raise UserError(f"Paper {one_line(paper)!r} is unknown; give one of {', '.join(PAPERS)}.")
    if metric not in METRICS:
        raise UserError(
            f"Metric {one_line(metric)!r} is unknown; give one of {', '.join(METRICS)}."
        )
    found, _ = list_runs(runs or paths.runs_folder())
    shipped, _ = list_runs(paths.reference_folder())
    shipped = [run for run in shipped if not run.has_model]  # the models that come with it
    rows, reference = (read_leaderboard(each).rows for each in (found, shipped))
    table = [
        (system, find_measured(system, rows, reference))
        for system in SYSTEMS
        if paper in (None, system.paper)
    ]
    if as_json:
        print_json([system_record(system, measured) for system, measured in table])
    elif as_csv:
        print_csv(flat_records(table))
    elif as_latex:
        sys.stdout.write(systems_latex(table, metric))
    else:
        print_table([_record(*each, metric) for each in table], _columns())
        notes.print(
            f"{METRICS[metric].title} on test images. Claims are the papers' figures and were not "
            "measured here. The paper's split has copies among the training images, or is random. "
            f"{MARKS} --json has what differs from the papers, and the commands that train."
        )


def _record(system: "System", measured: "Sequence[Measured]", metric: str) -> dict[str, str]:
    from modelzoo.papers.tables import by_split, describe_cell, describe_claim

    kinds = by_split(system, measured)
    first = next((kind for kind in (*_SPLITS, *kinds) if kind in kinds), None)
    return {
        "paper": system.paper,
        "backbone": _name(system),
        "optimizer": system.optimizer_title,
        "claim": describe_claim(system, metric),
        "recipe": system.recipe,
        "first": f"on {first}" if first else "",
    } | {f"on {kind}": describe_cell(each, metric) for kind, each in kinds.items()}


def _name(system: "System") -> str:
    if system.members:
        return f"Ensemble ({system.weighting})"
    return BACKBONES[system.backbone].title


def _columns() -> list[Column]:
    """The columns for people, in the order in which a wider terminal shows more of them."""
    return [
        Column("paper", lambda row: row["paper"]),
        Column("backbone", lambda row: row["backbone"]),
        Column("optimizer", lambda row: row["optimizer"]),
        Column("claimed", lambda row: row["claim"]),
        Column("here (95 % CI)", _first_measured),
        *(
            Column(heading, partial(_on, kind), rank=rank)
            for rank, (kind, heading) in enumerate(_SPLITS.items(), start=1)
        ),
        Column("recipe", lambda row: row["recipe"], rank=9),
    ]


_SPLITS = {
    "random": "random",
    "grouped": "grouped",
    "background": "background",
    "paper": "paper's split",
}


def _first_measured(row: Record) -> str:
    """The score on the first split that was measured, with its name."""
    kind = row["first"]
    return f"{row[kind]}, {_title(kind.removeprefix('on '))}" if kind else "not trained yet"


def _title(kind: str) -> str:
    return _SPLITS.get(kind, kind)


def _on(kind: str, row: Record) -> str:
    return str(row.get(f"on {kind}", ""))
