"""`python -m modelzoo runs` and `evaluate`: what is trained, and how well."""

from typing import Annotated

import typer

from modelzoo import paths
from modelzoo.commands.options import RunArgument, RunsOption
from modelzoo.commands.output import WIDE, console, notes, print_frame
from modelzoo.errors import UserError
from modelzoo.runs.folder import list_runs, read_run


def runs(runs_folder: RunsOption = None) -> None:
    """List the runs with their scores on the test set, each with its 95 % CI."""
    from modelzoo.evaluation.rows import list_splits, read_leaderboard
    from modelzoo.evaluation.tables import runs_table
    from modelzoo.evaluation.verdict import describe_split_effect, verdict

    folder = runs_folder or paths.runs_folder()
    found, damaged = list_runs(folder)
    if not found and not damaged:
        raise UserError(f"{folder} holds no run; `python -m modelzoo demo` trains the first ones.")
    board = read_leaderboard(found)
    for choice in list_splits(board.rows)[:1]:  # the one with most runs
        console.print(verdict([row for row in board.rows if row.split_id == choice.split_id]))
    if effect := describe_split_effect(board.rows):
        console.print(effect)
    table = runs_table(board)
    if console.is_terminal and console.width < WIDE:
        table = table[["run", "split", "tested on", "accuracy", "auc", "state"]]
        notes.print(f"(all columns in a terminal of {WIDE} characters, or through a pipe)")
    print_frame(table)
    for sentence in damaged.values():
        notes.print(f"damaged: {sentence}")


def evaluate(
    run: RunArgument,
    part: Annotated[str, typer.Option(help="train, validation or test.")] = "test",
) -> None:
    """Print a run's scores with their 95 % CI, from its predictions alone."""
    from modelzoo.evaluation.rows import evaluate_run
    from modelzoo.evaluation.tables import scores_table

    print_frame(scores_table(evaluate_run(read_run(run), part=part)))
