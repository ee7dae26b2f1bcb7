"""`python -m modelzoo demo`: synthetic smears, and every backbone trained on them."""

from typing import Annotated

import typer

from modelzoo import paths
from modelzoo.backbones.table import BACKBONES
from modelzoo.commands.group import STOPPED
from modelzoo.commands.options import DeviceOption
from modelzoo.commands.output import notes
from modelzoo.commands.progress import show_progress
from modelzoo.commands.train import train_at_once
from modelzoo.paths import DEMO_PREFIX
from modelzoo.runs.file_names import PREDICTIONS
from modelzoo.runs.folder import list_runs


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Only where no run is here, or the demo is unfinished.")
    ] = False,
    queue: Annotated[
        bool, typer.Option("--queue", help="Leave the runs in the queue, and return.")
    ] = False,
    device: DeviceOption = "auto",
) -> None:
    """Make synthetic smears and train every backbone on them, with the weights at hand."""
    found, _ = list_runs(paths.runs_folder())
    mine = [run for run in found if not run.id.startswith(DEMO_PREFIX)]
    tested = {run.config.backbone for run in found if run.has(PREDICTIONS)}
    if once and (mine or tested == set(BACKBONES)):
        return
    from modelzoo.demo import queue_demo, run_demo
    from modelzoo.training.heartbeat import StopRequestedError

    try:
        with show_progress() as show:
            if queue:
                queue_demo(device=device, on_progress=show, on_message=notes.print)
            else:
                run_demo(train_at_once, device=device, on_progress=show, on_message=notes.print)
    except StopRequestedError:
        notes.print("Stopped; go on with: python -m modelzoo demo")
        raise typer.Exit(STOPPED) from None
