"""What a command shows while it works, on the error stream, where a person looks at it."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

notes = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)  # not for pipes


class Show:
    """A bar that shows one phase at a time."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.task = progress.add_task("starting", total=None)

    def __call__(self, name: str, done: int, total: int) -> None:
        """Say what is at work, and how far."""
        self.progress.update(self.task, description=name, completed=done, total=total)


@contextmanager
def show_progress() -> Iterator[Show]:
    """A bar that goes when the work ends; none where nobody looks."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    is_piped = not notes.is_terminal
    with Progress(*columns, console=notes, transient=True, disable=is_piped) as progress:
        yield Show(progress)
