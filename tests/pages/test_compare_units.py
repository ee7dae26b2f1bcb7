"""The switch that scores groups or patients in place of images, on Compare and by command."""

import io
import json
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from modelzoo.__main__ import app as zoo
from modelzoo.evaluation.rows import read_row
from modelzoo.evaluation.units import average_units
from modelzoo.runs.folder import read_run
from modelzoo.runs.predictions import read_predictions
from modelzoo.runs.records import read_split, write_hashes
from tests.pages.opened import open_page
from tests.run_folders import make_run


@pytest.fixture
def two_runs(folder: Path) -> Path:
    """Groups of three images; patients are known of both runs, and have all classes each."""
    for name, backbone, skill in (("a", "vgg16", 1.0), ("b", "resnet50", 1.6)):
        run = make_run(folder, name, backbone=backbone, skill=skill, images_per_group=3)
        rows = read_split(run.path).rows
        patients = {row.image: row.group.partition("-")[0] for row in rows}
        write_hashes(run.path, {row.image: "0" * 64 for row in rows}, patients)
    return folder


def spoken(app: AppTest) -> str:
    return " ".join(each.value for kind in ("markdown", "caption") for each in getattr(app, kind))


def test_every_part_of_the_page_follows_the_switch(two_runs: Path) -> None:
    row = read_row(read_run(two_runs / "b"), per="group")
    test = read_predictions(two_runs / "b").only("test")
    split = read_split(two_runs / "b")
    rows = average_units(test, {each.image: each.group for each in split.rows})
    right = rows.probabilities.argmax(1) == rows.labels
    assert row.accuracy.value == pytest.approx(right.mean())

    ranking = open_page("compare", per="per group")
    splits = open_page("compare", per="per group", section="Splits")
    roc = open_page("compare", per="per group", section="ROC")
    hard = open_page("compare", per="per group", section="Hard images")

    for app in (ranking, splits, roc, hard):
        assert not app.exception
        assert f"{len(right)} groups of {len(test.images)} test images" in spoken(app)
    said = f"{100 * row.accuracy.value:.1f} %"
    assert any(said in cell for cell in ranking.dataframe[0].value["accuracy"])
    assert any(said in cell for cell in splits.dataframe[0].value["grouped"])
    assert f"of {len(right)} test images" in spoken(hard)
    areas = roc.dataframe[0].value.set_index("model")["auc"]
    assert areas["ResNet50"].startswith(f"{row.evaluation.scores['auc'].value:.3f}")


def test_the_unit_stands_in_what_is_saved(two_runs: Path) -> None:
    ranking = open_page("compare", per="per patient")

    assert not ranking.exception
    row = read_row(read_run(two_runs / "a"), per="patient")
    assert "divided by class" in spoken(ranking)
    files = {each.label: each.proto.url for each in ranking.download_button}
    assert "Table as CSV" in files
    assert row.evaluation.units == 4 * row.evaluation.undivided  # each has all four classes


def test_patients_are_offered_only_where_all_runs_know_them(two_runs: Path) -> None:
    make_run(two_runs, "c", backbone="xception", images_per_group=3)

    app = open_page("compare", per="per patient")

    assert not app.exception
    assert any("does not say which patient" in each.value for each in app.warning)
    (control,) = [each for each in app.button_group if each.label == "Scored"]
    assert control.options == ["per image", "per group"]
    assert "does not say which patient" in control.proto.help
    # Per group it goes on.
    assert not open_page("compare", per="per group").exception


def test_commands_score_the_same_units(two_runs: Path) -> None:
    row = read_row(read_run(two_runs / "a"), per="patient")
    runner = CliRunner()

    one = runner.invoke(zoo, ["evaluate", "a", "--per", "patient", "--json"])
    every = runner.invoke(zoo, ["runs", "--per", "patient", "--csv"])
    by_split = runner.invoke(zoo, ["runs", "--by-split", "--per", "patient", "--csv"])

    found = json.loads(one.stdout)
    assert (found["per"], found["units"]) == ("patient", row.evaluation.units)
    assert found["scores"][0]["value"] == pytest.approx(row.accuracy.value)
    for answer in (every, by_split):
        table = pd.read_csv(io.StringIO(answer.stdout))
        assert set(table["per"]) == {"patient"}
        assert row.accuracy.value == pytest.approx(table["accuracy"].min(), abs=1e-6) or (
            row.accuracy.value == pytest.approx(table["accuracy"].max(), abs=1e-6)
        )


def test_another_unit_and_unknown_patients_are_a_sentence(folder: Path) -> None:
    make_run(folder, "a")
    runner = CliRunner()

    slide = runner.invoke(zoo, ["evaluate", "a", "--per", "slide"])
    patient = runner.invoke(zoo, ["evaluate", "a", "--per", "patient"])
    listed = runner.invoke(zoo, ["runs", "--per", "patient"])

    assert slide.exit_code == patient.exit_code == 2
    assert "give one of image, group, patient" in slide.output
    assert "does not say which patient" in patient.output
    assert "not scored: Run 'a' does not say which patient" in listed.output
