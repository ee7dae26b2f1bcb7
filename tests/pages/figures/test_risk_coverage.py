"""Accuracy by coverage, drawn."""

import numpy as np
import pytest

from modelzoo.evaluation.risk_coverage import risk_coverage
from pages.figures.risk_coverage import risk_coverage_alt, risk_coverage_curves
from pages.shell.palette import backbone_style
from tests.run_folders import guess


def test_the_band_holds_the_curve_and_the_mark_is_at_90_percent() -> None:
    curve = risk_coverage(guess(np.random.default_rng(0), skill=1.0), {})
    assert curve

    figure = risk_coverage_curves([curve], backbone_style("vgg16"), name="<b>VGG16</b>", source="x")

    band, line, mark = figure.data
    n = len(line.x)
    assert list(line.x) == pytest.approx(list(range(5, 101)))
    assert (np.array(band.y[:n]) >= np.array(line.y) - 1e-9).all()
    assert (np.array(band.y[n:][::-1]) <= np.array(line.y) + 1e-9).all()
    assert (mark.x[0], mark.y[0]) == pytest.approx((90, 100 * curve.at(0.9).value))
    assert "<b>VGG16" not in figure.layout.title.text


def test_without_intervals_there_is_no_band() -> None:
    found = guess(np.random.default_rng(0))
    curve = risk_coverage(found, dict.fromkeys(found.images, "patient"))
    assert curve

    figure = risk_coverage_curves([curve], backbone_style("vgg16"))

    assert len(figure.data) == 2
    assert "CI" not in risk_coverage_alt(curve, "VGG16")
