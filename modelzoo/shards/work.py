"""Working through the shards of a plan: whichever are missing, each held by one process. No torch.

Processes know of each other by the locks in the folder of results only, so that workers of one
command, jobs of an array and machines that share a disk work through one plan together.
"""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import pyarrow as pa
from filelock import FileLock, Timeout

from modelzoo.errors import UserError
from modelzoo.shards.files import Maps, Row, ShardWriter, read_shard, table_file
from modelzoo.shards.plan import LOCKS, Plan
from modelzoo.text import count, describe_seconds

# Images by name -> batches of rows and, where work makes maps, the maps of each row.
Compute = Callable[[Sequence[str]], Iterator[tuple[Sequence[Row], Sequence[Maps]]]]


@dataclass(frozen=True, slots=True)
class Work:
    """What is done with the images of a shard, and the columns of its table."""

    schema: pa.Schema  # `image` first
    compute: Compute
    with_maps: bool = False


@dataclass(slots=True)
class Progress:
    """How far the work on a plan is, whoever did it."""

    plan: Plan
    finished: set[int] = field(default_factory=set)  # shards
    started: float = field(default_factory=time.monotonic)
    images_before: int = 0  # finished when this process began

    @property
    def missing(self) -> list[int]:
        """Shards that are not finished."""
        return [each for each in all_shards(self.plan) if each not in self.finished]

    @property
    def images(self) -> int:
        """Images of the finished shards."""
        return sum(len(self.plan.images_of(shard)) for shard in self.finished)

    def seconds_left(self, now: float) -> float | None:
        """By what all workers did since this one began; None: nothing yet. `now` is monotonic."""
        done = self.images - self.images_before
        if not done:
            return None
        left = len(self.plan.images) - self.images
        return left * (now - self.started) / done


def all_shards(plan: Plan) -> range:
    """The numbers of the shards."""
    return range(1, plan.asked.shards + 1)


def look_up(folder: Path, plan: Plan) -> Progress:
    """Which shards are finished; each is read, since a damaged one is computed again."""
    progress = Progress(plan)
    look_again(folder, progress)
    progress.images_before = progress.images
    return progress


def look_again(folder: Path, progress: Progress) -> None:
    """Add the shards that were finished meanwhile, by any process."""
    for shard in progress.missing:
        file = table_file(folder, progress.plan, shard)
        if file.exists() and read_shard(folder, progress.plan, shard) is not None:
            progress.finished.add(shard)


def work_through(
    folder: Path,
    plan: Plan,
    load: Callable[[], Work],
    *,
    only: int | None = None,
    is_stopped: Callable[[], bool] = lambda: False,
    on_rows: Callable[[int, int], None] = lambda done, total: None,
    on_shard: Callable[[int, float, Progress], None] = lambda shard, seconds, progress: None,
) -> Progress:
    """Compute the missing shards of a plan one by one, but those that another process computes.

    Args:
        folder: Of the plan and its results.
        plan: From `fix_plan`.
        load: Makes the work; called once, and only if there is any.
        only: This shard alone; None: all.
        is_stopped: Asked after each batch; what is done by then is kept.
        on_rows: Called with the images done since the start of this call, and how many there were.
        on_shard: Called with each shard that was finished here, its seconds, and all progress.

    Raises:
        UserError: There is no such shard, or whatever the work raises.
    """
    if only is not None and only not in all_shards(plan):
        raise UserError(
            f"Shard {only} was asked for; this work has shards 1 to {plan.asked.shards}."
        )
    progress = look_up(folder, plan)
    wanted = [only] if only is not None else list(all_shards(plan))
    total = sum(len(plan.images_of(each)) for each in wanted if each not in progress.finished)
    done, work, busy = 0, None, set[int]()
    while open_shards := [
        each for each in wanted if each not in progress.finished and each not in busy
    ]:
        shard = open_shards[0]
        with _hold(folder, shard) as is_ours:
            if not is_ours:
                busy.add(shard)
                continue
            started = time.monotonic()
            # Whoever held it until now may have finished it.
            if read_shard(folder, plan, shard) is None:
                work = work or load()
                with ShardWriter(folder, plan, shard, work.schema, with_maps=work.with_maps) as out:
                    for rows in _compute(plan.images_of(shard), work, out):
                        done += rows
                        on_rows(done, total)
                        if is_stopped() and out.rows < len(plan.images_of(shard)):
                            out.keep()
                            return progress
                    out.finish()
            progress.finished.add(shard)
        # A worker that died meanwhile has freed its shard, and one that went on has finished it.
        busy.clear()
        look_again(folder, progress)
        on_shard(shard, time.monotonic() - started, progress)
    return progress


def _compute(names: Sequence[str], work: Work, out: ShardWriter) -> Iterator[int]:
    """Add to a shard what it lacks; after each batch how many images were added."""
    if out.rows:
        yield out.rows
    if out.rows < len(names):
        for rows, maps in work.compute(names[out.rows :]):
            out.add(rows, maps)
            yield len(rows)


@contextmanager
def _hold(folder: Path, shard: int) -> Iterator[bool]:
    """Whether this process now holds the shard; the system frees it at its death."""
    lock = FileLock(folder / LOCKS / f"{shard}", blocking=False)
    try:
        lock.acquire()
    except Timeout:
        yield False
        return
    except OSError as error:
        raise UserError(
            f"{folder / LOCKS} cannot be locked ({error.strerror or error}); give a folder that "
            "may be written to."
        ) from error
    try:
        yield True
    finally:
        lock.release()


@contextmanager
def stopping_after_batch() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C, or the SIGTERM of a scheduler, has come; a second Ctrl-C ends at once."""
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and signal.SIGINT in came:
            raise KeyboardInterrupt
        came.append(number)

    numbers = (signal.SIGINT, signal.SIGTERM)
    former = {number: signal.signal(number, note) for number in numbers}
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def describe_shard(shard: int, seconds: float, progress: Progress, now: float) -> str:
    """That a shard is finished, how many are missing, and how long these will take."""
    plan = progress.plan
    images = count(len(plan.images_of(shard)), "image")
    text = f"Shard {shard} of {plan.asked.shards}: {images} in {describe_seconds(seconds)}."
    missing, left = len(progress.missing), progress.seconds_left(now)
    if not missing:
        return f"{text} All shards are finished."
    about = "" if left is None else f", about {describe_seconds(left)} at this pace"
    return f"{text} {count(missing, 'shard')} left{about}."
