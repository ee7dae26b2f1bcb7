"""The figure of a search for a learning rate."""

import pytest

from modelzoo.runs.rate_search import RateSearch
from pages.figures.rate import rate_curve, rate_curve_alt

SEARCH = RateSearch(
    rates=[1e-7, 1e-5, 1e-3, 1e-1],
    losses=[1.5, 1.2, 0.7, 9.0],
    smoothed=[1.4, 1.3, 1.0, 4.5],
    suggested_at=1e-3,
    suggestion=0.001,
    reason="",
)


def test_losses_are_drawn_by_rate_and_the_suggestion_is_marked() -> None:
    figure = rate_curve(SEARCH, source="smears, grouped split")

    each, smoothed, mark = figure.data
    assert figure.layout.xaxis.type == "log"
    assert list(each.y) == SEARCH.losses
    assert list(smoothed.y) == SEARCH.smoothed
    assert (mark.x, mark.y) == ((1e-3,), (1.0,))
    assert mark.name == "suggestion: 0.001"
    assert "grouped split" in figure.layout.xaxis.title.text
    low, high = figure.layout.yaxis.range
    assert (low, high) == pytest.approx((0.9, 1.68))  # what diverges is cut off


def test_the_figure_in_words() -> None:
    assert rate_curve_alt(SEARCH) == (
        "Training loss by learning rate from 1e-07 to 0.1, smoothed: 1.4 at first, 1 at the "
        "lowest; 0.001 is suggested."
    )
