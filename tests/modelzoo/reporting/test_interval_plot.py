import re

import pytest

from modelzoo.evaluation.metrics import METRICS
from modelzoo.evaluation.rows import best_first, name_rows
from modelzoo.reporting.interval_plot import WIDTH, interval_plot
from modelzoo.reporting.markup import Node, render
from tests.modelzoo.evaluation.rows import row


def texts(plot: Node) -> list[str]:
    return [each.text or "" for each in plot.iter("text")]


@pytest.mark.parametrize("errors", [(0, 0), (1, 60), (3, 100), (199, 200)])
@pytest.mark.parametrize("metric", ["accuracy", "auc", "kappa", "mcc"])
def test_points_and_lines_stand_where_the_ticks_say(metric: str, errors: tuple[int, int]) -> None:
    rows = best_first([row("ResNet50", errors[0]), row("VGG16", errors[1])])

    plot = interval_plot(rows, name_rows(rows), metric)

    assert plot is not None
    grid = [float(each.attrib["x1"]) for each in plot.iter("line") if each.get("class") == "grid"]
    scale = 100 if METRICS[metric].unit == "%" else 1
    ticks = [text for text in texts(plot) if re.fullmatch(r"-?[\d.]+", text)]
    assert len(grid) == len(ticks) >= 2
    low, high = (float(ticks[at]) / scale for at in (0, -1))

    def value(x: float) -> float:
        return low + (x - grid[0]) / (grid[-1] - grid[0]) * (high - low)

    scores = [each.evaluation.scores[metric] for each in rows]
    middles = [value(float(each.attrib["cx"])) for each in plot.iter("circle")]
    lines = [each for each in plot.iter("line") if each.get("class") == "interval"]
    ends = [(value(float(each.attrib["x1"])), value(float(each.attrib["x2"]))) for each in lines]
    tolerance = 0.1 * (high - low) / (grid[-1] - grid[0]) + 0.0051 * (scale == 1)
    assert middles == pytest.approx([score.value for score in scores], abs=tolerance)
    for (first, last), score in zip(ends, scores, strict=True):
        assert (first, last) == pytest.approx((score.ci_low, score.ci_high), abs=tolerance)
    assert all(0 <= x <= WIDTH for x in grid)


def test_the_title_says_what_is_drawn_and_nothing_is_drawn_of_no_score() -> None:
    rows = best_first([row("ResNet50", 1), row("VGG16", 9)])
    names = name_rows(rows)

    plot = interval_plot(rows, names, "accuracy")

    assert plot is not None
    assert re.search("ResNet50 99.5 % .*; VGG16 95.5 %", plot.attrib["aria-label"])
    assert "<script>" not in render(
        interval_plot(rows, dict.fromkeys(names, "<script>"), "accuracy") or plot
    )
    assert interval_plot([], {}, "accuracy") is None
