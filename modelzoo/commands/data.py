"""`python -m modelzoo data`: what a folder of images holds."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from modelzoo import paths
from modelzoo.commands.options import CsvOption, JsonOption, StoreOption, parse_path
from modelzoo.commands.output import Column, check_form, notes, print_records, print_table
from modelzoo.commands.progress import show_progress
from modelzoo.errors import UserError
from modelzoo.files import is_same, make_folder, may_replace, replacing
from modelzoo.text import count, file_size, join, one_line

if TYPE_CHECKING:
    from modelzoo.datasets.preparing import Prepared
    from modelzoo.datasets.report import Report

_CLASSES = [
    Column("class", lambda row: row["class"]),
    Column("images", lambda row: str(row["images"]), is_number=True),
    Column("groups", lambda row: str(row["groups"]), is_number=True),
    Column("largest group", lambda row: str(row["largest_group"]), is_number=True),
    Column("images in groups", lambda row: str(row["images_in_groups"]), is_number=True),
    Column("background clusters", lambda row: str(row["background_clusters"]), is_number=True),
]
_PARTS = [
    Column("part", lambda row: row["part"]),
    Column("images", lambda row: str(row["images"]), is_number=True),
    Column("groups", lambda row: str(row["groups"]), is_number=True),
    Column("copies or overlaps of training", lambda row: str(row["copied"]), is_number=True),
    Column("group in training", lambda row: str(row["shared"]), is_number=True),
]
_CLASS_PARTS = [
    Column("class", lambda row: row["class"]),
    Column("train", lambda row: str(row["train"]), is_number=True),
    Column("validation", lambda row: str(row["validation"]), is_number=True),
    Column("test", lambda row: str(row["test"]), is_number=True),
]
# The first line of what --out writes, by which a table of this command is known.
_TABLE_START = b"image,label,group,background\n"
_MOST_LINES = 10  # of a list, in a terminal; --json has all


def data(
    path: Annotated[
        Path,
        typer.Argument(parser=parse_path, metavar="PATH", help="Folder or table of images."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            parser=parse_path, metavar="FILE", help="Write image,label,group,background here."
        ),
    ] = None,
    card: Annotated[
        Path | None,
        typer.Option(
            parser=parse_path,
            metavar="FILE.md",
            help="Write a data card here, and beside it .csv (one row per image, with hashes) and "
            ".json (Croissant 1.0).",
        ),
    ] = None,
    segmented: Annotated[bool, typer.Option(help="Take Segmented instead of Original.")] = False,
    columns: Annotated[
        str,
        typer.Option(
            help="Columns of a table whose names say nothing: label=dx,group=MRN; part= or group=: "
            "read none for it."
        ),
    ] = "",
    store: StoreOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Report what a folder holds, where that is from, what is doubtful and what was left out."""
    from modelzoo.datasets.answers import read_kept_answers
    from modelzoo.datasets.card import check_card, write_card
    from modelzoo.datasets.preparing import prepare
    from modelzoo.datasets.report import make_report

    check_form(as_json=as_json, as_csv=as_csv)
    if out:
        _check_out(out, path)
    if card:
        check_card(card, path, out)
    for file in (out, card):
        if file:
            make_folder(file.parent)  # before the work, which takes minutes
    with show_progress() as show:
        prepared = prepare(
            path,
            store=store or paths.store_folder(),
            segmented=segmented,
            columns=columns,
            progress=lambda step, *work: show(f"opening: {step}", *work),
        )
    if out:
        _write_table(out, prepared)
    if card:
        answers = read_kept_answers(paths.answers_folder(), prepared.dataset.id)
        written = write_card(card, prepared, answers)
        notes.print(f"Written: {join([str(each) for each in written])}.")
    report = make_report(prepared)
    if as_json or as_csv:
        whole = {"path": path, **_as_json(report, prepared)}
        print_records(whole["classes"], _CLASSES, as_json=as_json, as_csv=as_csv, whole=whole)
    else:
        _print_report(path, report, prepared)


def _check_out(file: Path, data: Path) -> None:
    """Pass when the table can be written to `file` without loss of what is there.

    Raises:
        UserError: It is called like an image, or something else is there, such as `data` itself.
    """
    from modelzoo.datasets.walk import is_image

    if is_image(file.name):
        raise UserError(
            f"The table {file} would be CSV and is called like an image; give a name that ends in "
            ".csv."
        )
    if is_same(file, data) or not may_replace(file, _TABLE_START):
        raise UserError(
            f"{file} is there already and is no table that --out wrote, or is the one that is "
            "read; nothing was written: give another name."
        )


def _write_table(file: Path, prepared: "Prepared") -> None:
    from modelzoo.datasets.report import describe_dataset

    table = describe_dataset(prepared.dataset, prepared.groups, prepared.clusters)
    with replacing(file) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


def _as_json(report: "Report", prepared: "Prepared") -> dict[str, Any]:
    """The report, and every file that was left out."""
    values = dataclasses.asdict(report)
    values["classes"] = _class_records(report)
    values["skipped"] = [
        {"image": each.id, "reason": each.reason} for each in prepared.dataset.skipped
    ]
    return values


def _class_records(report: "Report") -> list[dict[str, Any]]:
    records = []
    for row in report.classes:
        values = dataclasses.asdict(row)
        records.append({"class": values.pop("name"), **values})
    return records


def _print_report(path: Path, report: "Report", prepared: "Prepared") -> None:
    """Print what a person reads first on top: what is wrong, then what was understood."""
    from modelzoo.datasets.words import (
        describe_formats,
        describe_left_out,
        describe_origins,
        describe_shared,
    )

    console = Console(markup=False, highlight=False, soft_wrap=True)
    root = prepared.dataset.root
    classes = count(len(report.classes), "class", "es")
    console.print(
        one_line(
            f"{path}: {count(report.images, 'image')} of {classes} in "
            f"{count(report.groups, 'group')}, {file_size(report.bytes)}, id {report.id}"
        )
    )
    _print_list(console, "Probably wrong", report.doubts, "bold yellow")
    _print_list(console, "Guessed, or not used", report.notes, "bold")
    console.print()
    for name, words in describe_origins(report):
        console.print(Text(f"{name:<8}", style="bold"), one_line(words))
    console.print()
    print_table(_class_records(report), _CLASSES)
    if report.parts:
        console.print()
        print_table([dataclasses.asdict(row) for row in report.parts], _PARTS)
        console.print()
        print_table(_class_records(report), _CLASS_PARTS)
    console.print()
    _print_list(console, "Files", describe_formats(report), "bold")
    _print_list(
        console,
        "Largest groups",
        [f"{count(images, 'image')}: {name}" for name, images in report.largest_groups],
        "bold",
    )
    shared = describe_shared(report)
    console.print(Text("The same field", style="bold"), shared)
    for crossing in report.crossings:
        title = f"  across {crossing.across}: {count(crossing.images, 'image')}"
        pairs = ((join(pair), pair[0]) for pair in crossing.examples)
        _print_examples(console, title, root, pairs)
    if report.left_out:
        left_out = describe_left_out(prepared.dataset)
        console.print(Text(f"Left out: {left_out}", style="bold"))
    for each in report.left_out[:_MOST_LINES]:
        examples = zip(each.examples, each.examples, strict=True)
        _print_examples(console, f"  {each.count:,}: {each.reason}", root, examples)
    if len(report.left_out) > _MOST_LINES:
        console.print(f"  and {len(report.left_out) - _MOST_LINES} more reasons: --json has all")


def _print_list(console: Console, title: str, lines: Iterable[str], style: str) -> None:
    """Print a title with a line for each of `lines`; nothing where there are none."""
    listed = [one_line(line) for line in lines]
    if listed:
        console.print(Text(title, style=style))
        for line in listed:
            console.print(f"  - {line}")


def _print_examples(
    console: Console, title: str, root: Path, examples: Iterable[tuple[str, str]]
) -> None:
    """Print a title and examples (text, image id), in a terminal as links that open the file."""
    console.print(one_line(title))
    for text, image_id in examples:
        link = (root / image_id).absolute().as_uri()
        console.print("     ", Text(one_line(text), style=f"link {link}"))
