"""`python -m modelzoo demo`: synthetic smears, and the backbones trained on them."""

from typing import Annotated

import typer

from modelzoo import paths
from modelzoo.commands.group import STOPPED
from modelzoo.commands.options import DeviceOption
from modelzoo.commands.output import notes
from modelzoo.commands.progress import show_progress
from modelzoo.commands.train import train_at_once
from modelzoo.launching.plan import parse_backbones
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
    from_scratch: Annotated[
        str | None,
        typer.Option(
            "--from-scratch",
            help="Train these backbones from random starts, and no others; several with commas, "
            "or `all`.",
        ),
    ] = None,
    device: DeviceOption = "auto",
) -> None:
    """Make synthetic smears and train on them every backbone whose ImageNet weights are here."""
    from modelzoo.demo import DEMO_BACKBONES, list_demo_runs, queue_demo, run_demo
    from modelzoo.training.heartbeat import StopRequestedError

    if from_scratch == "all":
        scratch = list(DEMO_BACKBONES)
    else:
        scratch = [] if from_scratch is None else parse_backbones(from_scratch)
    if once:
        found, _ = list_runs(paths.runs_folder())
        tested = {run.id for run in found if run.has(PREDICTIONS)}
        is_mine = any(not run.id.startswith(DEMO_PREFIX) for run in found)
        if is_mine or tested >= set(list_demo_runs()):
            return
    try:
        with show_progress() as show:
            if queue:
                queue_demo(
                    from_scratch=scratch, device=device, on_progress=show, on_message=notes.print
                )
            else:
                run_demo(
                    train_at_once,
                    from_scratch=scratch,
                    device=device,
                    on_progress=show,
                    on_message=notes.print,
                )
    except StopRequestedError:
        notes.print("Stopped; go on with: python -m modelzoo demo")
        raise typer.Exit(STOPPED) from None
