"""Classes that a part lacks or hardly has, and doubts about the data: said beside every score."""

import csv
import io
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelzoo.__main__ import app
from modelzoo.datasets.splits import PARTS, Part, Split
from modelzoo.evaluation.class_notes import ClassFacts, describe_classes
from modelzoo.evaluation.rows import read_row
from modelzoo.evaluation.run_scores import evaluate_run
from modelzoo.evaluation.tables import leaderboard_table
from modelzoo.evaluation.verdict import verdict
from modelzoo.runs.file_names import DATA
from modelzoo.runs.folder import Run
from modelzoo.runs.predictions import read_predictions, write_predictions
from modelzoo.runs.records import DataRecord, read_split, write_record, write_split
from tests.pages.opened import open_page, text_of
from tests.run_folders import CLASSES, make_run


def move(run: Run, label: str, part: Part, other: Part, *, keep: int = 0) -> None:
    """Put the images of a class in `part` into the `other`, but for `keep` of them."""
    split = read_split(run.path)
    here = [row.image for row in split.rows if (row.label, row.part) == (label, part)]
    moved = set(here[keep:])
    rows = [replace(row, part=other) if row.image in moved else row for row in split.rows]
    write_split(run.path, Split(tuple(rows)))
    found = read_predictions(run.path)
    parts = tuple(
        other if image in moved else here
        for image, here in zip(found.images, found.parts, strict=True)
    )
    write_predictions(run.path, replace(found, parts=parts))


def assert_said_everywhere(run: Run, sentence: str) -> None:
    row = read_row(run)
    assert any(sentence in note for note in row.notes)
    assert any(sentence in note for note in evaluate_run(run).notes)
    assert sentence in verdict([row])
    assert sentence in leaderboard_table([row])["notes"].iloc[0]
    typed = ["evaluate", str(run.path)]
    notes = json.loads(CliRunner().invoke(app, [*typed, "--json"]).stdout)["notes"]
    assert any(sentence in note for note in notes)
    assert sentence in CliRunner().invoke(app, typed).stdout
    rows = csv.DictReader(io.StringIO(CliRunner().invoke(app, [*typed, "--csv"]).stdout))
    assert all(sentence in row["notes"] for row in rows)
    listed = CliRunner().invoke(app, ["runs", "--runs", str(run.path.parent)])
    assert f"net: {sentence}" in listed.stderr


def notes_by_class(run: Run) -> dict[str, str]:
    answer = CliRunner().invoke(app, ["evaluate", str(run.path), "--json"])
    return {each["class"]: each["note"] for each in json.loads(answer.stdout)["by_class"]}


def test_a_class_that_was_never_trained_is_said(tmp_path: Path) -> None:
    run = make_run(tmp_path, "net", split="given")
    move(run, CLASSES[1], "train", "test")
    assert_said_everywhere(run, f"{CLASSES[1]} has no training images and could not be learned.")


def test_a_class_of_the_test_part_alone_is_said(tmp_path: Path) -> None:
    run = make_run(tmp_path, "net", split="given")
    for part in ("train", "validation"):
        move(run, CLASSES[1], part, "test")

    sentence = f"{CLASSES[1]} has images in the test part only and could not be learned."
    assert_said_everywhere(run, sentence)
    assert CLASSES[1] not in " ".join(read_row(run).notes).replace(sentence, "")
    assert notes_by_class(run)[CLASSES[1]] == "only in the test part"


def test_a_class_without_test_images_is_said(tmp_path: Path) -> None:
    run = make_run(tmp_path, "net", split="given")
    move(run, CLASSES[1], "test", "train")
    move(run, CLASSES[2], "test", "train", keep=1)

    assert_said_everywhere(
        run,
        f"{CLASSES[1]} has no test images: AUC and average precision are not defined, and "
        "macro-averages are over the other classes.",
    )
    assert notes_by_class(run) == {
        CLASSES[0]: "",
        CLASSES[1]: "no test images",
        CLASSES[2]: "rests on 1 test image",
        CLASSES[3]: "",
    }


def test_a_class_whose_test_images_are_one_group_is_said(tmp_path: Path) -> None:
    run = make_run(tmp_path, "net", split="given")
    split = read_split(run.path)
    rows = [
        replace(row, group="slide") if (row.label, row.part) == (CLASSES[2], "test") else row
        for row in split.rows
    ]
    write_split(run.path, Split(tuple(rows)))

    sentence = f"{CLASSES[2]} has test images of one group only: its scores have no interval."
    assert_said_everywhere(run, sentence)
    assert notes_by_class(run)[CLASSES[2]] == "rests on one group"


def never_predict(run: Run, label: str) -> None:
    found = read_predictions(run.path)
    probabilities = found.probabilities.copy()
    probabilities[:, found.classes.index(label)] = 0
    probabilities /= probabilities.sum(1, keepdims=True)
    write_predictions(run.path, replace(found, probabilities=probabilities))


def test_a_class_that_is_never_predicted_is_said(tmp_path: Path) -> None:
    run = make_run(tmp_path, "net")
    never_predict(run, CLASSES[3])

    sentence = f"{CLASSES[3]} is never predicted: its precision counts as 0 in the mean."
    assert_said_everywhere(run, sentence)
    assert notes_by_class(run)[CLASSES[3]] == "never predicted"


def test_of_several_models_those_that_never_predict_a_class_are_named(tmp_path: Path) -> None:
    runs = [make_run(tmp_path, name, backbone=name) for name in ("vgg16", "vgg19", "resnet50")]
    for run in runs[:2]:
        never_predict(run, CLASSES[3])
    never_predict(runs[2], CLASSES[0])

    said = verdict([read_row(run) for run in runs])

    assert "VGG16 and VGG19 never predict Pro; ResNet50 never predicts Benign." in said


def test_sixty_classes_make_short_sentences() -> None:
    facts = [ClassFacts(f"class {k:02}", 0, 0, 0, frozenset({"train"})) for k in range(60)]
    few = [ClassFacts(f"class {k:02}", k, k, 60, frozenset(PARTS)) for k in range(60)]

    sentences = [*describe_classes(facts, "test"), *describe_classes(few, "test")]

    assert "class 00, class 01, class 02 and 57 more have no test images" in sentences[1]
    assert sentences[-1].endswith(
        "class 02 on 2 test images, class 03 on 3 test images and 6 more."
    )
    assert max(map(len, sentences)) < 160


def test_a_class_without_validation_images_is_said(tmp_path: Path) -> None:
    run = make_run(tmp_path, "net", split="given")
    move(run, CLASSES[2], "validation", "train")
    assert_said_everywhere(run, f"{CLASSES[2]} has no validation images: the best epoch was")


def test_classes_that_rest_on_few_images_are_said(tmp_path: Path) -> None:
    run = make_run(tmp_path, "net", split="given")
    move(run, CLASSES[0], "test", "train", keep=1)
    move(run, CLASSES[3], "test", "train", keep=4)
    assert_said_everywhere(
        run,
        f"Scores of a class rest on few images: {CLASSES[0]} on 1 test image and {CLASSES[3]} on 4 "
        "test images.",
    )


def test_where_all_classes_are_rare_one_range_is_said(tmp_path: Path) -> None:
    run = make_run(tmp_path, "net", images=60, split="given")
    move(run, CLASSES[0], "test", "train", keep=2)
    assert_said_everywhere(run, "Each class has only 2 to 6 test images.")


def test_a_run_with_all_classes_has_no_such_note(tmp_path: Path) -> None:
    assert read_row(make_run(tmp_path, "net")).doubts == ()


def test_doubts_about_the_data_stand_beside_the_scores(tmp_path: Path) -> None:
    run = make_run(tmp_path, "net")
    doubt = "9 images of different classes overlap."
    write_record(run.path, DATA, DataRecord(layout="table", doubts=[doubt], notes=["not used"]))
    assert_said_everywhere(run, doubt)


def test_a_damaged_record_of_the_data_is_said(tmp_path: Path) -> None:
    run = make_run(tmp_path, "net")
    (run.path / DATA).write_text('{"doubts": "none"}')
    assert any("What is doubtful about the data set is not known" in n for n in read_row(run).notes)


def test_macro_auc_is_not_defined_without_a_class_and_has_no_curve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLASTLENS_HOME", str(tmp_path))
    run = make_run(tmp_path / "runs", "net", split="given")
    move(run, CLASSES[1], "test", "train")

    macro = open_page("compare", section="ROC")
    one = open_page("compare", roc=CLASSES[0])
    gone = open_page("compare", roc=CLASSES[1])
    ranking = open_page("compare", score="AUC", section="Ranking")

    assert math.isnan(read_row(run).evaluation.scores["auc"].value)
    assert not macro.exception
    assert f"The macro-average is not defined, since {CLASSES[1]} has no test images" in text_of(
        macro
    )
    assert f"{CLASSES[1]} has no test images, and so no curve; nor is there a" in text_of(one)
    assert f"{CLASSES[1]} has no test images, so it has no curve." in text_of(gone)
    assert [len(page.get("plotly_chart")) for page in (macro, one, gone)] == [0, 1, 0]
    steps = open_page("compare", precision_recall=CLASSES[0])
    assert f"{CLASSES[1]} has no test images, and so no curve; nor is there a" in text_of(steps)
    assert len(steps.get("plotly_chart")) == 1
    assert "The macro-average is not defined" in text_of(
        open_page("compare", section="Precision-recall")
    )
    # Nor is there a figure of AUCs that nobody has, but the reason in its place.
    assert f"AUC is not defined: {CLASSES[1]} has no test images." in text_of(ranking)
