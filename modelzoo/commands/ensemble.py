"""`python -m modelzoo ensemble`: several runs as one."""

from typing import Annotated, get_args

import typer

from modelzoo import paths
from modelzoo.commands.options import RunsOption
from modelzoo.commands.output import notes
from modelzoo.commands.runs import print_evaluation
from modelzoo.errors import UserError
from modelzoo.runs.ensembles import Weighting, read_ensemble
from modelzoo.text import join, one_line


def ensemble(
    members: Annotated[list[str], typer.Argument(metavar="RUN...", help="Names of the runs.")],
    name: Annotated[str | None, typer.Option(help="Name of the new run.")] = None,
    weighting: Annotated[
        str, typer.Option(help="equal, or validation: lowest log loss on the validation images.")
    ] = "equal",
    runs: RunsOption = None,
) -> None:
    """Join runs of one split into a run that predicts the weighted mean of their probabilities.

    The members stay where they are: the new run names them, is compared, explained and evaluated
    like any, and can be deleted without them.
    """
    known: tuple[Weighting, ...] = get_args(Weighting)
    chosen = next((each for each in known if each == weighting), None)
    if chosen is None:
        raise UserError(
            f"Weighting {one_line(weighting)!r} is unknown; give one of {', '.join(known)}."
        )
    from modelzoo.training.ensemble import make_ensemble

    folder = runs or paths.runs_folder()
    made = make_ensemble(folder, name or f"ensemble-{chosen}-{len(members)}", members, chosen)
    record = read_ensemble(made.path)
    assert record
    weighed = zip(record.members, record.weights, strict=True)
    listed = [f"{member} {weight:.3g}" for member, weight in weighed]
    notes.print(f"Run {made.id}: {made.path}")
    notes.print(f"Weights, of 1 in all: {one_line(join(listed))}.")
    print_evaluation(made, "test")
