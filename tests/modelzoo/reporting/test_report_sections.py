"""Sections of the report on calibration, operating points, splits and maps, and no machine path."""

import json
from pathlib import Path

from typer.testing import CliRunner

from modelzoo.__main__ import app
from modelzoo.runs.attribution_tables import write_judgement
from modelzoo.runs.file_names import DATA
from modelzoo.runs.ood import write_ood
from modelzoo.runs.predictions import read_predictions
from modelzoo.text import fraction, percent
from tests.modelzoo.reporting.read_html import Element, read_html, read_table
from tests.modelzoo.reporting.reports import make_report, two_runs
from tests.run_folders import make_run


def section(page: Element, key: str) -> Element:
    return next(each for each in page.all("section") if each.attributes.get("id") == key)


def test_calibration_is_that_of_evaluate_as_it_is_and_scaled(folder: Path) -> None:
    two_runs(folder)
    plain, scaled = (
        json.loads(CliRunner().invoke(app, ["evaluate", "b", "--json", *more]).output)
        for more in ([], ["--calibrated"])
    )

    page = read_html(make_report(folder, "a", "b"))
    switched = read_html(make_report(folder, "a", "b", calibrated=""))

    caption = "Expected calibration error on the test images, before and after temperature scaling"
    for each in (page, switched):
        _, rows = read_table(each, caption)
        cells = next(row for row in rows if row[0].text == "ResNet50")
        for at, record in ((1, plain), (3, scaled)):
            ece = record["calibration"]
            ends = f"({fraction(ece['ece_ci_low'])}–{fraction(ece['ece_ci_high'])})"
            assert cells[at].text == f"{fraction(ece['ece'])} {ends}"
        assert cells[-1].text.startswith("Temperature ")
    assert "as they are, not scaled" in section(page, "calibration").text
    assert "Probabilities are scaled, those of each model" in section(switched, "calibration").text
    _, rows = read_table(switched, "Scores on the test images with 95 % intervals (3 of 3)")
    brier = next(each for each in scaled["scores"] if each["name"] == "brier")
    assert f"{fraction(brier['value'])}" in " ".join(cell.text for row in rows for cell in row)


def test_kept_operating_points_are_reported_with_what_they_mean(folder: Path) -> None:
    two_runs(folder)
    typed = ["threshold", "a", "--sensitivity", "0.9", "--calibrated", "--keep", "--json"]
    kept = json.loads(CliRunner().invoke(app, [*typed, "--prevalence", "0.1"]).stdout)

    page = read_html(make_report(folder, "a", "b", prevalence="0.1"))

    text = section(page, "operating").text
    assert "No operating point was kept with ResNet50" in text
    (_, rows) = read_table(page, "Operating points on the test images with 95 % intervals")
    (cells,) = [[cell.text for cell in row] for row in rows]
    assert cells[0] == "VGG16"
    assert f"calibrated (temperature {kept['temperature']:.2f})" in cells[1]
    assert cells[2].startswith(percent(kept["sensitivity"]))
    assert cells[4].startswith(percent(kept["ppv"]))
    assert cells[6] == "10.0 % (set)"
    assert "Of 1,000 patients, 100 of whom have the condition" in text
    (people,) = section(page, "operating").all("svg")
    marks = sum(each.attributes["d"].count("M") for each in people.all("path"))
    assert marks == 1000 + 4  # and those of the legend


def test_the_fall_from_a_random_split_is_shown_beside_the_runs(folder: Path) -> None:
    make_run(folder, "a", backbone="vgg16", skill=1.0)
    alone = read_html(make_report(folder, "a"))
    for seed in (0, 1):
        make_run(folder, f"r{seed}", backbone="vgg16", skill=3.0, split="random", seed=seed)
    make_run(folder, "other", backbone="resnet50", split="random")

    page = read_html(make_report(folder, "a"))

    assert "is not known" in section(alone, "leakage").text
    _, rows = read_table(page, "Accuracy by split")
    found = {row[1].text: [cell.text for cell in row] for row in rows}
    assert set(found) == {"Random split", "Grouped split"}
    assert found["Random split"][5] == "2 seeds"
    assert "ResNet50" not in section(page, "leakage").text


def test_maps_and_images_handed_over_are_there_where_they_were_measured(folder: Path) -> None:
    run, _ = two_runs(folder)
    missing = read_html(make_report(folder, "a"))
    test = read_predictions(run.path).only("test")
    write_ood(run.path, {image: at % 100 for at, image in enumerate(test.images)})
    measured = {
        "method": "grad-cam", "measure": "insertion", "value": 0.61, "ci_low": 0.5, "ci_high": 0.7,
        "random": 0.3, "centre": 0.4, "blurred": 0.5, "gain_ci_low": 0.02, "images": 30,
        "groups": 9,
    }  # fmt: skip
    write_judgement(run.path, [measured], [])

    page = read_html(make_report(folder, "a"))

    assert "python -m xai quality --run RUN" in section(missing, "maps").text
    assert "python -m modelzoo ood a" in section(missing, "coverage").text
    _, rows = read_table(page, "Insertion (higher is better) of attribution maps on test images")
    assert [cell.text for cell in rows[0]] == [
        "VGG16", "grad-cam", "0.61 (0.50–0.70)", "0.30, 0.40 and 0.50", "than all three",
        "30 in 9 groups",
    ]  # fmt: skip
    assert "most out-of-distribution first" in section(page, "coverage").text
    assert "modelzoo ood" not in section(page, "coverage").text


def test_no_place_of_the_machine_is_in_the_file(folder: Path) -> None:
    run = make_run(folder, "a", data="/home/somebody/smears", backbone="vgg16")
    (run.path / DATA).write_text("{")  # a sentence that names the file

    text = make_report(folder, "a", str(run.path))

    assert "--data smears" in text
    assert "/home/somebody" not in text
    assert str(folder.parent) not in text
    assert "Folders of the machine are left out" in text
