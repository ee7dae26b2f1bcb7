"""Whatever is typed in place of a name, path or number: one sentence and exit code 2."""

from pathlib import Path

import pytest

from tests.commands.conftest import Command

TRAIN = "modelzoo train --data data --weights none"
SWEEP = "modelzoo sweep --data data --weights none --over momentum=0..0.9"
EXPLAIN = "xai explain --run lite0-64 --image data --out maps"
# What is hostile is put behind each, or where `{}` stands.
PATHS_AND_NAMES = (
    "modelzoo",
    "xai",
    "modelzoo weights",
    "modelzoo data",
    "modelzoo data data --store",
    "modelzoo data data --out",
    "modelzoo train --data",
    f"{TRAIN} --name",
    f"{TRAIN} --recipe",
    f"{TRAIN} --runs",
    f"{TRAIN} --store",
    f"{TRAIN} --backbone",
    f"{TRAIN} --device",
    "modelzoo find-rate --data",
    "modelzoo forecast --data",
    "modelzoo find-rate --folder",
    "modelzoo sweep --sweep",
    "modelzoo sweep --folder",
    f"{SWEEP} --metric",
    f"{SWEEP} --over",
    "modelzoo resume",
    "modelzoo stop",
    "modelzoo rename {} new",
    "modelzoo rename lite0-64",
    "modelzoo delete --yes",
    "modelzoo runs --runs",
    "modelzoo evaluate",
    "modelzoo evaluate lite0-64 --part",
    "modelzoo threshold",
    "modelzoo threshold lite0-64 --positive",
    "modelzoo images --run",
    "modelzoo images --run lite0-64 --entry",
    "modelzoo predict data --run",
    "modelzoo predict --run lite0-64",
    "modelzoo predict data --run lite0-64 --device",
    "modelzoo demo --device",
    "xai explain --image data --out maps --run",
    "xai explain --run lite0-64 --out maps --image",
    "xai explain --run lite0-64 --image data --out",
    f"{EXPLAIN} --methods",
    f"{EXPLAIN} --target",
    f"{EXPLAIN} --device",
    "xai quality --run",
    "xai quality --run lite0-64 --methods",
    "xai quality --run lite0-64 --device",
)
NUMBERS_AND_CHOICES = (
    f"{TRAIN} --mode",
    f"{SWEEP} --trials",
    f"{TRAIN} --split",
    f"{TRAIN} --seed",
    f"{TRAIN} --test-share",
    f"{TRAIN} --input-px",
    f"{TRAIN} --learning-rate",
    f"{TRAIN} --momentum",
    "modelzoo images --run lite0-64 --n-correct",
    "modelzoo images --run lite0-64 --limit",
    "modelzoo threshold lite0-64 --at",
    "modelzoo threshold lite0-64 --sensitivity",
    "modelzoo threshold lite0-64 --prevalence",
    "xai quality --run lite0-64 --n",
)
HOSTILE = {
    "empty": "",
    "long": "A" * 300,
    "longer than any path": "a/" * 3000,
    "NUL": "a\0b",
    "no UTF-8": "gr\udcfc\udcdfe",
    "below a file": f"{Path(__file__)}/x",
}
NO_NUMBERS = {
    "infinite": "Infinity",
    "nan": "nan",
    "huge": "1e400",
    "many digits": "9" * 5000,
    "negative": "-1",
    "two lines": "1\n2\x1b[31m",
    "other digits": "\u0663\u00b2",
}


def check(command: Command, place: str, hostile: str, home: Path) -> None:
    before = sorted((home / "runs").iterdir())
    typed = place if "{}" in place else f"{place} {{}}"

    answer = command(*(hostile if word == "{}" else word for word in typed.split(" ")))

    assert answer.exit_code == 2, (answer.output, answer.exception)
    assert isinstance(answer.exception, SystemExit)
    assert answer.stderr.startswith("error: ")
    assert answer.stderr.count("\n") == 1, answer.stderr
    assert answer.stdout == ""
    assert sorted((home / "runs").iterdir()) == before


@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.parametrize("place", [*PATHS_AND_NAMES, *NUMBERS_AND_CHOICES])
def test_what_no_path_or_name_can_be(
    command: Command, small_home: Path, place: str, what: str
) -> None:
    check(command, place, HOSTILE[what], small_home)


@pytest.mark.parametrize("what", NO_NUMBERS)
@pytest.mark.parametrize("place", NUMBERS_AND_CHOICES)
def test_what_no_number_or_choice_can_be(
    command: Command, small_home: Path, place: str, what: str
) -> None:
    check(command, place, NO_NUMBERS[what], small_home)


@pytest.mark.parametrize(
    "given", ["A" * 300, "gr\udcfc\udcdfe", "a\nb"], ids=["long", "no UTF-8", "two lines"]
)
@pytest.mark.parametrize(
    "place", ["modelzoo data", "modelzoo evaluate", "modelzoo predict data --run"]
)
def test_the_sentence_says_what_was_given(command: Command, place: str, given: str) -> None:
    answer = command(*place.split(" "), given)

    beginning = given.encode("ascii", "backslashreplace").decode().replace("\n", "\\n")[:40]
    assert beginning in answer.stderr
