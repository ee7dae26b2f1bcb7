"""The settings file of targets: read, checked, and every mistake named with its line. No torch."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from modelzoo.errors import UserError
from modelzoo.files import read_text
from modelzoo.launching.target import LOCAL, EngineName, Target
from modelzoo.text import join, shorten

MOST_BYTES = 100_000
MOST_SHOWN = 60  # letters of what was given, in a sentence
MOST_NUMBER = 1_000_000
_SHARED = ("engine", "cpus", "gpus", "gpu_type", "memory_gb", "python")
KEYS: Mapping[str, tuple[str, ...]] = {
    "slurm": (*_SHARED, "nodes", "partition", "account", "minutes", "at_once"),
    "ray": (*_SHARED, "address", "token_file"),
}
_LOWEST = {"cpus": 1, "gpus": 0, "memory_gb": 1, "nodes": 1, "minutes": 0, "at_once": 0}
# What stands in a line of a script for Slurm or in the field of a request.
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}")


def read_targets(file: Path) -> dict[str, Target]:
    """The targets by name, this machine first; it alone where there is no settings file.

    Args:
        file: `targets.toml`; it may be missing.

    Raises:
        UserError: The file is damaged or says what is not understood; the line is named.
    """
    try:
        text = read_text(file, most=MOST_BYTES)
    except FileNotFoundError:
        return {LOCAL.name: LOCAL}
    try:
        given = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UserError(f"{file} is no TOML ({shorten(str(error), 2 * MOST_SHOWN)}).") from None
    targets = {LOCAL.name: LOCAL}
    for name, values in given.items():
        line = _find_line(text, name, None)
        if not isinstance(values, dict):
            raise UserError(
                f"{file}, line {line}: {shorten(name, MOST_SHOWN)!r} stands outside of a target; "
                "begin each target with a line such as [cluster]."
            )
        if name == LOCAL.name or not _WORD.fullmatch(name):
            raise UserError(
                f"{file}, line {line}: a target cannot be called {shorten(name, MOST_SHOWN)!r}; "
                "give letters, digits, dots, hyphens or underscores, and not `local`, which is "
                "this machine."
            )
        targets[name] = _read_target(file, text, name, values)
    return targets


def find_target(name: str, file: Path) -> Target:
    """The target `name` of the settings file.

    Raises:
        UserError: There is none of that name, or the file is damaged.
    """
    targets = read_targets(file)
    if name not in targets:
        raise UserError(
            f"Target {shorten(name, MOST_SHOWN)!r} is not in {file}; give one of "
            f"{join(list(targets))}, or add it there."
        )
    return targets[name]


def _read_target(file: Path, text: str, name: str, values: dict[str, Any]) -> Target:
    """One target, its values checked."""
    engine = str(values.get("engine"))
    if engine not in KEYS:
        line = _find_line(text, name, "engine" if "engine" in values else None)
        raise UserError(
            f"{file}, line {line}: target {name!r} needs an engine; give engine = "
            f"{' or '.join(repr(each) for each in KEYS)}."
        )
    for key, value in values.items():
        where = f"{file}, line {_find_line(text, name, key)}: "
        if key not in KEYS[engine]:
            raise UserError(
                f"{where}{shorten(key, MOST_SHOWN)!r} is unknown for engine {engine}; "
                f"give one of {join(list(KEYS[engine]))}."
            )
        if problem := _find_problem(key, value):
            raise UserError(f"{where}{key} {problem}")
    if engine == "ray" and not values.get("address"):
        raise UserError(
            f"{file}, line {_find_line(text, name, None)}: target {name!r} needs an address, "
            "such as address = 'http://127.0.0.1:8265'."
        )
    return Target(name=name, **values)


def _find_problem(key: str, value: object) -> str:
    """What is wrong with the value of a known key, in words behind its name; empty: nothing."""
    if key in _LOWEST:
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if is_whole and _LOWEST[key] <= value <= MOST_NUMBER:  # type: ignore[operator]  # a whole number
            return ""
        return f"is {shorten(repr(value), MOST_SHOWN)}; give a whole number from {_LOWEST[key]}."
    if not isinstance(value, str) or not value.isprintable():
        return f"is {shorten(repr(value), MOST_SHOWN)}; give a text in quotes."
    if key in ("partition", "account", "gpu_type") and value and not _WORD.fullmatch(value):
        return f"is {shorten(repr(value), MOST_SHOWN)}; give a name as the cluster has it."
    if key == "address" and not re.fullmatch(r"https?://[^\s/@?#]+(/[^\s@?#]*)?", value):
        return (
            f"is {shorten(repr(value), MOST_SHOWN)}; give one such as 'https://ray.example.org' or "
            "'http://127.0.0.1:8265'."
        )
    return ""


def _find_line(text: str, name: str, key: str | None) -> int:
    """The number of the line where target `name` begins, or sets `key`; 1 where none is found."""
    quoted = rf"""["']?{re.escape(name)}["']?"""
    begins = re.compile(rf"\s*(\[\s*{quoted}\s*[\].]|{quoted}\s*[=.])")
    sets = re.compile(rf"""(.*\.\s*)?\s*["']?{re.escape(key or "")}["']?\s*[=.]""")
    start = 0
    for number, line in enumerate(text.splitlines(), start=1):
        if not start and begins.match(line):
            start = number
            if key is None:
                return number
        elif start and sets.match(line):
            return number
    return start or 1


assert set(get_args(EngineName)) == {LOCAL.engine, *KEYS}
