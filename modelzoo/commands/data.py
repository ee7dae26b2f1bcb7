"""`python -m modelzoo data`: what a folder of images holds."""

from pathlib import Path
from typing import Annotated, Any

import typer

from modelzoo import paths
from modelzoo.commands.options import CsvOption, JsonOption, StoreOption, parse_path
from modelzoo.commands.output import Column, check_form, print_line, print_records
from modelzoo.commands.progress import phase, show_progress
from modelzoo.files import make_folder, replacing

_KEYS = {
    "class": "class",
    "images": "images",
    "groups": "groups",
    "largest group": "largest_group",
    "images in a group": "images_in_groups",
    "clusters": "background_clusters",
}
_COLUMNS = [
    Column("class", lambda row: row["class"]),
    Column("images", lambda row: str(row["images"]), is_number=True),
    Column("groups", lambda row: str(row["groups"]), is_number=True),
    Column("largest group", lambda row: str(row["largest_group"]), is_number=True),
    Column("images in groups", lambda row: str(row["images_in_groups"]), is_number=True),
    Column("background clusters", lambda row: str(row["background_clusters"]), is_number=True),
]


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
    segmented: Annotated[bool, typer.Option(help="Take Segmented instead of Original.")] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """List the classes, groups and background clusters of a folder, and what was skipped."""
    from modelzoo.datasets.report import describe_dataset, summarise_classes

    check_form(as_json=as_json, as_csv=as_csv)
    if out:
        make_folder(out.parent)  # before the work, which takes minutes
    dataset, groups, clusters = _open(path, segmented, store or paths.store_folder())
    if out:
        with replacing(out) as temporary:
            describe_dataset(dataset, groups, clusters).to_csv(temporary, index=False)
    summary = summarise_classes(dataset, groups, clusters).rename(columns=_KEYS)
    classes = [
        {str(key): value for key, value in row.items()} for row in summary.to_dict("records")
    ]
    whole = {
        "path": path,
        "layout": dataset.layout,
        "id": dataset.id,
        "images": len(dataset.images),
        "classes": classes,
        "notes": list(dataset.notes),
        "skipped": [{"image": each.id, "reason": each.reason} for each in dataset.skipped],
    }
    if not (as_json or as_csv):
        print_line(f"{path}: {whole['images']} images, layout {dataset.layout}, id {dataset.id}")
        for note in dataset.notes:
            print_line(f"note: {note}")
    print_records(classes, _COLUMNS, as_json=as_json, as_csv=as_csv, whole=whole)
    if not (as_json or as_csv):
        for each in dataset.skipped:
            print_line(f"skipped {each.id}: {each.reason}")


def _open(path: Path, segmented: bool, store: Path) -> tuple[Any, dict[str, str], dict[str, str]]:
    """The data set, and by image its group and its background cluster."""
    from modelzoo.datasets.background import find_background_clusters
    from modelzoo.datasets.groups import find_groups
    from modelzoo.datasets.opening import open_dataset

    with show_progress() as show:
        dataset = open_dataset(
            path, store=store, segmented=segmented, progress=phase(show, "checking images")
        )
        groups = find_groups(dataset, store=store, progress=phase(show, "finding groups"))
        on_progress = phase(show, "finding background clusters")
        clusters = find_background_clusters(
            dataset, store=store, groups=groups, progress=on_progress
        )
    return dataset, groups, clusters
