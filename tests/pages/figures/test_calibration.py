import numpy as np
import pytest

from modelzoo.evaluation.calibration import measure_reliability
from modelzoo.evaluation.intervals import tally
from pages.figures.calibration import (
    LEAST_SPAN,
    axes_begin,
    reliability_diagram,
    reliability_diagram_alt,
)
from pages.shell.palette import Style
from tests.run_folders import guess, predictions_of

STYLE = Style("#000000", "circle", "solid")


def test_a_diagram_has_a_point_with_its_interval_and_number_of_images_for_each_bin() -> None:
    found = measure_reliability(tally(guess(np.random.default_rng(0), images=60), {}), 1)
    assert found

    figure = reliability_diagram(found, STYLE, name="<b>net", target="a%{b}", source="smears")

    points = figure.data[1]
    assert list(points.x) == pytest.approx([100 * each.confidence for each in found.bins])
    assert list(points.y) == pytest.approx([100 * each.share.value for each in found.bins])
    ends = zip(points.y, points.error_y.arrayminus, points.error_y.array, strict=True)
    for each, (y, below, above) in zip(found.bins, ends, strict=True):
        assert (y - below, y + above) == pytest.approx(
            (100 * each.share.ci_low, 100 * each.share.ci_high)
        )
    assert points.customdata[0][0].endswith("10 images in 10 groups")
    assert figure.layout.title.text == "<b>&lt;b&gt;net</b>"
    assert figure.layout.yaxis.title.text == "share of a%&#123;b} in %"


def test_the_words_have_every_bin_and_the_error() -> None:
    # Ten images at e^2 / (e^2 + 3), 71.1 %, of which seven are right, each a group.
    logits = np.tile([2.0, 0, 0, 0], (10, 1))
    found = measure_reliability(tally(predictions_of([0] * 7 + [1] * 3, logits), {}))
    assert found

    alt = reliability_diagram_alt(found, "net")

    assert alt.startswith(
        "Reliability diagram, net: share correct by mean probability of the predicted class, one "
        "point per bin. 71.1 %: 70.0 % (95 % CI 35.0–91.0 %), 10 images. ECE 0.011."
    )
    assert axes_begin([found]) == 30


def test_axes_never_enlarge_a_small_error() -> None:
    found = measure_reliability(tally(predictions_of([0] * 400, [[9, 0, 0, 0]] * 400), {}))
    assert found

    assert axes_begin([found]) == 100 - LEAST_SPAN
