"""`python -m xai quality`: its options and what it prints; `judging.py` does the work."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.table import Table

from modelzoo.commands.options import DeviceOption
from modelzoo.commands.output import console
from modelzoo.commands.progress import show_progress
from xai.commands import judging
from xai.commands.shared import describe_missing, list_methods
from xai.errors import UserError
from xai.faithfulness.table import MEASURES, PUBLISHED, Summary
from xai.methods.table import METHODS
from xai.say.verdict import describe_method


def quality(
    run: Annotated[Path, typer.Option(help="Folder of the trained run.")],
    methods: Annotated[str, typer.Option(help="Several with commas.")] = "grad-cam,score-cam",
    n: Annotated[int, typer.Option("--n", help="Images of its test set, all if fewer.")] = 100,
    device: DeviceOption = "cpu",
) -> None:
    """Evaluate the faithfulness of a run's maps on its test set: quality.csv, validity.csv.

    Each map is judged beside a random one, one of the middle and one of what is dark.
    """
    names = list_methods(methods)
    if n < 1:
        raise UserError(f"{n} images cannot be judged; give 1 or more for --n.")
    job = judging.gather(run, n, device)
    with show_progress() as show:
        judging.score_maps(job, names, show)
        held = judging.examine_methods(job, show)
    describe_missing(job.refused, job.skipped)
    found = judging.keep_judgement(job, run, held)
    console.print(_quality_table(found))
    for name in dict.fromkeys(each.method for each in found):
        console.print(describe_method([each for each in found if each.method == name]))
    console.print(f"{PUBLISHED}\nSee {run / 'quality.csv'}.")


def _quality_table(found: Sequence[Summary]) -> Table:
    """A row a method and measure, in the order of `MEASURES`."""
    names = ("method", "score", "better", "mean (95 %)", "random", "centre", "blurred", "area")
    table = Table(*names, "beats all three", "images", box=SIMPLE)
    row_by_key = {(each.method, each.measure): each for each in found}
    for method in dict.fromkeys(each.method for each in found):
        for name, measure in MEASURES.items():
            if row := row_by_key.get((method, name)):
                references = (row.random, row.centre, row.blurred, row.area)
                table.add_row(
                    METHODS[method].title,
                    measure.title,
                    measure.better,
                    f"{row.value:.2f} ({row.ci_low:.2f} to {row.ci_high:.2f})",
                    *("" if value is None else f"{value:.2f}" for value in references),
                    "" if row.win_share is None else f"{row.win_share:.0%}",
                    f"{row.images} in {row.groups} groups",
                )
    return table
