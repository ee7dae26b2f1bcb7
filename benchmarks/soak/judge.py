"""How a command or page ended that was given what it cannot work with, and what it changed."""

import hashlib
import os
import signal
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Literal

from streamlit.testing.v1 import AppTest  # noqa: TID251  # pages are opened as tests open them
from typer.testing import CliRunner

from modelzoo.__main__ import app as zoo
from xai.__main__ import app as xai

HUNG_SECONDS = 300
Outcome = Literal["answered", "sentence", "traceback", "no sentence", "hung"]
Tries = list[tuple[str, Callable[[], Any]]]  # what is tried, in words, and how


def command(module: str, *words: str) -> tuple[str, Callable[[], Any]]:
    """A command typed in this process."""
    apps = {"modelzoo": zoo, "xai": xai}
    return f"{module} {words}", lambda: CliRunner().invoke(apps[module], list(words))


def judge(run: Callable[[], Any]) -> tuple[Outcome, str]:
    """How it ended, and what it said."""
    try:
        with _limit(HUNG_SECONDS):
            answer = run()
    except TimeoutError as error:
        return "hung", str(error)
    except Exception:  # noqa: BLE001  # what no page or command may do
        return "traceback", traceback.format_exc()[-1500:]
    if isinstance(answer, AppTest):
        if answer.exception:
            return "traceback", str([each.message for each in answer.exception])[:1500]
        said = [str(each.value) for each in (*answer.error, *answer.warning)]
        return ("sentence", said[0][:300]) if said else ("answered", "")
    if answer.exception and not isinstance(answer.exception, SystemExit):
        return "traceback", "".join(traceback.format_exception(answer.exception))[-1500:]
    if "Traceback" in answer.output:
        return "traceback", answer.output[-1500:]
    if answer.exit_code == 0:
        return "answered", ""
    last = answer.stderr.rstrip("\n").rpartition("\n")[2]
    is_said = answer.exit_code == 3 or (answer.exit_code == 2 and last.startswith("error: "))
    return ("sentence" if is_said else "no sentence"), last[:300]


@contextmanager
def _limit(seconds: int) -> Iterator[None]:
    """Raise TimeoutError in the block after so many seconds."""

    def end(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"it had not ended after {seconds} s")

    former = signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, former)


def hash_files(home: Path, spoiled: Path | None = None) -> dict[str, str]:
    """What every file of the home is, without the store, locks and what was made from the given.

    Of what is spoiled, which may be huge or a pipe, size and time of change.
    """
    found = {}
    for folder, _, files in os.walk(home):
        if Path(folder) == home / "store" or f"{home}/store/" in f"{folder}/":
            continue
        for name in files:
            path = Path(folder) / name
            if name.startswith(".") or "store" in path.parts[len(home.parts) :]:
                continue
            state = path.lstat()
            is_spoiled = spoiled is not None and spoiled in (path, *path.parents)
            if is_spoiled:
                found[str(path)] = f"{state.st_size} {state.st_mtime_ns}"
            else:
                found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def list_changed(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """The files that are gone or other than they were."""
    return tuple(sorted(name for name, value in before.items() if after.get(name) != value))
