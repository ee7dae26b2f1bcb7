"""The section Calibration of the page Compare, and the switch that calibrates probabilities."""

from dataclasses import replace
from pathlib import Path

from sklearn import metrics

from modelzoo.evaluation.metrics import METRICS
from modelzoo.evaluation.rows import read_row
from modelzoo.evaluation.tables import describe_score_briefly
from modelzoo.evaluation.temperature import find_temperature, read_calibrated
from modelzoo.runs.file_names import TEMPERATURE
from modelzoo.runs.folder import Run, read_run
from modelzoo.runs.predictions import read_predictions, write_predictions
from modelzoo.text import fraction
from tests.pages.opened import open_page, text_of
from tests.run_folders import make_run


def without_validation(run: Run) -> None:
    """Make the validation images training images, in the predictions; the split stays."""
    found = read_predictions(run.path)
    parts = tuple("train" if part == "validation" else part for part in found.parts)
    write_predictions(run.path, replace(found, parts=parts))


def test_the_table_has_the_error_before_and_after_scaling(folder: Path) -> None:
    make_run(folder, "a", backbone="vgg16", skill=1)
    make_run(folder, "b", backbone="resnet50", skill=2)

    app = open_page("compare", section="Calibration")
    on = open_page("compare", section="Calibration", calibrated="true")

    assert not app.exception
    table = app.dataframe[0].value
    assert table["model"].tolist() == ["ResNet50", "VGG16"]
    for name, title in (("b", "ResNet50"), ("a", "VGG16")):
        shown = table[table["model"] == title].iloc[0]
        run = read_run(folder / name)
        for column, read in (("ece", read_predictions), ("scaled", read_calibrated)):
            score = read_row(run, read=read).evaluation.scores["ece"]
            assert shown[column] == describe_score_briefly("ece", score)
        fitted = find_temperature(folder / name)
        assert shown["temperature"].startswith(
            f"Temperature {fitted.temperature:.2f}, fitted on {fitted.images} validation images"
        )
    charts = [chart.proto.alt for chart in app.get("plotly_chart")]
    assert [alt.partition(":")[0] for alt in charts] == [
        "Reliability diagram, ResNet50",
        "Reliability diagram, VGG16",
    ]
    scaled = [chart.proto.alt for chart in on.get("plotly_chart")]
    assert on.dataframe[0].value.equals(table)
    assert not set(charts) & set(scaled)
    ece = read_row(read_run(folder / "b"), read=read_calibrated).evaluation.scores["ece"].value
    assert scaled[0].endswith(f"ECE {fraction(ece)}.")
    assert f"ResNet50: the ECE of {fraction(ece)} " in text_of(on)


def test_one_class_against_the_rest_can_be_chosen_by_a_link_of_no_section(folder: Path) -> None:
    make_run(folder, "a", backbone="vgg16")

    app = open_page("compare", calibration="Pre")

    (chart,) = app.get("plotly_chart")
    assert "share of Pre by mean probability of Pre" in chart.proto.alt

    gone = open_page("compare", section="Calibration", calibration="Nonsense")
    assert gone.warning[0].value == "Class Nonsense of this link is not here."


def test_the_switch_scales_what_uses_probabilities_and_nothing_else(folder: Path) -> None:
    make_run(folder, "a", skill=1)
    test, fitted = read_calibrated(folder / "a").only("test"), find_temperature(folder / "a")
    losses = {"more_scores": [METRICS[name].title for name in ("log_loss", "brier", "kappa")]}

    off, on = open_page("compare", **losses), open_page("compare", calibrated="true", **losses)

    before, after = off.dataframe[0].value.iloc[0], on.dataframe[0].value.iloc[0]
    wanted = metrics.log_loss(test.labels, test.probabilities)
    assert after["log_loss"].startswith(f"{wanted:.3f} (")
    assert before["log_loss"] != after["log_loss"]
    assert before["brier"] != after["brier"]
    for name in ("accuracy", "f1", "kappa"):
        assert before[name] == after[name]
    sentence = (
        f"Probabilities are scaled with temperature {fitted.temperature:.2f}, fitted on "
        f"{fitted.images} validation images"
    )
    assert sentence in text_of(on)
    assert sentence in after["notes"]
    assert "scaled" not in before["notes"] + text_of(off)


def test_the_images_and_curves_follow_the_switch(folder: Path) -> None:
    make_run(folder, "a", skill=1)
    test = read_calibrated(folder / "a").only("test")

    roc = open_page("compare", roc="Early", calibrated="true")
    hard = open_page("compare", section="Hard images", calibrated="true")
    off = open_page("compare", section="Hard images")

    area = metrics.roc_auc_score(test.labels == 1, test.probabilities[:, 1])
    assert roc.dataframe[0].value["auc"][0].startswith(fraction(area))
    assert text_of(hard) != text_of(off)


def test_runs_that_cannot_be_scaled_are_shown_as_they_are_and_named(folder: Path) -> None:
    without_validation(make_run(folder, "a", backbone="vgg16"))
    make_run(folder, "b", backbone="resnet50")
    (make_run(folder, "c", backbone="xception").path / TEMPERATURE).write_text("{")

    app = open_page("compare", calibrated="true", section="Calibration")

    assert not app.exception
    text = text_of(app)
    assert "The probabilities of VGG16 are not scaled: Run 'a' has no validation image" in text
    assert "temperature.json is damaged" in text
    assert "Probabilities of ResNet50 are scaled with temperature" in text
    table = app.dataframe[0].value.set_index("model")
    assert table["scaled"]["VGG16"] == table["scaled"]["Xception"] == ""
    assert table["scaled"]["ResNet50"]
    assert table["ece"]["VGG16"]
    assert len(app.get("plotly_chart")) == 3
