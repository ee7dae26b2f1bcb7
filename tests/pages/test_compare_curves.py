"""The sections of the page Compare that draw curves."""

import json
from pathlib import Path

from sklearn import metrics
from typer.testing import CliRunner

from modelzoo.__main__ import app as zoo
from modelzoo.evaluation.roc import roc_curve
from modelzoo.evaluation.rows import read_row
from modelzoo.evaluation.tables import describe_score_briefly
from modelzoo.runs.folder import read_run
from modelzoo.runs.predictions import read_predictions
from modelzoo.text import fraction, percent
from tests.pages.opened import open_page, text_of
from tests.run_folders import make_run


def test_what_a_split_is_worth_is_one_line_per_way(folder: Path) -> None:
    make_run(folder, "a", backbone="vgg16", skill=3)
    make_run(folder, "b", backbone="vgg16", skill=0.5, split="background")

    app = open_page("compare", section="Splits")

    assert not app.exception
    (chart,) = app.get("plotly_chart")
    assert chart.proto.alt.startswith("Accuracy by split. VGG16: grouped split ")
    assert "background-cluster split" in chart.proto.alt
    (table,) = [each.value for each in app.dataframe if "way" in each.value]
    assert list(table["way"]) == ["VGG16"]
    assert "Points are means over seeds" in text_of(app)


def test_the_error_rate_by_epoch_can_be_chosen(folder: Path) -> None:
    make_run(folder, "a", backbone="vgg16")

    app = open_page("compare", curve="Validation error rate")

    assert not app.exception
    (chart,) = app.get("plotly_chart")
    # The lowest loss of the history is in epoch 3, and the highest accuracy, too.
    assert chart.proto.alt == (
        "Validation error rate by epoch; epochs of the lowest validation loss, the checkpoint, and "
        "of the highest validation accuracy: VGG16 3 and 3 of 5."
    )


def read_class_limits(run: Path, name: str, metric: str) -> tuple[float, float]:
    """The ends of the interval that the command prints for one class."""
    answer = CliRunner().invoke(zoo, ["evaluate", str(run), "--json"])
    (record,) = (each for each in json.loads(answer.stdout)["by_class"] if each["class"] == name)
    return record[f"{metric}_ci_low"], record[f"{metric}_ci_high"]


def test_average_precision_stands_beside_the_precision_recall_curves(folder: Path) -> None:
    make_run(folder, "a", backbone="vgg16", skill=0.5)
    make_run(folder, "b", backbone="resnet50", skill=4)
    predictions = read_predictions(folder / "b").only("test")
    is_inside, said = predictions.labels == 1, predictions.probabilities.argmax(1) == 1

    one = open_page("compare", precision_recall="Early")
    macro = open_page("compare", section="Precision-recall")

    assert not one.exception
    assert not macro.exception
    table = one.dataframe[0].value
    low, high = read_class_limits(folder / "b", "Early", "average_precision")
    wanted = metrics.average_precision_score(is_inside, predictions.probabilities[:, 1])
    assert table["model"].tolist() == ["ResNet50", "VGG16"]
    assert table["average_precision"][0] == (
        f"{fraction(wanted)} ({fraction(low)}–{fraction(high)})"
    )
    assert table["precision"][0] == percent(metrics.precision_score(is_inside, said))
    assert table["recall"][0] == percent(metrics.recall_score(is_inside, said))
    assert f"share of the class among the test images, {percent(is_inside.mean())}" in text_of(one)
    row = read_row(read_run(folder / "b"))
    assert macro.dataframe[0].value["average_precision"][0] == describe_score_briefly(
        "average_precision", row.evaluation.scores["average_precision"]
    )


def test_differences_in_auc_are_paired_and_said(folder: Path) -> None:
    runs = [make_run(folder, "a", backbone="vgg16", skill=3), make_run(folder, "b", skill=0.3)]

    app = open_page("compare", section="ROC", roc="Benign")

    assert not app.exception
    (table,) = [each.value for each in app.dataframe if "compared_with" in each.value]
    areas = []
    for run in runs:
        predictions = read_predictions(run.path).only("test")
        k = predictions.classes.index("Benign")
        areas.append(
            metrics.roc_auc_score(predictions.labels == k, predictions.probabilities[:, k])
        )
    assert table["difference"][0].startswith(f"+{fraction(areas[0] - areas[1])} (")
    assert float(table["p"][0].removeprefix("< ")) < 0.01


def test_areas_stand_beside_the_roc_curves(folder: Path) -> None:
    make_run(folder, "a", backbone="vgg16", skill=0.5)
    make_run(folder, "b", backbone="resnet50", skill=4)
    predictions = read_predictions(folder / "b").only("test")
    curve = roc_curve(predictions.labels, predictions.probabilities, 1)
    assert curve

    table = open_page("compare", roc="Early").dataframe[0].value

    assert table["model"].tolist() == ["ResNet50", "VGG16"]
    low, high = read_class_limits(folder / "b", "Early", "auc")
    assert table["auc"][0] == f"{fraction(curve.area)} ({fraction(low)}–{fraction(high)})"
    assert table["true_positive_rate"][0] == percent(curve.operating_point[1])
    assert table["false_positive_rate"][0] == percent(curve.operating_point[0])
