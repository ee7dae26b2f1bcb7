"""What the README says can be typed exists, and what exists is in the README."""

import re
from pathlib import Path

import pytest
import typer

from modelzoo.__main__ import app as zoo
from xai.__main__ import app as xai
from xai.methods.table import METHODS

PROJECT = Path(__file__).parents[1]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
GROUPS = {"modelzoo": typer.main.get_command(zoo), "xai": typer.main.get_command(xai)}


def commands() -> dict[str, set[str]]:
    """Each command, as "modelzoo train", and its options."""
    found = {}
    for module, group in GROUPS.items():
        context = typer.Context(group)
        for name in group.list_commands(context):  # type: ignore[attr-defined]  # a group
            command = group.get_command(context, name)  # type: ignore[attr-defined]  # a group
            options = {option for each in command.params for option in each.opts}
            found[f"{module} {name}"] = options | {"--help"}
    return found


def lines_typed() -> list[str]:
    return re.findall(r"python -m ((?:modelzoo|xai) [a-z]+[^`\n]*)", README)


def test_every_command_is_in_the_readme() -> None:
    assert {" ".join(line.split()[:2]) for line in lines_typed()} == set(commands())


@pytest.mark.parametrize("line", lines_typed())
def test_every_option_in_the_readme_exists(line: str) -> None:
    name = " ".join(line.split()[:2])
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


def test_the_number_of_methods_is_that_of_the_code() -> None:
    numbers = re.findall(r"any of (\d+)\n?\s*methods|all (\d+): what each shows", README)

    assert numbers
    assert {int(one or other) for one, other in numbers} == {len(METHODS)}
