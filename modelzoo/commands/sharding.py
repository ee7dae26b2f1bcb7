"""What commands that work in shards share: options, workers, and what is said meanwhile."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelzoo.commands.group import STOPPED
from modelzoo.commands.output import notes
from modelzoo.commands.progress import show_progress
from modelzoo.errors import UserError
from modelzoo.shards.plan import Plan, describe_plan
from modelzoo.text import count, join_few

if TYPE_CHECKING:  # which needs pyarrow
    from modelzoo.shards.work import Progress, Work

ARRAY_TASK = "SLURM_ARRAY_TASK_ID"
THREADS = "OMP_NUM_THREADS"  # torch reads it, too
MOST_WORKERS = 256
LOOK_SECONDS = 1.0  # how often finished shards are counted while workers are at it

ShardsOption = Annotated[
    int | None,
    typer.Option(
        "--shards",
        help="Work in so many shards, into the folder --out: a Parquet table each. Started again, "
        "or on several machines at once, it computes what is missing.",
    ),
]
ShardOption = Annotated[
    int | None,
    typer.Option(
        "--shard",
        help=f"Only this shard, from 1; in a Slurm array that of {ARRAY_TASK}.",
    ),
]
WorkersOption = Annotated[
    int, typer.Option("--workers", help="Processes that work through the shards here.")
]
FieldOption = Annotated[
    int,
    typer.Option(
        "--field",
        help="Cut large images into overlapping fields with this side in pixels of the file, "
        "which should show as much as a training image does, and join them; 0: the middle square.",
    ),
]


@dataclass(frozen=True, slots=True)
class Sharded:
    """A command in shards, as it was typed."""

    out: Path
    shards: int
    shard: int | None
    workers: int
    words: tuple[str, ...]  # that start a worker: "modelzoo", "predict", and so on

    def with_words(self, *more: str) -> "Sharded":
        """The same with more words for its workers."""
        return replace(self, words=(*self.words, *more))


def read_sharded(
    out: Path | None,
    shards: int | None,
    shard: int | None,
    workers: int,
    words: Sequence[str],
) -> Sharded | None:
    """What was asked for; None: no shards.

    Raises:
        UserError: The options do not go together.
    """
    if shards is None:
        if shard is not None or workers != 1:
            raise UserError("--shard and --workers are for work in shards; give --shards, too.")
        return None
    if out is None:
        raise UserError("--shards was given without --out; give a folder for the results.")
    if out.is_file():
        raise UserError(f"{out} is a file; with --shards give a folder for --out.")
    if not 1 <= workers <= MOST_WORKERS:
        raise UserError(f"{workers} workers were asked for; give 1 to {MOST_WORKERS}.")
    task = os.environ.get(ARRAY_TASK)
    if shard is None and task is not None:
        if not task.isdecimal():
            raise UserError(f"{ARRAY_TASK} is {task!r}; start the array as 1-{shards}.")
        shard = int(task)
    if shard is not None and workers > 1:
        raise UserError(f"One shard has one worker; {workers} were asked for.")
    words = (*words, "--out", str(out), "--shards", str(shards))
    return Sharded(out, shards, shard, workers, tuple(words))


def run_shards(sharded: Sharded, plan: Plan, load: Callable[[], "Work"], doing: str) -> "Progress":
    """Compute what is missing, here or in workers, and say how it goes.

    Args:
        sharded: As it was typed.
        plan: In its folder.
        load: Makes the work; called where there is any.
        doing: What the bar says: "predicting".

    Raises:
        typer.Exit: It was stopped.
        UserError: Whatever the work raises; or a worker failed.
    """
    from modelzoo.shards.work import describe_shard, stopping_after_batch, work_through

    if sharded.workers > 1:
        return _run_workers(sharded, plan, doing)
    with stopping_after_batch() as is_stopped, show_progress() as show:
        progress = work_through(
            sharded.out,
            plan,
            load,
            only=sharded.shard,
            is_stopped=is_stopped,
            on_rows=lambda done, total: show(doing, done, total),
            on_shard=lambda number, seconds, progress: notes.print(
                describe_shard(number, seconds, progress, time.monotonic())
            ),
        )
    wanted = progress.missing if sharded.shard is None else [sharded.shard]
    if is_stopped() and set(wanted) - progress.finished:
        notes.print("Stopped; what is done is kept, and the same command goes on from here.")
        raise typer.Exit(STOPPED)
    if busy := [each for each in wanted if each not in progress.finished]:
        held = count(len(busy), "shard")
        notes.print(f"{held} ({_list(busy)}) left to other processes, which work at it.")
    return progress


def _run_workers(sharded: Sharded, plan: Plan, doing: str) -> "Progress":
    """Let processes, each the same command with one worker, work through the shards together."""
    from modelzoo.shards.work import look_again, look_up, stopping_after_batch

    progress = look_up(sharded.out, plan)
    if not progress.missing:
        return progress
    number = min(sharded.workers, len(progress.missing))
    environment = {key: value for key, value in os.environ.items() if key != ARRAY_TASK}
    # Two workers with a thread for every core each are slower than one.
    environment.setdefault(THREADS, str(max(1, (os.cpu_count() or 1) // number)))
    command = [sys.executable, "-m", *sharded.words]
    with stopping_after_batch() as is_stopped, show_progress() as show:
        workers = [
            subprocess.Popen(
                command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
            for _ in range(number)
        ]
        try:
            relays = [_relay(worker) for worker in workers]
            while any(worker.poll() is None for worker in workers) and not is_stopped():
                look_again(sharded.out, progress)
                show(doing, progress.images, len(plan.images))
                time.sleep(LOOK_SECONDS)
        finally:  # a signal may have come to this process alone
            for worker in workers:
                worker.terminate()
        for relay in relays:
            relay.join()
    for worker in workers:
        worker.wait()
    look_again(sharded.out, progress)
    if progress.missing and is_stopped():
        raise typer.Exit(STOPPED)
    if progress.missing:
        codes = sorted({worker.returncode for worker in workers if worker.returncode})
        ends = f" (a worker ended with {join_few([str(code) for code in codes])})" if codes else ""
        raise UserError(
            f"{count(len(progress.missing), 'shard')} of {plan.asked.shards} were not finished"
            f"{ends}; the same command computes what is missing."
        )
    return progress


def _relay(worker: "subprocess.Popen[bytes]") -> threading.Thread:
    """Print what a worker says on its error stream, until it ends."""

    def read() -> None:
        for line in worker.stderr or ():
            notes.print(line.decode(errors="backslashreplace").rstrip())

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread


def describe_rest(sharded: Sharded, plan: Plan, progress: "Progress") -> str:
    """What is missing, and how it is computed; "" where nothing is."""
    if not progress.missing:
        return ""
    missing = count(len(progress.missing), "shard")
    return (
        f"{describe_plan(plan)}, {missing} missing ({_list(progress.missing)}); the same command "
        "without --shard computes them here."
    )


def _list(shards: Sequence[int]) -> str:
    return join_few([str(each) for each in shards])
