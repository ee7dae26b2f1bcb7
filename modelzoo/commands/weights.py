"""`python -m modelzoo weights`: where each backbone's ImageNet weights are."""

from typing import Annotated

import typer

from modelzoo import paths
from modelzoo.backbones.table import BACKBONES
from modelzoo.commands.output import console, make_table
from modelzoo.commands.progress import phase, show_progress
from modelzoo.errors import UserError


def weights(
    names: Annotated[list[str] | None, typer.Argument(help="Backbones; all when none.")] = None,
    fetch: Annotated[bool, typer.Option("--fetch", help="Download what is not here.")] = False,
) -> None:
    """List where each backbone's ImageNet weights are, and fetch those that are missing."""
    from modelzoo.backbones.weights import list_weights

    folder = paths.weights_folder()
    wanted = names or list(BACKBONES)
    missing = [row.backbone for row in list_weights(folder, wanted) if row.path is None]
    failures = _fetch(missing) if fetch else []
    table = make_table(["backbone", "state", "size", "weights", "licence"])
    for row in list_weights(folder, wanted):
        size = f"{row.size_bytes / 1e6:.0f} MB"
        facts = BACKBONES[row.backbone]
        table.add_row(row.backbone, row.state, size, facts.timm_name or "NASNet-A", facts.licence)
    console.print(table)
    if failures:
        raise UserError(" ".join(failures))


def _fetch(backbones: list[str]) -> list[str]:
    """Download the weights; a sentence for each backbone whose weights did not come."""
    from modelzoo.backbones.weights import fetch_weights

    failures = []
    with show_progress() as show:
        for name in backbones:
            try:
                fetch_weights(name, report=phase(show, name))
            except UserError as error:
                failures.append(str(error))
    return failures
