"""`python -m modelzoo threshold`: some classes against the rest, and what that would mean."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelzoo.commands.options import JsonOption, RunArgument, RunsOption, find_run
from modelzoo.commands.output import Column, notes, print_json, print_line, print_table
from modelzoo.errors import UserError
from modelzoo.runs.folder import Run
from modelzoo.text import join, one_line

if TYPE_CHECKING:
    from modelzoo.evaluation.operating_points import Criterion
    from modelzoo.evaluation.run_thresholds import OperatingPoint
    from modelzoo.runs.operating_point import KeptPoint

Asked = tuple["Criterion", float | None]


def threshold(
    run: RunArgument,
    positive: Annotated[
        str | None,
        typer.Option(
            metavar="CLASS,...",
            help="The positive classes; the others are negative. Default: what is kept with the "
            "run, else any leukaemia of the ALL image data set, or C-NMC's all.",
        ),
    ] = None,
    sensitivity: Annotated[
        float | None,
        typer.Option(help="The highest threshold that reaches it on the validation images."),
    ] = None,
    specificity: Annotated[
        float | None,
        typer.Option(help="The lowest threshold that reaches it on the validation images."),
    ] = None,
    youden: Annotated[
        bool, typer.Option("--youden", help="The largest sum of both on the validation images.")
    ] = False,
    at: Annotated[
        float | None, typer.Option("--at", help="A threshold of your own, in [0, 1].")
    ] = None,
    calibrated: Annotated[
        bool,
        typer.Option(
            "--calibrated",
            help="Take scores of probabilities that are scaled by the run's temperature.",
        ),
    ] = False,
    prevalence: Annotated[
        float | None,
        typer.Option(help="Of PPV and NPV, 0.1 for 10 %. Default: the share in the test set."),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep it with the run, in operating_point.json.")
    ] = False,
    runs: RunsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Choose a threshold on a run's validation images and print what it does on its test images.

    Without a criterion the predicted class decides (argmax). Images are not patients, and nothing
    here is a diagnosis.
    """
    from modelzoo.evaluation.predictive_values import check_prevalence
    from modelzoo.evaluation.run_thresholds import as_kept, find_operating_point
    from modelzoo.runs.operating_point import keep_point, read_point

    if prevalence is not None:
        check_prevalence(prevalence)
    found = find_run(run, runs)
    asked = _read_criterion(sensitivity, specificity, youden=youden, at=at)
    kept = read_point(found.path)
    if kept and positive is None and asked is None:
        calibrated = calibrated or kept.temperature is not None
    classes, asked = _read_choice(found, kept, positive, asked)
    criterion, wanted = asked or ("argmax", None)
    point = find_operating_point(found, classes, criterion, wanted, calibrated=calibrated)
    if keep:  # before all else: it may be refused
        keep_point(found.path, as_kept(point))
    if as_json:
        _print_json(found, point, prevalence)
    else:
        _print_point(point, prevalence)
    if keep:
        notes.print(f"Kept with run {one_line(found.id)}.")


def _read_criterion(
    sensitivity: float | None, specificity: float | None, *, youden: bool, at: float | None
) -> Asked | None:
    """The one criterion that was given; None: none was."""
    given: dict[str, Asked] = {}
    if sensitivity is not None:
        given["--sensitivity"] = "sensitivity", sensitivity
    if specificity is not None:
        given["--specificity"] = "specificity", specificity
    if youden:
        given["--youden"] = "youden", None
    if at is not None:
        given["--at"] = "typed", at
    if len(given) > 1:
        raise UserError(f"{join(list(given))} were given; give one of them.")
    return next(iter(given.values()), None)


def _read_choice(
    run: Run, kept: "KeptPoint | None", positive: str | None, asked: Asked | None
) -> tuple[tuple[str, ...], Asked | None]:
    """Positive classes and criterion: what was given, else what is kept, else what is known."""
    from modelzoo.evaluation.operating_points import suggest_positive
    from modelzoo.runs.predictions import read_predictions

    classes = read_predictions(run.path).classes
    if positive is not None:
        return _split_names(positive, classes), asked
    if kept:
        return tuple(kept.positive), asked or (kept.criterion, kept.wanted)
    if suggested := suggest_positive(classes):
        return suggested, asked
    raise UserError(
        "Which classes are positive is not known of this data set; give them, as --positive "
        f"{one_line(classes[0])}."
    )


def _split_names(text: str, classes: tuple[str, ...]) -> tuple[str, ...]:
    """Names between commas; a name that holds one is given alone."""
    if text in classes:
        return (text,)
    return tuple(name for name in map(str.strip, text.split(",")) if name)


def _print_json(run: Run, point: "OperatingPoint", prevalence: float | None) -> None:
    from modelzoo.evaluation.run_thresholds import point_record

    print_json(
        {
            "run": run.id,
            "positive": point.choice.positive,
            "negative": point.negative,
            **point_record(point, prevalence),
            "notes": point.notes,
        }
    )


def _print_point(point: "OperatingPoint", prevalence: float | None) -> None:
    """Print the threshold, what it does as a table, and what that would mean."""
    from modelzoo.evaluation import operating_words as words
    from modelzoo.evaluation.predictive_values import (
        frequencies,
        likelihood_ratios,
        predictive_values,
    )

    print_line(words.describe_choice(point))
    rates = point.rates
    positive, negative = likelihood_ratios(rates)
    records: list[dict[str, Any]] = [
        {"of": "sensitivity", "text": words.describe_rate_briefly(rates.sensitivity)},
        {"of": "specificity", "text": words.describe_rate_briefly(rates.specificity)},
        {"of": "LR+", "text": words.describe_ratio_briefly(positive)},
        {"of": "LR-", "text": words.describe_ratio_briefly(negative)},
    ]
    columns = [
        Column("on the test images", lambda row: row["of"]),
        Column("value (95 % CI)", lambda row: row["text"]),
    ]
    print_table(records, columns)
    used = point.share if prevalence is None else prevalence
    if 0 < used < 1:
        values = predictive_values(rates, used)
        print_line(words.describe_values(values, is_set=prevalence is not None))
        print_line(words.describe_frequencies(frequencies(rates, used)))
    for note in point.notes:
        print_line(f"note: {note}")
    for sentence in words.describe_limits((*point.choice.positive, *point.negative)):
        print_line(f"note: {sentence}")
