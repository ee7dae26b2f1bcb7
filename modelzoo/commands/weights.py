"""`python -m modelzoo weights`: where each backbone's ImageNet weights are."""

from typing import Annotated, Any

import typer

from modelzoo import paths
from modelzoo.backbones.table import BACKBONES
from modelzoo.backbones.weights import WeightsState, fetch_weights, list_weights
from modelzoo.commands.group import stopping
from modelzoo.commands.options import CsvOption, JsonOption
from modelzoo.commands.output import Column, print_records
from modelzoo.commands.progress import phase, show_progress
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
    fetch: Annotated[bool, typer.Option("--fetch", help="Download what is not here.")] = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """List where each backbone's ImageNet weights are, and fetch those that are missing."""
    folder = paths.weights_folder()
    wanted = names or list(BACKBONES)
    missing = [row.backbone for row in list_weights(folder, wanted) if row.path is None]
    failures = _fetch(missing) if fetch else []
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
        "weights": facts.timm_name or "NASNet-A",
        "licence": facts.licence,
    }


def _fetch(backbones: list[str]) -> list[str]:
    """Download the weights; a sentence for each backbone whose weights did not come."""
    failures = []
    kept = "Stopped; what was fetched is kept, and the same command fetches the rest."
    with show_progress() as show, stopping(kept):
        for name in backbones:
            try:
                fetch_weights(name, report=phase(show, name))
            except UserError as error:
                failures.append(str(error))
    return failures
