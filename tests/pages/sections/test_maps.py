import html
import re

import numpy as np

from pages.sections.explain.maps import probability_bars
from pages.shell.prediction import Prediction

NAMES = ("<b>x</b>", "a" * 200 + "1", "a" * 200 + "2")


def test_bars_shorten_long_names_and_keep_the_whole_under_the_mouse() -> None:
    prediction = Prediction(
        run_id="run",
        title="Net",
        classes=NAMES,
        probabilities=np.array([0.2, 0.5, 0.3], np.float32),
        ood_percentile=50,
    )

    bars = probability_bars(prediction, NAMES[1])

    titles = [html.unescape(each) for each in re.findall('title="([^"]*)"', bars)]
    shown = [html.unescape(each) for each in re.findall("<div[^>]*>([^<]*)</div>", bars)]
    names = [each for each in shown if each and not each.endswith("%")]
    assert tuple(titles) == NAMES
    assert names[0] == "<b>x</b>"
    assert names[1].endswith("1 (true)")
    assert names[2].endswith("2")
    assert all(len(each) <= 47 for each in names)
