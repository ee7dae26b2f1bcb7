"""Reports made by the command. For tests."""

from pathlib import Path

from typer.testing import CliRunner, Result

from modelzoo.__main__ import app
from modelzoo.runs.folder import Run
from tests.modelzoo.reporting.read_html import Element
from tests.run_folders import make_run


def type_report(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["report", *arguments])


def make_report(folder: Path, *names: str, **options: str) -> str:
    out = folder.parent / "out" / "report.html"
    more = [text for key, value in options.items() for text in (f"--{key}", value) if text]
    answer = type_report(*names, "--out", str(out), *more)
    assert answer.exit_code == 0, answer.output
    return out.read_text(encoding="utf-8")


def two_runs(folder: Path) -> tuple[Run, Run]:
    return (
        make_run(folder, "a", backbone="vgg16", skill=1.0),
        make_run(folder, "b", backbone="resnet50", skill=3.0),
    )


def values(row: list[Element]) -> list[float]:
    return [float(each.attributes["value"]) for cell in row for each in cell.all("data")]
