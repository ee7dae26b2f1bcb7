"""Runs that a command sends to a target, or writes a batch script for."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from modelzoo import paths
from modelzoo.commands.config_options import check_given
from modelzoo.commands.options import known_targets, parse_path
from modelzoo.commands.output import notes, print_line
from modelzoo.config.train_config import require_precision
from modelzoo.errors import UserError
from modelzoo.launching.plan import PlannedRun
from modelzoo.launching.target import LOCAL, Target
from modelzoo.launching.targets import find_target, read_targets
from modelzoo.runs.folder import Run, create_run
from modelzoo.training.devices import find_device
from modelzoo.training.team import require_shares

TargetOption = Annotated[
    str | None,
    typer.Option("--target", help="Send it there; `targets` lists them. Without it: here."),
]
SbatchOption = Annotated[
    Path | None,
    typer.Option(
        "--sbatch",
        parser=parse_path,
        metavar="FILE",
        help="Write the file for Slurm's sbatch, and submit nothing.",
    ),
]


def send_planned(
    planned: Sequence[PlannedRun],
    folder: Path,
    name: str | None,
    store: Path,
    device: str,
    sbatch: Path | None,
) -> None:
    """Make the planned runs and send them; none is made where the target would refuse.

    Raises:
        UserError: The target is unknown, refuses or does not answer, or a run cannot be trained.
    """
    from modelzoo.launching.engines import ENGINES

    target = _find_target(name, device, sbatch)
    place = find_device(device).name if target.engine == LOCAL.engine else target.job_device
    for each in planned:
        require_precision(each.config, place)
        require_shares(each.config, target.processes)
    if not sbatch:
        ENGINES[target.engine].check(target)
    check_given(planned, folder, store)
    runs = [create_run(folder, each.name, each.config) for each in planned]
    send(runs, name, store, device, sbatch)


def send(
    runs: Sequence[Run], name: str | None, store: Path, device: str, sbatch: Path | None
) -> None:
    """Send the runs to the target `name`, or write the file for it.

    Raises:
        UserError: It is unknown, refuses or does not answer, or a run is at work or done.
    """
    from modelzoo.launching import engines

    target = _find_target(name, device, sbatch)
    if sbatch:
        engines.write_script(target, runs, sbatch, store=store, targets=known_targets())
        print_line(f"Written, and nothing submitted; hand it over with: sbatch {sbatch}")
        return
    jobs = engines.submit(target, runs, store=store, targets=known_targets())
    for run, job in zip(runs, jobs, strict=True):
        print_line(f"{run.id}: sent to {target.name} as {job}")
    notes.print("`python -m modelzoo runs` says how they are.")


def _find_target(name: str | None, device: str, sbatch: Path | None) -> Target:
    """The target; the only one of Slurm where a file is asked for and none is named."""
    file = paths.targets_file()
    if name is None:
        scripted = [each for each in read_targets(file).values() if each.engine == "slurm"]
        if len(scripted) != 1:
            raise UserError(
                f"A file for sbatch needs a target of Slurm, and {file} names "
                f"{len(scripted) or 'none'}; give --target."
            )
        return scripted[0]
    target = find_target(name, file)
    if sbatch and target.engine != "slurm":
        raise UserError(f"Target {name!r} takes no file of sbatch; give one of Slurm.")
    return replace(target, device=device) if target.engine == LOCAL.engine else target
