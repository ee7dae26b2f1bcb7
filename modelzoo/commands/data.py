"""`python -m modelzoo data`: what a folder of images holds."""

from pathlib import Path
from typing import Annotated

import typer

from modelzoo import paths
from modelzoo.commands.options import StoreOption
from modelzoo.commands.output import console, print_frame
from modelzoo.commands.progress import phase, show_progress


def data(
    path: Annotated[Path, typer.Argument(help="Folder or table of images.")],
    out: Annotated[
        Path | None, typer.Option(help="Write image,label,group,background here.")
    ] = None,
    segmented: Annotated[bool, typer.Option(help="Take Segmented instead of Original.")] = False,
    store: StoreOption = None,
) -> None:
    """List the classes, groups and background clusters of a folder, and what was skipped."""
    from modelzoo.datasets.background import find_background_clusters
    from modelzoo.datasets.groups import find_groups
    from modelzoo.datasets.opening import open_dataset
    from modelzoo.datasets.report import describe_dataset, summarise_classes

    folder = store or paths.store_folder()
    with show_progress() as show:
        dataset = open_dataset(
            path, store=folder, segmented=segmented, progress=phase(show, "checking images")
        )
        groups = find_groups(dataset, store=folder, progress=phase(show, "finding groups"))
        clusters = find_background_clusters(
            dataset,
            store=folder,
            groups=groups,
            progress=phase(show, "finding background clusters"),
        )
    table = describe_dataset(dataset, groups, clusters)
    if out:
        table.to_csv(out, index=False)
    console.print(f"{path}: {len(dataset.images)} images, layout {dataset.layout}, id {dataset.id}")
    print_frame(summarise_classes(dataset, groups, clusters))
    for skipped in dataset.skipped:
        console.print(f"skipped {skipped.id}: {skipped.reason}")
