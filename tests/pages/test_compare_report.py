"""The report of Compare: of the runs drawn, the same as the command's, and remembered."""

import io
import zipfile
from pathlib import Path

from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from modelzoo import paths
from modelzoo.__main__ import app as zoo
from modelzoo.datasets.answers import keep_answers
from modelzoo.evaluation.rows import best_first
from modelzoo.runs.file_names import CARD, PREDICTIONS
from pages.sections.compare.report import make_card, make_cards, make_report
from pages.shell.reads import read_board
from tests.modelzoo.reporting.read_html import read_html, read_table
from tests.pages.opened import open_page
from tests.run_folders import make_run


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.download_button]


def test_the_runs_in_the_figures_are_offered_as_a_report(folder: Path) -> None:
    for name, backbone in (("a", "vgg16"), ("b", "resnet50"), ("c", "xception")):
        make_run(folder, name, backbone=backbone)

    every, alone = open_page("compare"), open_page("compare", runs=["a"])

    assert not every.exception
    assert "Report as HTML" in labels(every)
    assert "Model cards as ZIP" in labels(every)
    assert "Model card" in labels(alone)
    assert "Report as HTML" not in labels(open_page("compare", section="ROC"))


def test_a_page_and_the_command_make_the_same_report(folder: Path) -> None:
    make_run(folder, "a", backbone="vgg16")
    make_run(folder, "b", backbone="resnet50", skill=4)
    keep_answers(paths.answers_folder(), "abc123", {"source": "One clinic"})
    out = folder.parent / "typed.html"

    page = read_html(make_report(best_first(read_board().rows), "typed.html"))
    answer = CliRunner().invoke(zoo, ["report", "a", "b", "--out", str(out)])

    assert answer.exit_code == 0, answer.output
    typed = read_html(out.read_text(encoding="utf-8"))
    for key in ("result", "scores", "pairs", "confusion", "classes", "split", "data", "limits"):
        one, other = (
            next(each.text for each in read.all("section") if each.attributes["id"] == key)
            for read in (page, typed)
        )
        assert one == other
    assert read_table(page, "Parts of the split")[1]
    assert "One clinic" in page.text


def test_a_report_is_remembered_until_something_changes(folder: Path) -> None:
    make_run(folder, "a")
    rows = best_first(read_board().rows)

    first, second = make_report(rows, "x.html"), make_report(rows, "x.html")
    keep_answers(paths.answers_folder(), "abc123", {"source": "One clinic"})
    third = make_report(rows, "x.html")

    assert first == second
    assert "One clinic" not in second
    assert "One clinic" in third


def test_cards_are_those_of_the_command(folder: Path) -> None:
    for name in ("a", "b"):
        make_run(folder, name, backbone="vgg16")
    rows = best_first(read_board().rows)

    with zipfile.ZipFile(io.BytesIO(make_cards(rows))) as archive:
        cards = {name: archive.read(name).decode() for name in archive.namelist()}

    assert set(cards) == {"a/README.md", "b/README.md"}
    assert cards["a/README.md"].startswith("---\nlibrary_name: timm\n")
    assert CliRunner().invoke(zoo, ["report", "a", "--card"]).exit_code == 0
    typed = (folder / "a" / CARD).read_text(encoding="utf-8")
    assert [line for line in cards["a/README.md"].splitlines() if "blastlens " not in line] == [
        line for line in typed.splitlines() if "blastlens " not in line
    ]


def test_a_run_that_has_gone_is_a_sentence(folder: Path) -> None:
    run = make_run(folder, "gone")
    rows = best_first(read_board().rows)
    (run.path / PREDICTIONS).unlink()

    assert "predictions.parquet is missing" in read_html(make_report(rows, "x.html")).text
    assert "predictions.parquet is missing" in make_card(rows[0])
