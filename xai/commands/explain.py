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
from modelzoo.commands.predict_shards import check_field
from modelzoo.commands.progress import show_progress
from modelzoo.commands.sharding import (
    FieldOption,
    ShardOption,
    ShardsOption,
    WorkersOption,
    read_sharded,
)
from xai.commands import explaining
from xai.commands.explain_shards import explain_in_shards
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
            parser=parse_path,
            metavar="FOLDER",
            help="For overlays, maps and manifest.json; with --shards for tables and maps.",
        ),
    ],
    methods: Annotated[str, typer.Option(help="Several with commas.")] = "grad-cam",
    target: Annotated[
        str | None, typer.Option(help="Target class; the predicted class of each image if none.")
    ] = None,
    field: FieldOption = 0,
    shards: ShardsOption = None,
    shard: ShardOption = None,
    workers: WorkersOption = 1,
    device: DeviceOption = "cpu",
    runs: RunsOption = None,
) -> None:
    """Explain images: an overlay (PNG) and a map (.npy) each; what is there is not made again.

    With --shards predictions are Parquet tables and maps one .npz a shard, which any number of
    processes fill.
    """
    names = list_methods(methods)
    check_field(field)
    found = find_run(run, runs)
    words = ("xai", "explain", "--run", str(found.path), "--image", str(image), "--device", device)
    if sharded := read_sharded(out, shards, shard, workers, words):
        explain_in_shards(
            sharded, found, image, methods=names, target=target, field_px=field, device=device
        )
        return
    if field:
        raise UserError("--field is for work in shards; give --shards, 1 for a few images.")
    files = explaining.list_files(image, out)
    job = explaining.start(found.path, image, out, device)
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
