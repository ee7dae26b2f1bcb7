"""A forecast of time and memory by a process of its own, since torch is not imported here."""

import json
import shlex
import subprocess
from collections.abc import Sequence
from typing import Any

from modelzoo.errors import UserError
from modelzoo.launching.local import PYTHON, ROOT
from modelzoo.launching.plan import PlannedRun, format_command

MOST_SECONDS = 1800.0  # ten networks on two cores take some minutes


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


def forecast(planned: Sequence[PlannedRun], *, device: str) -> list[dict[str, Any]]:
    """A record of each backbone, as `python -m modelzoo forecast --json` prints them.

    Raises:
        UserError: It says why the runs cannot be forecast.
    """
    command = [*PYTHON, *list_arguments(planned, device=device)]
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=MOST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise UserError("The forecast took too long; choose fewer backbones.") from None
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        sentence = (
            said[-1].removeprefix("error: ") if said else "The forecast ended without a word."
        )
        raise UserError(sentence)
    records: list[dict[str, Any]] = json.loads(done.stdout)
    return records
