"""What becomes of a mistake, of Ctrl-C and of a closed pipe: the same for every command."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup

from modelzoo.commands.output import notes
from modelzoo.errors import UserError
from modelzoo.text import one_line

MISTAKE, STOPPED = 2, 130  # exit codes
_UsageError: type[Exception] = typer.BadParameter.__bases__[0]  # typer has no other name for it


class CommandGroup(TyperGroup):
    """Commands that end in one sentence on the error stream: 2 after a mistake, 130 after Ctrl-C.

    Typer itself prints a box of several lines, and for Ctrl-C nothing.
    """

    mistakes: ClassVar[tuple[type[Exception], ...]] = (UserError,)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was typed."""
        try:
            return super().invoke(ctx)
        except self.mistakes as error:
            sentence = str(error)
        except _UsageError as error:
            sentence = _describe_usage(error)
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise
            sentence = _describe_os_error(error)
        except KeyboardInterrupt:
            notes.print("Stopped; nothing was written.")
            raise typer.Exit(STOPPED) from None
        notes.print(f"error: {one_line(sentence)}", style="red")
        raise typer.Exit(MISTAKE)


@contextmanager
def stopping(sentence: str) -> Iterator[None]:
    """Print `sentence` and leave with 130 where Ctrl-C ends the block: what was done is kept."""
    try:
        yield
    except KeyboardInterrupt:
        notes.print(sentence)
        raise typer.Exit(STOPPED) from None


def _describe_usage(error: Any) -> str:
    """What was typed wrongly, and where the options are listed."""
    sentence = error.format_message().strip().rstrip(".")
    where = error.ctx.command_path if error.ctx else ""
    return f"{sentence}; `{where} --help` lists what there is." if where else f"{sentence}."


def _describe_os_error(error: OSError) -> str:
    """Which file the system refused, and why: the last resort, where no reader said it better."""
    return f"{error.filename or 'A file'} cannot be used ({error.strerror or error})."
