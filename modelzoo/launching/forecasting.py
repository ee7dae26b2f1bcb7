"""A forecast of time and memory by a process of its own, since torch is not imported here."""

import json
import shlex
import subprocess
import threading
import time
from collections.abc import Sequence
from typing import Any

from modelzoo.errors import UserError
from modelzoo.launching.local import PYTHON, ROOT
from modelzoo.launching.plan import PlannedRun, format_command

MOST_SECONDS = 1800.0  # ten networks on two cores take some minutes
STEP_SECONDS = 0.2  # until a stop is looked for again
STOPPED = "The forecast was stopped."
TOO_LONG = "The forecast took too long; choose fewer backbones."


def list_arguments(planned: Sequence[PlannedRun], *, device: str) -> list[str]:
    """The arguments of the command that forecasts one run of each backbone of `planned`.

    Args:
        planned: At least one; they differ in backbone and seed only.
        device: Where they would be trained.
    """
    given = shlex.split(format_command(planned[0], device=device))[len(PYTHON) + 1 :]
    options = dict(zip(given[::2], given[1::2], strict=True))
    options.pop("--name", None)
    options["--backbone"] = ",".join({each.config.backbone: 0 for each in planned})
    return ["forecast", *(part for pair in options.items() for part in pair), "--json"]


def forecast(
    planned: Sequence[PlannedRun], *, device: str, stop: threading.Event | None = None
) -> list[dict[str, Any]]:
    """A record of each backbone, as `python -m modelzoo forecast --json` prints them.

    Args:
        planned: As of `list_arguments`.
        device: The same.
        stop: Ends it when it is set.

    Raises:
        UserError: It says why the runs cannot be forecast, or that it was stopped.
    """
    command = [*PYTHON, *list_arguments(planned, device=device)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    until = time.monotonic() + MOST_SECONDS
    while True:
        try:
            printed, errors = process.communicate(timeout=STEP_SECONDS)
            break
        except subprocess.TimeoutExpired:
            is_stopped = stop is not None and stop.is_set()
            if is_stopped or time.monotonic() > until:
                process.kill()
                process.communicate()
                raise UserError(STOPPED if is_stopped else TOO_LONG) from None
    if process.returncode:
        said = [line for line in errors.splitlines() if line.startswith("error: ")]
        sentence = (
            said[-1].removeprefix("error: ") if said else "The forecast ended without a word."
        )
        raise UserError(sentence)
    records: list[dict[str, Any]] = json.loads(printed)
    return records
