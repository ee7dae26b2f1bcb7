"""The section Operating point of the page Compare."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn import metrics
from streamlit.testing.v1 import AppTest

from modelzoo.evaluation.run_thresholds import find_operating_point
from modelzoo.runs.file_names import OPERATING_POINT, SPLIT
from modelzoo.runs.folder import read_run
from modelzoo.runs.ood import write_ood
from modelzoo.runs.operating_point import read_point
from modelzoo.runs.predictions import read_predictions, write_predictions
from modelzoo.text import percent
from tests.modelzoo.evaluation.test_run_thresholds import without_part
from tests.pages.hostile import foreign_in
from tests.pages.opened import open_page, text_of
from tests.run_folders import make_run

BLASTS = ("Early", "Pre", "Pro")


def open_section(**choices: object) -> AppTest:
    return open_page("compare", section="Operating point", **choices)


def test_a_link_opens_one_run_and_a_table_of_all(folder: Path) -> None:
    make_run(folder, "a", backbone="vgg16", skill=1.0, images=400)
    make_run(folder, "b", backbone="resnet50", skill=3, images=400)
    point = find_operating_point(read_run(folder / "a"), BLASTS, "sensitivity", 0.9)

    app = open_page("compare", criterion="wanted sensitivity", wanted="90", point_run="a")

    assert not app.exception
    assert app.pills(key="positive").value == list(BLASTS)
    words = text_of(app)
    assert "VGG16: An image is positive where the sum of the probabilities of Early, Pre" in words
    assert f"at least {point.threshold.value:.3f}, the highest threshold" in words
    assert f"{percent(point.rates.sensitivity.value)} (95 % CI" in words
    assert "Images are not patients" in words
    assert "hematogones" in words
    table = app.dataframe[0].value
    assert table["model"].tolist() == ["ResNet50", "VGG16"]
    assert table["threshold"][1] == f"{point.threshold.value:.3f}"
    charts = [chart.proto.alt for chart in app.get("plotly_chart")]
    assert charts[0].startswith("Of 1,000 patients, with 95 % intervals: found ")


def test_without_a_choice_the_rates_are_those_of_the_confusion_matrix(folder: Path) -> None:
    make_run(folder, "a", skill=1.0, images=400)
    test = read_predictions(folder / "a").only("test")
    tn, fp, fn, tp = metrics.confusion_matrix(
        test.labels > 0, test.probabilities.argmax(1) > 0
    ).ravel()

    app = open_section()

    table = app.dataframe[0].value
    assert table["threshold"][0] == "argmax"
    assert table["sensitivity"][0].startswith(percent(tp / (tp + fn)))
    assert table["specificity"][0].startswith(percent(tn / (tn + fp)))
    assert table["ppv"][0].startswith(percent(tp / (tp + fp)))  # at the test set's own share
    assert f"At {percent((tp + fn) / len(test.labels))}, the share among the test" in text_of(app)


def test_the_prevalence_is_a_persons_and_the_share_stands_beside_it(folder: Path) -> None:
    make_run(folder, "a", skill=1.0, images=400)

    app = open_section(prevalence="10")

    assert "At 10.0 %, the prevalence set, " in text_of(app)
    assert "At 75.0 %, the share among the test images, " in text_of(app)
    assert "Of 1,000 patients, 100 of whom have the condition" in text_of(app)


@pytest.mark.parametrize(("prevalence", "right"), [("0", "negative"), ("100", "positive")])
def test_a_prevalence_that_decides_by_itself_is_a_sentence(
    folder: Path, prevalence: str, right: str
) -> None:
    make_run(folder, "a", images=400)

    app = open_section(prevalence=prevalence)

    assert not app.exception
    assert f"every {right} result is right" in app.error[0].value
    assert app.pills(key="positive").value == list(BLASTS)


def test_any_grouping_can_be_linked_and_none_is_asked_for(folder: Path) -> None:
    make_run(folder, "a", images=400)

    one = open_section(positive=["Pro"])
    gone = open_section(positive=["Late"])
    everything = open_section(positive=["Benign", *BLASTS])

    assert "predicted class (argmax) is Pro." in text_of(one)
    assert gone.warning[0].value == "Class Late of this link is not here."
    assert not everything.exception
    assert "All classes are positive" in everything.error[0].value


def test_a_run_without_validation_images_is_a_sentence(folder: Path) -> None:
    make_run(folder, "a", backbone="vgg16", images=400)
    make_run(folder, "b", backbone="resnet50", images=400)
    for run_id in ("a", "b"):  # both, so that they are of one split
        without_part(folder / run_id, "validation")

    chosen = open_section(criterion="Youden's J")
    typed = open_section(criterion="typed threshold", threshold="0.7")

    assert not chosen.exception
    (error,) = chosen.error  # once for both
    assert error.value.startswith("ResNet50 and VGG16: There are no validation images")
    assert not typed.error
    assert typed.dataframe[0].value["threshold"].tolist() == ["0.700", "0.700"]


def test_a_point_is_kept_with_the_run_at_a_click_only(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_run(folder, "a", images=400)

    app = open_section(criterion="Youden's J")

    assert not (folder / "a" / OPERATING_POINT).exists()
    # As in a server that has drawn a page before; else the page begins again and forgets the click.
    monkeypatch.setattr(
        "pages.shell.entry.PagesManager", SimpleNamespace(uses_pages_directory=False)
    )
    app.button(key="keep-point").click().run()
    kept = read_point(folder / "a")
    assert kept
    assert kept.criterion == "youden"
    assert kept.positive == list(BLASTS)
    assert "Kept with the run: Early, Pre and Pro positive from" in text_of(app)
    other = open_section()
    assert "Another one is kept with the run" in text_of(other)
    (folder / "a" / OPERATING_POINT).write_text("{")
    damaged = open_section()
    assert not damaged.exception
    assert "operating_point.json is damaged" in damaged.error[0].value


def test_results_that_come_with_the_project_cannot_be_kept_with(folder: Path) -> None:
    app = open_section(criterion="Youden's J")

    assert not app.exception
    assert "keep-point" not in [button.key for button in app.button]
    assert len(app.dataframe[0].value) > 1


def test_the_accuracy_that_is_left_stands_below_whatever_is_positive(folder: Path) -> None:
    make_run(folder, "a", backbone="vgg16", skill=1.0, images=400)
    test = read_predictions(folder / "a").only("test")
    order = np.argsort(-test.probabilities.max(1))[: round(0.9 * len(test.labels))]
    is_right = test.probabilities.argmax(1) == test.labels

    app = open_section()
    ungrouped = open_section(prevalence="0")

    assert f"accuracy on the other 90 % is {percent(is_right[order].mean())} (95 % CI" in text_of(
        app
    )
    assert f"against {percent(is_right.mean())} (95 % CI" in text_of(app)
    assert "python -m modelzoo ood a" in text_of(app)
    alt = app.get("plotly_chart")[-1].proto.alt
    assert alt.startswith(
        "Accuracy of VGG16 by the share of the images left to it, least sure first: "
    )
    assert "Risk-coverage curve" in [each.value for each in ungrouped.subheader]


def test_names_of_classes_are_no_markdown(folder: Path) -> None:
    run = make_run(folder, "a", images=400)
    picture = "![x](http://foreign.test)"
    split = (run.path / SPLIT).read_text()
    (run.path / SPLIT).write_text(split.replace(",Early,", f",{picture},"))
    classes = ("Benign", picture, "Pre", "Pro")
    write_predictions(run.path, replace(read_predictions(run.path), classes=classes))

    app = open_section(positive=["Pro"])

    assert not app.exception
    assert "predicted class (argmax) is Pro" in text_of(app)
    assert "[x](http" in text_of(app).replace("\\", "")
    assert not foreign_in(app)


def test_the_switch_reaches_thresholds_and_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(folder, "a", backbone="vgg16", skill=1.0, images=400)
    point = find_operating_point(run, BLASTS, "sensitivity", 0.9, calibrated=True)

    app = open_section(criterion="wanted sensitivity", wanted="90", calibrated="true")
    monkeypatch.setattr(  # as above
        "pages.shell.entry.PagesManager", SimpleNamespace(uses_pages_directory=False)
    )
    app.button(key="keep-point").click().run()

    assert not app.exception
    words = text_of(app)
    assert f"sum of the calibrated (temperature {point.temperature:.2f}) probabilities" in words
    assert "The threshold is of calibrated probabilities, in validation and test alike" in words
    table = app.dataframe[0].value
    assert table["threshold"][0] == f"{point.threshold.value:.3f} (T = {point.temperature:.2f})"
    kept = read_point(folder / "a")
    assert kept
    assert (kept.threshold, kept.temperature) == (point.threshold.value, point.temperature)
    figures = [chart.proto.spec for chart in app.get("plotly_chart")]
    assert all("calibrated" in spec for spec in figures)


def test_images_can_be_handed_over_by_how_far_they_are_out_of_distribution(folder: Path) -> None:
    run = make_run(folder, "a", backbone="vgg16", skill=1.0, images=400)
    test = read_predictions(folder / "a").only("test")
    write_ood(run.path, {image: at % 100 for at, image in enumerate(test.images)})

    app = open_section()

    assert not app.exception
    words = text_of(app)
    assert "that are the most out of distribution handed to a person" in words
    assert "computes it" not in words
    alt = [chart.proto.alt for chart in app.get("plotly_chart")][-1]
    assert "least sure first" in alt
    assert "most out-of-distribution first" in alt
