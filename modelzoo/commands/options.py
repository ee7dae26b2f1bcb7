"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

RunsOption = Annotated[Path | None, typer.Option("--runs", help="Folder of the runs.")]
StoreOption = Annotated[Path | None, typer.Option("--store", help="Folder of decoded images.")]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1, mps.")]
RunArgument = Annotated[Path, typer.Argument(help="Folder of the run.")]
