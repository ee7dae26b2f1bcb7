"""`python -m xai explain`: its options and what it prints; `explaining.py` does the work."""

from pathlib import Path
from typing import Annotated

import typer

from modelzoo.commands.group import stopping
from modelzoo.commands.options import (
    DeviceOption,
    RunOption,
    RunsOption,
    find_run,
    parse_path,
)
from modelzoo.commands.output import note_outside, print_line
from modelzoo.commands.progress import show_progress
from xai.commands import explaining
from xai.commands.manifest import MANIFEST
from xai.commands.shared import describe_missing, list_methods
from xai.errors import UserError


def explain(
    run: RunOption,
    image: Annotated[
        Path,
        typer.Option(parser=parse_path, metavar="IMAGE", help="An image, or a folder of images."),
    ],
    out: Annotated[
        Path,
        typer.Option(
            parser=parse_path, metavar="FOLDER", help="For overlays, maps and manifest.json."
        ),
    ],
    methods: Annotated[str, typer.Option(help="Several with commas.")] = "grad-cam",
    target: Annotated[
        str | None, typer.Option(help="Target class; the predicted class of each image if none.")
    ] = None,
    device: DeviceOption = "cpu",
    runs: RunsOption = None,
) -> None:
    """Explain images: an overlay (PNG) and a map (.npy) each; what is there is not made again."""
    names = list_methods(methods)
    files = explaining.list_files(image, out)
    job = explaining.start(find_run(run, runs).path, image, out, device)
    index = explaining.find_class(target, job.trained.classes)
    with show_progress() as show, stopping("Stopped; the same command goes on from here."):
        records = explaining.explain_files(job, files, names, index, show)
        explaining.draw_all(job, records, names, show)
    note_outside([record["share_outside"] for record in records])
    describe_missing(job.refused, job.skipped)
    if not records:
        if len(files) == 1:
            raise UserError(f"The image {files[0]} could not be read.")
        raise UserError(f"None of the {len(files)} images in {image} could be read.")
    if not job.made + job.kept:
        raise UserError(f"No map could be made of {image}; give other methods, or another run.")
    print_line(
        f"Images: {len(records)}. Maps: {job.made} made, {job.kept} there already. "
        f"See {out / MANIFEST}."
    )
