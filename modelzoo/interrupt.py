"""Ctrl-C while a command line is still imported, which takes up to a second. Imports little."""

import signal


def end_quietly() -> None:
    """Let Ctrl-C end the process at once: nothing has begun, so no traceback has to be read.

    A process that ignores it, as one behind `&` does, goes on to do so.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def raise_again() -> None:
    """Let Ctrl-C raise KeyboardInterrupt, as Python begins: what has begun is ended in order."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
