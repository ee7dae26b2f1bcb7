"""Of 1,000 people, one mark each."""

import math

from modelzoo.evaluation.intervals import Score
from modelzoo.evaluation.operating_points import Rates
from modelzoo.evaluation.predictive_values import frequencies
from pages.figures.people import people_alt, people_grid

RATES = Rates(500, 105, 480, 2, Score(0.96, 0.92, 0.99), Score(0.98, 0.94, 0.997))


def test_there_is_one_mark_for_each_person() -> None:
    figure = people_grid(frequencies(RATES, 0.1), prevalence=0.1, source="<b>smears</b>, seed 0")

    assert figure
    assert [len(trace.x) for trace in figure.data] == [96, 4, 18, 882]
    places = {(x, y) for trace in figure.data for x, y in zip(trace.x, trace.y, strict=True)}
    assert len(places) == 1000
    assert len({trace.marker.symbol for trace in figure.data}) == 4  # without colours, too
    assert [trace.name for trace in figure.data] == [
        "found: 96 (92–99)",
        "missed: 4 (1–8)",
        "false alarm: 18 (2–54)",
        "cleared: 882 (846–898)",
    ]
    assert "10.0 %" in figure.layout.title.text
    assert "<b>smears" not in figure.layout.xaxis.title.text


def test_nobody_has_a_line_in_the_legend_and_no_mark_that_is_seen() -> None:
    perfect = Rates(9, 9, 9, 0, Score(1.0, 0.8, 1.0), Score(1.0, 0.7, 1.0))

    figure = people_grid(frequencies(perfect, 0.5), prevalence=0.5)

    assert figure
    missed = figure.data[1]
    assert missed.name == "missed: 0 (0–100)"
    low, high = sorted(figure.layout.yaxis.range)
    assert not any(low <= y <= high for y in missed.y)


def test_the_alt_text_has_every_number() -> None:
    assert people_alt(frequencies(RATES, 0.1)) == (
        "Of 1,000 patients, with 95 % intervals: found 96 (92–99), missed 4 (1–8), false alarm 18 "
        "(2–54), cleared 882 (846–898)."
    )


def test_what_is_not_known_is_not_drawn() -> None:
    nothing = Score(math.nan, math.nan, math.nan)
    half_known = Rates(0, 105, 0, 2, nothing, RATES.specificity)

    assert people_grid(frequencies(half_known, 0.1), prevalence=0.1) is None
    assert "found an unknown number" in people_alt(frequencies(half_known, 0.1))
