"""ROC and precision-recall curves as they are drawn."""

import math
import re
from pathlib import Path

import numpy as np
import pytest

from modelzoo.evaluation.precision_recall import PrecisionRecallCurve, precision_recall_curve
from modelzoo.evaluation.roc import RocCurve, macro_roc, roc_curve
from modelzoo.evaluation.rows import read_row
from modelzoo.evaluation.tables import describe_score_briefly
from modelzoo.runs.predictions import read_predictions
from pages.figures.intervals import score_intervals, score_intervals_alt
from pages.figures.precision_recall import precision_recall_curves, precision_recall_curves_alt
from pages.figures.roc import roc_curves, roc_curves_alt
from pages.shell.palette import backbone_style
from tests.run_folders import guess, make_run


def test_roc_curves_are_listed_by_area() -> None:
    good = guess(np.random.default_rng(0), skill=2)
    bad = guess(np.random.default_rng(0), skill=0.5)
    curves = {
        name: curve
        for name, each in (("Bad", bad), ("Good", good))
        if (curve := roc_curve(each.labels, each.probabilities, 0))
    }
    styles = {"Bad": backbone_style("vgg16"), "Good": backbone_style("vgg19")}

    figure = roc_curves(curves, styles)

    drawn = [trace for trace in figure.data if trace.name]
    lines = [trace.legendgroup for trace in drawn if trace.mode == "lines"]
    points = {trace.legendgroup: (*trace.x, *trace.y) for trace in drawn if trace.mode != "lines"}
    assert lines == ["Good", "Bad"]
    assert points["Bad"] == pytest.approx([100 * each for each in curves["Bad"].operating_point])
    assert "AUC: Good 0.9" in roc_curves_alt(curves, "Benign")


def test_precision_recall_curves_are_steps_over_chance_listed_by_area() -> None:
    good = guess(np.random.default_rng(0), skill=2)
    bad = guess(np.random.default_rng(0), skill=0.5)
    curves = {
        name: curve
        for name, each in (("Bad", bad), ("Good", good))
        if (curve := precision_recall_curve(each.labels, each.probabilities, 0))
    }
    styles = {"Bad": backbone_style("vgg16"), "Good": backbone_style("vgg19")}

    chance, *drawn = precision_recall_curves(curves, styles, target="class Benign").data

    assert list(chance.y) == [25, 25]  # 25 of 100 images are of the class
    lines = [trace for trace in drawn if trace.mode == "lines"]
    assert [trace.legendgroup for trace in lines] == ["Good", "Bad"]
    for line in lines:
        curve = curves[line.legendgroup]
        # As Plotly draws "vh", up or down first: each stretch has the height of its end.
        area = np.diff(line.x) @ np.asarray(line.y)[1:] / 100**2
        assert line.line.shape == "vh"
        assert area == pytest.approx(curve.average_precision)
        assert line.name == f"AP {curve.average_precision:.3f}, {line.legendgroup}"
    points = {trace.legendgroup: (*trace.x, *trace.y) for trace in drawn if trace.mode != "lines"}
    assert points["Bad"] == pytest.approx([100 * each for each in curves["Bad"].operating_point])
    words = precision_recall_curves_alt(curves, "class Benign")
    assert f"average precision: Good {curves['Good'].average_precision:.3f}, Bad " in words
    assert "Precision of guessing: 25.0 %." in words


def test_a_class_that_is_never_predicted_has_no_mark() -> None:
    step = np.array([1.0])
    curves = {"Net": PrecisionRecallCurve(step, step / 2, 0.5, (0.0, math.nan), 0.5)}

    mark = precision_recall_curves(curves, {"Net": backbone_style("vgg16")}).data[-1]

    assert np.isnan(mark.y).all()
    assert precision_recall_curves_alt(curves, "class a").endswith("same order: never predicted.")


def test_an_area_is_written_the_same_in_legend_interval_and_words(tmp_path: Path) -> None:
    row = read_row(make_run(tmp_path, "net", skill=3, backbone="vgg16"))
    predictions = read_predictions(tmp_path / "net").only("test")
    curves = [roc_curve(predictions.labels, predictions.probabilities, k) for k in range(4)]
    macro = macro_roc([curve for curve in curves if curve])

    legend = roc_curves({"VGG16": macro}, {"VGG16": backbone_style("vgg16")}).data[1].name
    hover = score_intervals([row], {"net": "VGG16"}, "auc").data[0].hovertemplate

    area = describe_score_briefly("auc", row.evaluation.scores["auc"]).split()[0]
    assert re.fullmatch(r"[01]\.\d{3}", area)
    assert legend == f"AUC {area}, VGG16"
    assert f">{area} (95 % CI " in hover
    assert f"VGG16 {area}" in score_intervals_alt([row], {"net": "VGG16"}, "auc")
    assert f"VGG16 {area}" in roc_curves_alt({"VGG16": macro}, "macro-average")


def test_the_three_largest_areas_stand_out_with_what_equals_the_third() -> None:
    def curve_of(area: float) -> RocCurve:
        rate = np.array([0.0, 1.0])
        return RocCurve(rate, rate, area, (0.5, 0.5))

    areas = {"a": 0.9, "b": 0.8, "c": 0.70004, "d": 0.69996, "e": 0.6}
    style = backbone_style("vgg16")

    figure = roc_curves(
        {name: curve_of(area) for name, area in areas.items()}, dict.fromkeys(areas, style)
    )

    drawn = [trace for trace in figure.data if trace.legendgroup]
    assert {trace.legendgroup for trace in drawn if trace.opacity == 1} == {"a", "b", "c", "d"}
    assert {trace.legendgroup for trace in drawn if trace.opacity < 0.5} == {"e"}
    assert all((trace.zorder == 1) == (trace.opacity == 1) for trace in drawn)
