"""`python -m modelzoo runs`, `evaluate`, `rename` and `delete`: what is trained, and how well."""

import sys
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelzoo import paths
from modelzoo.commands.options import (
    CalibratedOption,
    CsvOption,
    JsonOption,
    PerOption,
    RunArgument,
    RunsOption,
    find_run,
    find_run_folder,
    known_targets,
)
from modelzoo.commands.output import (
    Column,
    Record,
    check_form,
    notes,
    print_line,
    print_records,
    print_table,
)
from modelzoo.errors import UserError
from modelzoo.files import is_folder
from modelzoo.runs.ensembles import say_member
from modelzoo.runs.folder import Run, count_trials, delete_run, list_runs, rename_run
from modelzoo.text import count, join, one_line, shorten_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelzoo.evaluation.intervals import Evaluation
    from modelzoo.evaluation.rows import LeaderboardRow

NAMED = 3  # runs that share a note, by name
CLASS_LETTERS = 24  # of a class's name in the confusion matrix, whose lines have them all


def runs(
    runs: RunsOption = None,
    by_split: Annotated[
        bool,
        typer.Option("--by-split", help="One line per way of training, a column for each split."),
    ] = False,
    per: PerOption = "image",
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """List the runs, newest first: date, state, backbone, data, split, accuracy with 95 % CI.

    CSV and JSON have every score, what the run cost and its settings. Damaged runs are named on
    the error stream.
    """
    from modelzoo.evaluation.rows import read_leaderboard, read_row
    from modelzoo.evaluation.tables import run_records
    from modelzoo.evaluation.units import check_unit
    from modelzoo.launching.engines import refresh

    check_form(as_json=as_json, as_csv=as_csv)
    unit = check_unit(per)
    folder = runs or paths.runs_folder()
    found, damaged = list_runs(folder)
    for sentence in refresh(found, known_targets(), now=time.time()).values():
        notes.print(one_line(sentence))
    nothing = not (found or damaged or count_trials(folder))
    if (runs and not is_folder(runs)) or (nothing and not (as_json or as_csv)):
        raise UserError(f"{folder} holds no run; `python -m modelzoo demo` trains the first ones.")
    board = read_leaderboard(found, read=partial(read_row, per=unit))
    if by_split:
        _print_by_split(board.rows, as_json=as_json, as_csv=as_csv)
        return
    records = run_records(board, found, unit)
    print_records(records, _run_columns(), as_json=as_json, as_csv=as_csv)
    if not (as_json or as_csv):
        _print_notes(board.rows)
        if n_trials := count_trials(folder):
            notes.print(
                f"{count(n_trials, 'trial')} of sweeps {'is' if n_trials == 1 else 'are'} not "
                "listed, since trials are scored on validation images only. "
                "`python -m modelzoo sweep --sweep NAME --show` lists them."
            )
    for sentence in damaged.values():
        notes.print(f"damaged: {one_line(sentence)}")
    for sentence in board.problems.values():  # one without patients is not damaged
        notes.print(f"{'not scored' if unit == 'patient' else 'damaged'}: {one_line(sentence)}")


def _print_by_split(rows: "Sequence[LeaderboardRow]", *, as_json: bool, as_csv: bool) -> None:
    """Print what each way of training scores on each split, over its seeds."""
    from modelzoo.evaluation.by_split import KINDS, describe_spread, list_ways, split_records

    ways = list_ways(rows)
    if as_json or as_csv:
        print_records(split_records(ways), [], as_json=as_json, as_csv=as_csv)
        return
    lines = [
        {
            "model": way.title,
            "data": way.dataset,
            **{
                kind: describe_spread(
                    each.scores["accuracy"], "accuracy", len(each.runs), len(each.seeds)
                )
                for kind, each in way.by_split.items()
            },
        }
        for way in ways
    ]
    run_on = [kind for kind in KINDS if any(kind in way.by_split for way in ways)]
    columns = [Column("model", lambda row: row["model"])]
    columns += [Column(kind, partial(_on_kind, kind)) for kind in run_on]
    columns += [Column("data", lambda row: row["data"], rank=1)]
    print_table(lines, columns)
    notes.print(
        "Test accuracy: of several seeds the mean, in brackets from the lowest to the highest end "
        "of their 95 % CIs, then the lowest and the highest accuracy. Test images differ from "
        "split to split."
    )


def _on_kind(kind: str, row: Record) -> str:
    return str(row.get(kind, ""))


def _print_notes(rows: "Sequence[LeaderboardRow]") -> None:
    """Print what a reader must know to judge the scores, each sentence once, with its runs."""
    runs_by_note: dict[str, list[str]] = {}
    for row in rows:
        for note in row.notes:
            runs_by_note.setdefault(note, []).append(row.run_id)
    for note, names in runs_by_note.items():
        shown = names if len(names) <= NAMED else [*names[:NAMED], f"{len(names) - NAMED} more"]
        notes.print(f"{one_line(join(shown))}: {one_line(note)}")


def _run_columns() -> list[Column]:
    """The columns for people, in the order in which a wider terminal shows more of them."""
    from modelzoo.evaluation.tables import describe_record_score

    return [
        Column("run", lambda row: row["run"]),
        Column("date", lambda row: row["date"][:10]),
        Column("state", lambda row: row["state"]),
        Column("backbone", lambda row: row["title"], rank=2),
        Column("data", lambda row: row["data"], rank=3),
        Column("split", lambda row: row["split"], rank=1),
        Column("accuracy (95 % CI)", lambda row: describe_record_score(row, "accuracy")),
        Column("seed", lambda row: str(row["seed"]), rank=4, is_number=True),
        Column("test images", _describe_test_set, rank=5),
        Column("AUC", lambda row: describe_record_score(row, "auc"), rank=6),
        Column("F1", lambda row: describe_record_score(row, "f1"), rank=7),
        Column("initial weights", lambda row: row["weights"], rank=8),
        Column("recipe", lambda row: row["recipe"], rank=9),
    ]


def _describe_test_set(row: Any) -> str:
    if not row["test_images"]:
        return ""
    if row["per"] != "image":
        return f"{count(row['test_units'], row['per'])} of {row['test_images']}"
    return f"{row['test_images']} in {count(row['test_groups'], 'group')}"


def evaluate(
    run: RunArgument,
    part: Annotated[str, typer.Option(help="train, validation or test.")] = "test",
    calibrated: CalibratedOption = False,
    per: PerOption = "image",
    runs: RunsOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Print a run's scores with their 95 % CI and its confusion matrix, from its predictions.

    JSON has the reliability of its probabilities, too: what each bin says, and ideal calibration.
    """
    check_form(as_json=as_json, as_csv=as_csv)
    found = find_run(run, runs)
    print_evaluation(found, part, calibrated=calibrated, per=per, as_json=as_json, as_csv=as_csv)


def print_evaluation(
    run: Run,
    part: str,
    *,
    calibrated: bool = False,
    per: str = "image",
    as_json: bool = False,
    as_csv: bool = False,
) -> None:
    """Print the scores of `run` on one part; for people and in JSON those by class, too.

    For people only the default scores are printed, and the others are named. In CSV every row has
    the notes on the run, in a column of their own as `runs` has them.
    """
    from modelzoo.evaluation.run_scores import evaluate_calibration, evaluate_classes, evaluate_run
    from modelzoo.evaluation.tables import calibration_record, class_records, score_records
    from modelzoo.evaluation.temperature import read_calibrated
    from modelzoo.evaluation.units import check_unit
    from modelzoo.runs.predictions import read_predictions

    read, unit = read_calibrated if calibrated else read_predictions, check_unit(per)
    evaluation = evaluate_run(run, part=part, read=read, per=unit)
    if calibrated:
        evaluation = replace(evaluation, notes=(_describe_scaling(run, part), *evaluation.notes))
    by_class = class_records(evaluate_classes(run, part=part, read=read, per=unit))
    reliability = evaluate_calibration(run, part=part, read=read, per=unit)
    records = score_records(evaluation)
    whole = {
        "run": run.id,
        "part": part,
        "per": evaluation.per,
        "units": evaluation.units,
        "images": evaluation.images,
        "groups": len(evaluation.groups),
        "scores": records,
        "by_class": by_class,
        "calibration": calibration_record(reliability),
        "classes": evaluation.classes,
        "confusion": evaluation.confusion,  # true class by predicted class
        "notes": evaluation.notes,
    }
    if as_csv:
        records = [{**record, "notes": " ".join(evaluation.notes)} for record in records]
    if as_json or as_csv:
        print_records(records, _SCORE_COLUMNS, as_json=as_json, as_csv=as_csv, whole=whole)
    else:
        _print_scores(records)
        for note in evaluation.notes:
            print_line(f"note: {note}")
        print_line("")
        _print_classes(by_class, part, unit)
        print_line("")
        _print_confusion(evaluation)


def _describe_scaling(run: Run, part: str) -> str:
    """With what the probabilities are scaled, and whether it was fitted on these very images."""
    from modelzoo.evaluation.temperature import describe_scaling, find_temperature

    words = describe_scaling({run.id: find_temperature(run.path)})
    return words if part != "validation" else f"{words} These are the images that it was fitted on."


def _print_scores(records: "Sequence[Record]") -> None:
    """Print the default scores, and the names of the others."""
    from modelzoo.evaluation.metrics import METRICS

    print_table([row for row in records if METRICS[row["name"]].is_default], _SCORE_COLUMNS)
    if others := [row["title"] for row in records if not METRICS[row["name"]].is_default]:
        notes.print(f"({join(others)}: --csv or --json)")


_SCORE_COLUMNS = [
    Column("score", lambda row: row["title"]),
    Column("value", lambda row: row["text"]),
    Column("note", lambda row: row["note"]),
]


def _print_classes(records: "Sequence[Record]", part: str, per: str) -> None:
    """Print the scores of each class; long names are shortened."""
    from modelzoo.datasets.splits import PART_WORDS
    from modelzoo.evaluation.tables import describe_class_score

    short = shorten_all([record["class"] for record in records], CLASS_LETTERS)
    columns = [
        Column("class", lambda row: short[row["class"]]),
        Column(f"{PART_WORDS[part]} {per}s", partial(_describe_class_images, per)),
        Column("sensitivity (95 % CI)", lambda row: describe_class_score(row, "sensitivity")),
        Column("precision", lambda row: describe_class_score(row, "precision"), rank=1),
        Column("AUC", lambda row: describe_class_score(row, "auc"), rank=2),
        Column("note", lambda row: row["note"]),
    ]
    print_table(records, columns, whole="--json")


def _describe_class_images(per: str, row: Any) -> str:
    if not row["images"]:
        return "0"
    in_groups = "" if per == "group" else f" in {count(row['groups'], 'group')}"
    return f"{row['images']}{in_groups}"


def _print_confusion(evaluation: "Evaluation") -> None:
    """Print the confusion matrix, one line per true class; long names of classes are shortened."""
    short = shorten_all(evaluation.classes, CLASS_LETTERS)
    lines = [
        {"": short[label], **dict(zip(evaluation.classes, map(str, row), strict=True))}
        for label, row in zip(evaluation.classes, evaluation.confusion.tolist(), strict=True)
    ]
    columns = [Column("true class \\ predicted class", lambda row: row[""])]
    columns += [
        Column(short[name], lambda row, name=name: row[name], is_number=True)  # type: ignore[misc]  # bound now
        for name in evaluation.classes
    ]
    print_table(lines, columns)
    if any(len(one_line(name)) > CLASS_LETTERS for name in evaluation.classes):
        notes.print("(names of classes are shortened; --json has them whole)")


def rename(
    run: RunArgument,
    name: Annotated[str, typer.Argument(help="The new name.")],
    runs: RunsOption = None,
) -> None:
    """Give a run, damaged or not, another name; links and files with the old one do not follow."""
    folder = find_run_folder(run, runs)
    joined = say_member(folder)
    renamed = rename_run(folder, name)
    _warn(joined)
    print_line(f"Renamed to {renamed}.")


def delete(
    run: RunArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    runs: RunsOption = None,
) -> None:
    """Delete a run, damaged or not, with all that it left; a terminal is asked first."""
    folder = find_run_folder(run, runs)
    _warn(say_member(folder))
    if not yes and sys.stdin.isatty():
        typer.confirm(f"Delete {one_line(str(folder))} with all that is in it?", abort=True)
    delete_run(folder)
    print_line(f"Deleted {folder}.")


def _warn(sentence: str) -> None:
    if sentence:
        notes.print(one_line(sentence))
