"""`python -m modelzoo report`: a comparison as one HTML file, and model cards."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelzoo import paths
from modelzoo.commands.options import RunsOption, find_run, parse_path
from modelzoo.commands.output import notes
from modelzoo.errors import UserError
from modelzoo.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelzoo.runs.folder import Run


def report(
    run: Annotated[list[str], typer.Argument(metavar="RUN...", help="Names or folders of runs.")],
    out: Annotated[
        Path | None,
        typer.Option(parser=parse_path, metavar="FILE.html", help="Write the report here."),
    ] = None,
    card: Annotated[
        bool,
        typer.Option("--card", help="Write a model card, README.md, into the folder of each run."),
    ] = False,
    answers: Annotated[
        Path | None,
        typer.Option(
            parser=parse_path,
            metavar="FILE.toml",
            help="What a person says of the data set; without it, what was kept on Home or Train.",
        ),
    ] = None,
    calibrated: Annotated[
        bool,
        typer.Option(
            "--calibrated",
            help="Scale probabilities by the runs' temperatures, where they have one.",
        ),
    ] = False,
    prevalence: Annotated[
        float | None,
        typer.Option(help="Of PPV and NPV, 0.1 for 10 %. Default: the share in the test set."),
    ] = None,
    runs: RunsOption = None,
) -> None:
    """Write what a reviewer can check about runs of one split: scores, split proof, hashes, limits.

    The report is one HTML file that needs no network and prints on A4; the model card is Markdown
    as the Hugging Face hub reads it.
    """
    from modelzoo.evaluation.predictive_values import check_prevalence
    from modelzoo.reporting.card import write_card
    from modelzoo.reporting.facts import read_reported, report_command
    from modelzoo.reporting.page import check_report, write_report

    if out is None and not card:
        raise UserError("Neither --out nor --card was given; give --out FILE.html, or --card.")
    if out:
        check_report(out)
    if prevalence is not None:
        check_prevalence(prevalence)
    # One run may be given by its name and by its folder.
    found = list({each.path.resolve(): each for each in (find_run(n, runs) for n in run)}.values())
    command = report_command(
        run, out or "report.html", answers, calibrated=calibrated, prevalence=prevalence
    )
    made = time.time()
    said = _read_given(answers) if answers else None
    if out:
        facts = read_reported(
            found,
            made=made,
            command=command,
            answers=said or _kept(found),
            calibrated=calibrated,
            prevalence=prevalence,
        )
        write_report(out, facts)
        notes.print(f"Written: {one_line(str(out))}.")
    if card:
        for each in found:
            alone = read_reported([each], made=made, command=command, answers=said or _kept([each]))
            notes.print(f"Written: {one_line(str(write_card(alone)))}.")


def _read_given(file: Path) -> dict[str, str]:
    """The answers in a file that was given.

    Raises:
        UserError: It is not there, or holds none.
    """
    from modelzoo.datasets.answers import read_answers

    try:
        return read_answers(file)
    except FileNotFoundError:
        raise UserError(f"{file} was not found; give a TOML file of answers.") from None


def _kept(runs: "Sequence[Run]") -> dict[str, str]:
    """The answers that were kept for the data set of the runs."""
    from modelzoo.reporting.facts import read_answers_of

    return read_answers_of(runs, paths.answers_folder())
