"""`python -m modelzoo weights`: where each backbone's ImageNet weights are."""

from typing import Annotated, Any

import typer

from modelzoo import paths
from modelzoo.backbones.table import BACKBONES
from modelzoo.backbones.weights import WeightsState, list_weights, list_with_imagenet
from modelzoo.commands.group import stopping
from modelzoo.commands.options import CsvOption, JsonOption
from modelzoo.commands.output import Column, notes, print_records
from modelzoo.commands.progress import show_progress
from modelzoo.errors import UserError

_COLUMNS = (
    Column("backbone", lambda row: row["backbone"]),
    Column("state", lambda row: row["state"]),
    Column("size", lambda row: f"{row['size_bytes'] / 1e6:.0f} MB", is_number=True),
    Column("weights", lambda row: row["weights"]),
    Column("licence", lambda row: row["licence"], rank=1),
)


def weights(
    names: Annotated[list[str] | None, typer.Argument(help="Backbones; all when none.")] = None,
    fetch: Annotated[
        bool, typer.Option("--fetch", help="Download what is not here, the smallest first.")
    ] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Stop a fetch; what came is kept.")] = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """List where each backbone's ImageNet weights are, and fetch those that are missing."""
    if stop:
        from modelzoo.launching.fetching import stop_fetch

        stop_fetch(paths.home())
        return
    folder = paths.weights_folder()
    wanted = names or list_with_imagenet()
    missing = [row.backbone for row in list_weights(folder, wanted) if row.path is None]
    failures = _fetch(missing) if fetch and missing else []
    records = [_record(row) for row in list_weights(folder, wanted)]
    print_records(records, _COLUMNS, as_json=as_json, as_csv=as_csv)
    if failures:
        raise UserError(" ".join(failures))


def _record(row: WeightsState) -> dict[str, Any]:
    facts = BACKBONES[row.backbone]
    return {
        "backbone": row.backbone,
        "state": row.state,
        "path": row.path,
        "size_bytes": row.size_bytes,
        "weights": facts.timm_name or facts.title,
        "licence": facts.licence,
    }


def _fetch(backbones: list[str]) -> list[str]:
    """Download the weights; why some did not come, where some did not."""
    from modelzoo.launching.fetching import describe_failures, fetch_missing

    kept = "Stopped; what was fetched is kept, and the same command fetches the rest."
    with show_progress() as show, stopping(kept):
        fetch = fetch_missing(
            backbones, home=paths.home(), report=show, on_fetched=_go_on_with_demo
        )
    return describe_failures(fetch)


def _go_on_with_demo(backbone: str) -> None:
    """Queue the demo's run of `backbone`, whose weights are here now, where the demo was begun."""
    from modelzoo.demo import is_demo_here, queue_demo

    try:
        if is_demo_here():
            queue_demo([backbone], on_progress=lambda *_: None, on_message=notes.print)
    except UserError as error:  # of the demo alone: the other weights are fetched
        notes.print(str(error))
