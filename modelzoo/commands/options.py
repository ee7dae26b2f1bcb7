"""Arguments and options that several commands share, and what may be given for them."""

import os
from pathlib import Path
from typing import Annotated

import typer

from modelzoo import paths
from modelzoo.commands.output import notes
from modelzoo.errors import UserError
from modelzoo.files import MOST_NAME_BYTES, is_folder, is_regular_file
from modelzoo.launching.target import LOCAL, Target
from modelzoo.launching.targets import read_targets
from modelzoo.runs.file_names import CONFIG
from modelzoo.runs.folder import Run, list_run_folders, read_run
from modelzoo.text import one_line, shorten

MOST_BYTES = 4095  # of a path, as Linux has it
MOST_SHOWN = 60  # letters of what was given, in a sentence


def parse_path(text: str) -> Path:
    """The path that was given.

    Raises:
        UserError: No file can have it, or its name could not be written into a table.
    """
    text = paths.find_typed(text)
    if not text:
        raise UserError("An empty path was given; give a file or folder.")
    if "\0" in text:
        raise UserError(f"Path {shorten(text, MOST_SHOWN)!r} holds a NUL, which no file name can.")
    try:
        content = text.encode()
    except UnicodeEncodeError:
        raise UserError(
            f"Path {shorten(text, MOST_SHOWN)} is not UTF-8; rename the file or folder."
        ) from None
    parts = content.split(os.sep.encode())
    if len(content) > MOST_BYTES or max(map(len, parts)) > MOST_NAME_BYTES:
        raise UserError(
            f"Path {shorten(text, MOST_SHOWN)!r} is too long ({len(text)} letters), so it was not "
            f"found; give names of at most {MOST_NAME_BYTES} bytes."
        )
    return Path(text)


def find_run(name_or_path: str, runs: Path | None = None) -> Run:
    """The run that a folder's path or a name in `runs` means; the path where both are runs.

    Args:
        name_or_path: As a person typed it.
        runs: The folder of the runs; None: where they are kept.

    Raises:
        UserError: There is no such run, or its config is damaged.
    """
    path = parse_path(name_or_path)
    named = (runs or paths.runs_folder()) / path
    if is_regular_file(path / CONFIG) or not is_folder(named):
        return read_run(path) if is_folder(path) else _raise_not_found(path, named.parent)
    return read_run(named)


def find_run_folder(name_or_path: str, runs: Path | None = None) -> Path:
    """The folder of the run that `find_run` finds, or of a damaged one among `runs`.

    A damaged one is known by its name alone, as `runs` lists it: of a folder elsewhere only what
    is in it says that it is a run.

    Raises:
        UserError: There is no such run.
    """
    named = list_run_folders(runs or paths.runs_folder()).get(name_or_path)
    if named is None or is_regular_file(parse_path(name_or_path) / CONFIG):
        return find_run(name_or_path, runs).path
    return named


def _raise_not_found(path: Path, runs: Path) -> Run:
    raise UserError(
        f"Run {shorten(str(path), MOST_SHOWN)} was not found, neither as a folder nor in {runs}; "
        "`python -m modelzoo runs` lists those there are."
    )


def known_targets() -> dict[str, Target]:
    """The targets of the settings file; where it is damaged, this machine, and why is printed."""
    try:
        return read_targets(paths.targets_file())
    except UserError as error:
        notes.print(one_line(str(error)))
        return {LOCAL.name: LOCAL}


RunsOption = Annotated[
    Path | None,
    typer.Option("--runs", parser=parse_path, metavar="FOLDER", help="Folder of the runs."),
]
StoreOption = Annotated[
    Path | None,
    typer.Option("--store", parser=parse_path, metavar="FOLDER", help="Folder of decoded images."),
]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1, mps.")]
RunArgument = Annotated[str, typer.Argument(help="Name or folder of the run.")]
RunOption = Annotated[str, typer.Option("--run", help="Name or folder of the trained run.")]
ImageArgument = Annotated[
    Path, typer.Argument(parser=parse_path, metavar="IMAGE", help="An image, or a folder of them.")
]
CalibratedOption = Annotated[
    bool,
    typer.Option(
        "--calibrated",
        help="Scale probabilities by the run's temperature, fitted on its validation images.",
    ),
]
PerOption = Annotated[
    str,
    typer.Option(
        "--per",
        help="What is scored as one: image, group or patient, whose images' probabilities are "
        "averaged.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else.")]
CsvOption = Annotated[bool, typer.Option("--csv", help="Print CSV, and nothing else.")]
