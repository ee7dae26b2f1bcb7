"""`python -m modelzoo train`, `resume` and `stop`."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from modelzoo import paths
from modelzoo.commands.config_options import check_given, config_signature, keyword, plan_given
from modelzoo.commands.group import STOPPED
from modelzoo.commands.options import (
    DeviceOption,
    RunArgument,
    RunsOption,
    StoreOption,
    find_run,
    known_targets,
)
from modelzoo.commands.output import notes
from modelzoo.commands.progress import show_progress
from modelzoo.commands.runs import print_evaluation
from modelzoo.commands.sending import SbatchOption, TargetOption, send, send_planned
from modelzoo.config.train_config import require_precision
from modelzoo.errors import UserError
from modelzoo.runs.file_names import TRIAL
from modelzoo.runs.folder import Run, create_run
from modelzoo.runs.status import PACE_WORDS, Status, read_status
from modelzoo.runs.submission import remove_submission
from modelzoo.training.team import (
    ALONE,
    Team,
    find_place,
    list_places,
    read_team,
    require_shares,
)

ProcessesOption = Annotated[
    int,
    typer.Option(
        "--processes",
        min=1,
        max=64,
        help="Processes that train it together, each on a GPU of its own where there are any.",
    ),
]


def train(**options: Any) -> None:
    """Train one or more backbones on a folder of images; Ctrl-C stops, `resume` goes on."""
    folder: Path = options.pop("runs") or paths.runs_folder()
    store, device = options.pop("store"), options.pop("device")
    target, sbatch = options.pop("target"), options.pop("sbatch")
    processes = check_processes(options.pop("processes"), target, sbatch)
    if read_team(os.environ).size > 1:
        raise UserError(
            "Each process of torchrun would make the run for itself; give --processes to train "
            "without torchrun, or start `resume` with it, which trains a run that is there."
        )
    planned = plan_given(folder, options)
    if target is not None or sbatch:
        send_planned(planned, folder, target, store or paths.store_folder(), device, sbatch)
        return
    # Before a run is made, as all that may be mistyped.
    place = find_place(Team(size=processes, local_size=processes), device)
    for each in planned:
        require_precision(each.config, place)
        require_shares(each.config, processes)
    check_given(planned, folder, store or paths.store_folder())
    for each in planned:
        run = create_run(folder, each.name, each.config)
        if processes > 1:
            _start_processes(run, store, device, processes)
        else:
            _train(run, store, device)


train.__signature__ = config_signature(  # type: ignore[attr-defined]  # read by typer
    keyword("name", Annotated[str | None, typer.Option(help="Name of the run.")]),
    keyword("target", TargetOption),
    keyword("sbatch", SbatchOption),
    keyword("processes", ProcessesOption, 1),
)


def resume(
    run: RunArgument,
    store: StoreOption = None,
    device: DeviceOption = "auto",
    runs: RunsOption = None,
    target: TargetOption = None,
    sbatch: SbatchOption = None,
    processes: ProcessesOption = 1,
    at_once: Annotated[
        bool,
        typer.Option("--at-once", help="Do not wait for the device: a scheduler gave it."),
    ] = False,
) -> None:
    """Go on with a run that was stopped, killed or has not begun; the result is the same."""
    from modelzoo.launching.engines import note_own_job, require_not_sent

    check_processes(processes, target, sbatch)
    found, team = find_run(run, runs), read_team(os.environ)
    if team.size > 1:  # what C++ prints of a lost connection is said in a sentence
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "FATAL")
    if not team.is_first:
        _assist(found, store, device, team)
        return
    if read_status(found.path, now=time.time()).state == "done":
        raise UserError(f"Run {found.id!r} is done; train a new one.")
    if target is not None or sbatch:
        send([found], target, store or paths.store_folder(), device, sbatch)
        return
    if at_once:
        note_own_job(found, os.environ)
    else:
        require_not_sent(found, known_targets())
        remove_submission(found.path)
    if processes > 1 and team.size == 1:
        _start_processes(found, store, device, processes, is_given=at_once)
    else:
        _train(found, store, device, team=team, is_given=at_once)


def stop(
    run: RunArgument,
    after_epoch: Annotated[
        bool, typer.Option("--after-epoch", help="Finish the epoch in hand first.")
    ] = False,
    runs: RunsOption = None,
) -> None:
    """Stop a run at the next batch; what it had saved is kept, and `resume` goes on."""
    from modelzoo.launching import engines

    engines.stop(find_run(run, runs), after_epoch=after_epoch, targets=known_targets())


def check_processes(processes: int, target: str | None, sbatch: Path | None) -> int:
    """`processes`, where so many can be started here.

    Raises:
        UserError: A target says it itself.
    """
    if processes > 1 and (target is not None or sbatch):
        raise UserError(
            "--processes is for this machine; how many train a run elsewhere is what the settings "
            "file gives the target as gpus and nodes."
        )
    return processes


def _start_processes(
    run: Run, store: Path | None, device: str, processes: int, *, is_given: bool = False
) -> None:
    """Train `run` by so many processes of this machine; leave as the first does."""
    from modelzoo.training.processes import KILLED, start_together

    team = Team(size=processes, local_size=processes)
    find_place(team, device)
    require_shares(run.config, processes)
    arguments = ["resume", str(run.path.resolve()), "--device", device]
    arguments += ["--store", str((store or paths.store_folder()).resolve())]
    code = start_together([*arguments, *(["--at-once"] if is_given else [])], processes)
    if code == KILLED:
        raise UserError(read_status(run.path, now=time.time()).error or f"Run {run.id!r} failed.")
    raise typer.Exit(code)


def _assist(run: Run, store: Path | None, device: str, team: Team) -> None:
    """Compute with the first process of `team`, which says all that there is to say."""
    from modelzoo.training.assist import assist

    assist(
        run,
        store=store or paths.store_folder(),
        weights_folder=paths.weights_folder(),
        device=device,
        team=team,
    )


def _train(
    run: Run,
    store: Path | None,
    device: str,
    *,
    team: Team = ALONE,
    is_given: bool = False,
) -> None:
    """Train `run` when its turn comes, with a bar; leave with 130 when it was stopped."""
    from modelzoo.launching.queue import turn
    from modelzoo.training.heartbeat import StopRequestedError

    notes.print(f"Run {run.id}: {run.path}")
    place = find_place(team, device)
    state = "stopped"
    with (
        show_progress() as show,
        suppress(StopRequestedError),
        turn(
            run,
            place,
            others=list_places(team, place)[1:],
            on_progress=lambda: show(f"waiting for its turn on {place}", 0, 1),
            is_given=is_given,
        ),
    ):
        state = train_at_once(
            run, place, lambda status: show(_describe(status, run), *_steps(status)), store, team
        ).state
    if state == "stopped":
        notes.print(f"Stopped; go on with: python -m modelzoo resume {run.path}")
        raise typer.Exit(STOPPED)
    print_evaluation(run, "validation" if run.has(TRIAL) else "test")


def train_at_once(
    run: Run,
    device: str,
    on_progress: Callable[[Status], None],
    store: Path | None = None,
    team: Team = ALONE,
) -> Status:
    """Train `run`, now that it is its turn: torch is imported here and not before."""
    from modelzoo.training.run import train as train_run

    return train_run(
        run,
        store=store or paths.store_folder(),
        weights_folder=paths.weights_folder(),
        device=device,
        team=team,
        on_progress=on_progress,
    )


def _describe(status: Status, run: Run) -> str:
    """The phase; in training the epoch and the pace too."""
    if status.phase != "training":
        return status.phase
    speed, unit = status.images_per_second, PACE_WORDS[run.config.mode]
    pace = f", {speed:,.0f} {unit}/s" if speed else ""
    return f"training epoch {status.epoch + 1} of at most {status.epochs}{pace}"


def _steps(status: Status) -> tuple[int, int]:
    """Done and total of the phase, in thousandths."""
    if status.phase == "training":
        return round(1000 * (status.epoch + status.progress)), 1000 * status.epochs
    return round(1000 * status.progress), 1000
