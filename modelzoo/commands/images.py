"""`python -m modelzoo images`: what runs predict for the test images they share."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelzoo.commands.options import CsvOption, JsonOption, RunsOption, find_run
from modelzoo.commands.output import Column, check_form, notes, print_records
from modelzoo.errors import UserError
from modelzoo.text import percent

if TYPE_CHECKING:
    from modelzoo.evaluation.hardest import ImageResult
    from modelzoo.runs.folder import Run


def images(
    run: Annotated[
        list[str], typer.Option("--run", help="Name or folder of a run; given once or more.")
    ],
    entry: Annotated[
        str | None,
        typer.Option(help="Only this entry of the first run's confusion matrix: TRUE:PREDICTED."),
    ] = None,
    n_correct: Annotated[
        int | None, typer.Option("--n-correct", help="Only images that so many runs get right.")
    ] = None,
    limit: Annotated[int, typer.Option(help="Print at most so many; 0 prints all.")] = 0,
    runs: RunsOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """List test images with each run's prediction, hardest first: fewest runs correct."""
    from modelzoo.evaluation.hardest import describe_agreement

    check_form(as_json=as_json, as_csv=as_csv)
    # One run may be given by its name and by its folder.
    found = list({each.path.resolve(): each for each in (find_run(n, runs) for n in run)}.values())
    if n_correct is not None and not 0 <= n_correct <= len(found):
        raise UserError(f"{n_correct} correct runs were asked for; give 0 to {len(found)}.")
    if limit < 0:
        raise UserError(f"A limit of {limit} images was given; give 0 or more.")
    results = _rank(found)
    sentence = describe_agreement(results)
    if entry is not None:
        results = _only_entry(results, entry)
    if n_correct is not None:
        results = [each for each in results if each.n_correct == n_correct]
    results = results[: limit or None]
    whole = [_record(each) for each in results]
    if not (as_json or as_csv):
        notes.print(sentence)
    records = [_flatten(each) for each in whole]
    columns = _columns([each.id for each in found])
    print_records(records, columns, as_json=as_json, as_csv=as_csv, whole=whole)


def _rank(runs: Sequence["Run"]) -> list["ImageResult"]:
    """The test images, the hardest first.

    Raises:
        UserError: The runs were tested on different images, have one name, or one has no
            predictions.
    """
    from modelzoo.evaluation.hardest import rank_hardest
    from modelzoo.runs.predictions import read_predictions
    from modelzoo.runs.records import read_split

    if len({each.id for each in runs}) < len(runs):
        raise UserError("Two runs of one name were given; rename one of them.")
    splits = {each.id: read_split(each.path).id for each in runs}
    for name, split_id in splits.items():
        if split_id != splits[runs[0].id]:
            raise UserError(
                f"Runs {runs[0].id!r} and {name!r} were tested on different images; give runs of "
                "one split."
            )
    return rank_hardest({each.id: read_predictions(each.path).only("test") for each in runs})


def _only_entry(results: list["ImageResult"], entry: str) -> list["ImageResult"]:
    """The images of one entry of the first run's confusion matrix.

    Raises:
        UserError: No such classes.
    """
    from modelzoo.evaluation.hardest import images_of_entry

    labels = {each.label for each in results}
    classes = sorted(labels | {each.by_model[0].predicted for each in results})
    for label in classes:
        for predicted in classes:
            if entry == f"{label}:{predicted}":
                return images_of_entry(results, label=label, predicted=predicted)
    raise UserError(
        f"Entry {entry!r} is unknown; give TRUE:PREDICTED with two of {', '.join(classes)}."
    )


def _record(result: "ImageResult") -> dict[str, Any]:
    return {
        "image": result.image,
        "true_class": result.label,
        "n_correct": result.n_correct,
        "predictions": [
            {
                "run": each.run_id,
                "predicted": each.predicted,
                "probability": each.probability,
                "is_correct": each.is_correct,
                "true_probability": each.true_probability,
            }
            for each in result.by_model
        ],
    }


def _flatten(record: dict[str, Any]) -> dict[str, Any]:
    """The record as a row: three columns for each run."""
    flat = {key: value for key, value in record.items() if key != "predictions"}
    for each in record["predictions"]:
        flat[f"predicted:{each['run']}"] = each["predicted"]
        flat[f"probability:{each['run']}"] = each["probability"]
        flat[f"true_probability:{each['run']}"] = each["true_probability"]
    return flat


def _columns(run_ids: Sequence[str]) -> list[Column]:
    """Image and true class, then what each run predicts and how surely."""

    def of_run(name: str) -> Column:
        return Column(
            name, lambda row: f"{row[f'predicted:{name}']} {percent(row[f'probability:{name}'])}"
        )

    first = [
        Column("image", lambda row: row["image"]),
        Column("true class", lambda row: row["true_class"]),
    ]
    return [*first, *map(of_run, run_ids)]
