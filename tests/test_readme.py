"""What the README says can be typed exists, and what exists is in the README."""

import re
from pathlib import Path

import pytest
import typer

from modelzoo.__main__ import app

PROJECT = Path(__file__).parents[1]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
GROUP = typer.main.get_command(app)


def commands() -> dict[str, set[str]]:
    """Each command and its options."""
    context = typer.Context(GROUP)
    found = {}
    for name in GROUP.list_commands(context):  # type: ignore[attr-defined]  # a group
        command = GROUP.get_command(context, name)  # type: ignore[attr-defined]  # a group
        found[name] = {option for each in command.params for option in each.opts} | {"--help"}
    return found


def lines_typed() -> list[str]:
    return re.findall(r"python -m modelzoo ([a-z]+[^`\n]*)", README)


def test_every_command_is_in_the_readme() -> None:
    assert {line.split()[0] for line in lines_typed()} == set(commands())


@pytest.mark.parametrize("line", lines_typed())
def test_every_option_in_the_readme_exists(line: str) -> None:
    name = line.split()[0]
    typed = set(re.findall(r"(--[a-z-]+)", line.split(" #")[0]))

    assert typed <= commands()[name]


def test_every_make_target_in_the_readme_exists() -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))

    assert set(re.findall(r"make ([a-z]+)", README)) <= targets


def test_every_file_that_the_readme_links_to_is_there() -> None:
    for link in re.findall(r"\]\(([^)h][^)]*)\)", README):
        assert (PROJECT / link).exists(), link


def test_the_table_of_backbones_is_that_of_the_code() -> None:
    from modelzoo.backbones.table import BACKBONES

    for row in BACKBONES.values():
        assert f"| {row.title} | {row.parameters:,} |" in README
