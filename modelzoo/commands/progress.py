"""The progress bar of both command lines, on the error stream, where a person looks at it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from modelzoo.commands.output import notes

Show = Callable[[str, int, int], None]  # phase, done, total


@contextmanager
def show_progress() -> Iterator[Show]:
    """A bar that shows one phase at a time and goes when the work ends; none through a pipe."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    is_piped = not notes.is_terminal
    with Progress(*columns, console=notes, transient=True, disable=is_piped) as progress:
        task = progress.add_task("starting", total=None)
        phase = ""

        def show(name: str, done: int, total: int) -> None:
            nonlocal phase
            kind = name.split(" epoch ")[0].split(" image ")[0].split(": ")[0]
            if kind != phase:  # a new phase has a time of its own
                progress.reset(task)
                phase = kind
            progress.update(task, description=name, completed=done, total=total)

        yield show


def phase(show: Show, name: str) -> Callable[[int, int], None]:
    """`show` for the one phase `name`: takes what is done and the total."""
    return lambda done, total: show(name, done, total)
