"""The report as a file: whole, alone, escaped, and its numbers those of the predictions."""

import itertools
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics
from typer.testing import CliRunner

from modelzoo.__main__ import app
from modelzoo.config.train_config import read_recipe
from modelzoo.datasets.answers import QUESTIONS, keep_answers
from modelzoo.datasets.splits import Split, SplitRow
from modelzoo.reporting.checklists import TOPICS
from modelzoo.reporting.page import SECTIONS
from modelzoo.runs.file_names import CONFIG, DATA
from modelzoo.runs.folder import Run, read_run
from modelzoo.runs.predictions import Predictions, read_predictions, write_predictions
from modelzoo.runs.records import DataRecord, read_split, write_record, write_split
from tests.modelzoo.reporting.read_html import Element, read_html, read_table
from tests.modelzoo.reporting.reports import make_report, two_runs, type_report, values
from tests.run_folders import make_run

LONG = "w" * 253
HOSTILE = ("<script>alert(1)</script>", '"><img src=x onerror=y>', "\u202e\u05d0\u05d1\u2066", LONG)


def renamed(run: Run, classes: tuple[str, ...]) -> Run:
    """`run` with other names of its classes, and of a group."""
    found, split = read_predictions(run.path), read_split(run.path)
    to = dict(zip(found.classes, classes, strict=True))
    rows = [SplitRow(row.image, to[row.label], row.group, row.part) for row in split.rows]
    hostile = SplitRow(rows[0].image, rows[0].label, HOSTILE[1], rows[0].part)
    write_split(run.path, Split((hostile, *rows[1:])))
    write_predictions(
        run.path,
        Predictions(
            found.images, found.parts, found.labels, classes, found.logits, found.probabilities
        ),
    )
    return run


def test_scores_are_those_that_scikit_learn_finds_in_the_predictions(folder: Path) -> None:
    run, _ = two_runs(folder)
    page = read_html(make_report(folder, "a", "b"))

    found = read_predictions(run.path).only("test")
    true, guessed = found.labels, found.probabilities.argmax(1)
    wanted = {
        "Accuracy": metrics.accuracy_score(true, guessed),
        "Balanced accuracy": metrics.balanced_accuracy_score(true, guessed),
        "Precision": metrics.precision_score(true, guessed, average="macro"),
        "F1": metrics.f1_score(true, guessed, average="macro"),
        "AUC": metrics.roc_auc_score(true, found.probabilities, multi_class="ovr"),
        "Cohen's kappa": metrics.cohen_kappa_score(true, guessed),
        "MCC": metrics.matthews_corrcoef(true, guessed),
    }
    shown: dict[str, float] = {}
    for table in page.all("table"):
        caption = table.all("caption")[0].text
        if caption.startswith("Scores on the test images"):
            titles, rows = read_table(page, caption)
            (of_run,) = [row for row in rows if row[0].text == "VGG16"]
            shown |= dict(zip(titles[1:], values(of_run), strict=True))
    assert wanted.items() <= {k: pytest.approx(v, abs=1e-6) for k, v in shown.items()}.items()

    _, matrix = read_table(page, "Confusion matrix of VGG16")
    entries = [[int(cell.text) for cell in row[1:-1]] for row in matrix]
    assert np.array_equal(entries, metrics.confusion_matrix(true, guessed))


def test_scores_and_intervals_are_those_of_evaluate(folder: Path) -> None:
    two_runs(folder)
    page = read_html(make_report(folder, "a", "b"))
    evaluated = json.loads(CliRunner().invoke(app, ["evaluate", "b", "--json"]).output)

    shown: dict[str, str] = {}
    for table in page.all("table"):
        caption = table.all("caption")[0].text
        if caption.startswith("Scores on the test images"):
            titles, rows = read_table(page, caption)
            (of_run,) = [row for row in rows if row[0].text == "ResNet50"]
            shown |= {title: cell.text for title, cell in zip(titles, of_run, strict=True)}
    for score in evaluated["scores"]:
        # "95.8 % (95 % CI 91.2–98.7 %)" stands in the table as "95.8 % (91.2–98.7)".
        text = re.sub(r"\(95 % CI (.*?)( %)?\)", r"(\1)", score["text"])
        assert shown[score["title"]] == text

    _, by_class = read_table(page, "Scores by class of ResNet50")
    for row, record in zip(by_class, evaluated["by_class"], strict=True):
        assert row[0].text == record["class"]
        keys = ("sensitivity", "precision", "auc", "average_precision")
        assert values(row) == pytest.approx([record[key] for key in keys])


def test_the_file_needs_nothing_else_and_asks_for_nothing(folder: Path) -> None:
    two_runs(folder)
    text = make_report(folder, "a", "b")
    page = read_html(text)

    assert not {each.name for each in _every(page)} & {"script", "link", "iframe", "object"}
    references = [
        value
        for each in _every(page)
        for key, value in each.attributes.items()
        if key in ("src", "href", "srcset", "action", "xlink:href")
    ]
    ids = {each.attributes["id"] for each in _every(page) if "id" in each.attributes}
    assert references
    assert all(value.startswith("#") and value[1:] in ids for value in references)
    (style,) = page.all("style")
    assert "url(" not in style.text
    assert "@import" not in style.text
    assert "@page { size: A4" in style.text
    assert len(text.encode()) < 5_000_000


def _every(element: Element) -> list[Element]:
    return [each for one in element.within for each in (one, *_every(one))]


def test_every_section_is_there_with_headings_in_order_and_tables_that_can_be_read(
    folder: Path,
) -> None:
    two_runs(folder)
    page = read_html(make_report(folder, "a", "b"))

    assert [each.text for each in page.all("h2")] == [title for _, title, _ in SECTIONS]
    levels = [int(each.name[1]) for each in _every(page) if re.fullmatch("h[1-6]", each.name)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    for table in page.all("table"):
        assert table.all("caption")[0].text
        assert all(each.attributes.get("scope") for each in table.all("th"))
        widths = {len(row.within) for row in table.all("tr")}
        assert len(widths) == 1
    plots = page.all("svg")
    assert len(plots) == 1 + 2 * 2  # accuracies, and of each run calibration and coverage
    for plot in plots:
        assert "VGG16" in plot.text or "ResNet50" in plot.text
        assert plot.attributes["aria-label"] == plot.all("title")[0].text
        assert plot.attributes["role"] == "img"


def test_sections_name_the_items_of_the_checklists_that_they_speak_to(folder: Path) -> None:
    two_runs(folder)
    page = read_html(make_report(folder, "a"))

    by_id = {each.attributes["id"]: each.text for each in page.all("section")}
    assert "19, 20, 21 of CLAIM 2024; 12a, 10 of TRIPOD+AI" in by_id["split"]
    assert "a person is asked for the rest" in by_id["limits"]
    assert {topic.section for topic in TOPICS} - {""} <= set(by_id)
    assert {key for topic in TOPICS for key in topic.questions} == set(QUESTIONS)
    _, rows = read_table(page, "Topics of the reporting checklists")
    assert [row[0].text for row in rows] == [topic.title for topic in TOPICS]
    calibration = next(row for row in rows if row[0].text == "Calibration")
    assert calibration[-1].text == "see there"
    assert "12e, 23a of TRIPOD+AI" in by_id["calibration"]


def test_a_split_without_crossings_is_proved_by_counting(folder: Path) -> None:
    run = make_run(folder, "a", images_per_group=3)
    rows = read_split(run.path).rows
    parts = {
        group: {row.part for row in rows if row.group == group}
        for group in {row.group for row in rows}
    }
    assert all(len(each) == 1 for each in parts.values())

    page = read_html(make_report(folder, "a"))

    text = next(each.text for each in page.all("section") if each.attributes["id"] == "split")
    assert f"none of the {len(parts)} groups has images in two parts" in text
    _, table = read_table(page, "Parts of the split")
    shown = {row[0].text: [cell.text for cell in row[1:]] for row in table}
    for part, title in (("train", "Training"), ("validation", "Validation"), ("test", "Test")):
        images = sum(row.part == part for row in rows)
        groups = len({row.group for row in rows if row.part == part})
        assert shown[title] == [str(images), "0", str(groups), "0"]
    lists = {each.all("summary")[0].text: each for each in page.all("details")}
    of_test = Counter(row.group for row in rows if row.part == "test")
    listed = lists[f"Groups of the test part ({len(of_test)})"].all("li")
    assert [each.text for each in listed] == [
        f"{group} ({n} image{'s' if n > 1 else ''})" for group, n in sorted(of_test.items())
    ]


def test_a_group_in_two_parts_is_said(folder: Path) -> None:
    run = make_run(folder, "a")
    rows = read_split(run.path).rows
    train = next(row.group for row in rows if row.part == "train")
    at = next(index for index, row in enumerate(rows) if row.part == "test")
    moved = SplitRow(rows[at].image, rows[at].label, train, "test")
    write_split(run.path, Split((*rows[:at], moved, *rows[at + 1 :])))

    page = read_html(make_report(folder, "a"))

    text = page.text
    assert "1 of the " in text
    assert "groups has images in more than one part, so the parts are not disjoint" in text
    assert "has images in two parts" not in text
    assert "The parts are not disjoint, so the scores may be too high" in text
    folded = next(each for each in page.all("details") if "more than one part" in each.text)
    assert [each.text for each in folded.all("li")] == [train]


def test_names_are_shown_as_they_stand(folder: Path) -> None:
    run = renamed(make_run(folder, "a", data="/x/<b>data & more<b>"), HOSTILE)
    write_record(run.path, DATA, DataRecord(layout="<i>", doubts=["<u>doubt</u>"], notes=[]))

    text = make_report(folder, "a")
    page = read_html(text)

    assert not {each.name for each in _every(page)} & {"script", "img", "b", "i", "u"}
    assert not any(key.startswith("on") for each in _every(page) for key in each.attributes)
    assert "\u202e" not in text
    assert "\u2066" not in text
    for shown in (
        HOSTILE[0],
        HOSTILE[1],
        "\\u202e\u05d0\u05d1\\u2066",
        LONG,
        "<b>data & more<",
        "<u>doubt",
    ):
        assert shown in page.text


def test_what_nobody_answered_is_not_given_and_answers_are_shown(folder: Path) -> None:
    two_runs(folder)
    without = read_html(make_report(folder, "a"))
    keep_answers(folder.parent / "answers", "abc123", {"source": "A <clinic>, 2019", "use": " "})
    kept = read_html(make_report(folder, "a"))
    file = folder.parent / "mine.toml"
    file.write_text('external = "Yes: site B"\n', encoding="utf-8")
    given = read_html(make_report(folder, "a", answers=str(file)))

    def answer(page: Element, what: str) -> str:
        cells = [row.within for table in page.all("table") for row in table.all("tr")]
        return next(row[-1].text for row in cells if row[0].text == what and len(row) == 3)

    assert answer(without, "Source") == "not given"
    assert answer(kept, "Source") == "A <clinic>, 2019"
    assert answer(kept, "Use") == "not given"
    assert answer(given, "External test") == "Yes: site B"
    assert answer(given, "Source") == "not given"
    asked = [
        row.within[0].text
        for table in given.all("table")
        if table.all("caption")[0].text.startswith("Asked of a person")
        for row in table.all("tbody")[0].all("tr")
    ]
    assert sorted(asked) == sorted(each.title for each in QUESTIONS.values())
    assert "internal test" in kept.text
    assert "internal test" not in given.text


def test_what_made_the_runs_can_be_typed_again(folder: Path) -> None:
    run = make_run(folder, "a", backbone="vgg16", recipe="quick", learning_rate=0.02, seed=3)
    page = read_html(make_report(folder, "a"))

    command, report = (each.text for each in page.all("pre"))
    words = command.split()
    assert words[:4] == ["python", "-m", "modelzoo", "train"]
    options = dict(zip(words[4::2], words[5::2], strict=True))
    assert options.pop("--name") == run.id
    changes = {key[2:].replace("-", "_"): value for key, value in options.items()}
    typed = read_recipe(changes.pop("recipe"))
    for key, value in changes.items():
        kind = type(getattr(typed, key))
        assert kind(value) == getattr(run.config, key), key
    assert report.startswith("python -m modelzoo report a --out ")


def test_bad_input_is_one_sentence(folder: Path) -> None:
    two_runs(folder)
    make_run(folder, "waits", state="stopped")
    make_run(folder, "elsewhere", split="random")
    out = folder.parent / "report.html"
    foreign = folder.parent / "foreign.html"
    foreign.write_text("<!DOCTYPE html><p>mine", encoding="utf-8")
    bad = folder.parent / "bad.toml"
    bad.write_text('colour = "red"\n', encoding="utf-8")

    cases = {
        ("a",): "Neither --out nor --card was given",
        ("waits", "--out", str(out)): "has not been evaluated yet (stopped)",
        ("a", "elsewhere", "--out", str(out)): "were evaluated on different splits",
        ("a", "--out", str(out.with_suffix(".pdf"))): "give a name that ends in .html",
        ("a", "--out", str(foreign)): "is no report; nothing was written",
        ("a", "--out", str(out), "--answers", str(bad)): "'colour', which is not asked",
        ("a", "--out", str(out), "--answers", str(out)): "was not found",
    }
    for arguments, sentence in cases.items():
        answer = type_report(*arguments)
        assert answer.exit_code == 2, arguments
        assert sentence in " ".join(answer.stderr.split())
        assert "Traceback" not in answer.stderr
    assert not out.exists()
    assert foreign.read_text(encoding="utf-8") == "<!DOCTYPE html><p>mine"


def test_a_report_may_be_made_again_and_a_run_given_twice_is_one(folder: Path) -> None:
    two_runs(folder)

    first = make_report(folder, "a", "b")
    second = make_report(folder, "a", str(folder / "a"))

    assert first != second
    assert "Comparison of 1 model<" in second


def test_a_run_whose_records_are_missing_is_reported_with_what_there_is(folder: Path) -> None:
    run = make_run(folder, "a")
    kept = {"config.toml", "split.csv", "predictions.parquet"}
    for file in run.path.iterdir():
        if file.name not in kept:
            file.unlink()

    page = read_html(make_report(folder, "a"))

    assert (run.path / CONFIG).exists()
    assert "not known" in page.text
    assert "was not recorded with every run" in page.text or "is missing" in page.text
    assert read_run(run.path).config == run.config


def test_reporting_reaches_no_torch(folder: Path) -> None:
    two_runs(folder)
    code = (
        "import sys; from modelzoo.__main__ import app\n"
        f"try: app(['report', 'a', 'b', '--card', '--out', {str(folder / 'x.html')!r}])\n"
        "except SystemExit as end: assert not end.code\n"
        "assert not {'torch', 'streamlit'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])
