"""Deletion, insertion and drop by hand on a network that reads one corner, and laws."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.xai.judged import (
    ReadsCorner,
    bright_corner,
    by_pixel,
    corner_map,
    maps,
    sigmoid,
)
from xai.faithfulness.deletion import (
    average_drop_of,
    curve_areas,
    masked_response,
    rank_pixels,
)
from xai.faithfulness.similarity import spearman
from xai.types import Floats


def test_deletion_by_hand() -> None:
    response = masked_response(ReadsCorner(), bright_corner(), 1)

    area = curve_areas(response, [by_pixel(corner_map(0, 0))], steps=4)[0].deletion

    # The quarter is gone after the first of four steps.
    curve = [sigmoid(2), sigmoid(-2), sigmoid(-2), sigmoid(-2), sigmoid(-2)]
    assert area == pytest.approx(np.trapezoid(curve, dx=1 / 4), abs=1e-6)


def test_insertion_by_hand() -> None:
    image = bright_corner()
    response = replace(masked_response(ReadsCorner(), image, 1), blurred=torch.zeros_like(image))
    response = replace(response, blurred_probability=response.grey_probability)

    corner = by_pixel(corner_map(0, 0))
    first, last = (each.insertion for each in curve_areas(response, [corner, 1 - corner], steps=4))

    absent, present = sigmoid(-2), sigmoid(2)
    at_first = np.trapezoid([absent, present, present, present, present], dx=1 / 4)
    at_last = np.trapezoid([absent, absent, absent, absent, present], dx=1 / 4)
    assert first == pytest.approx(at_first, abs=1e-6)
    assert last == pytest.approx(at_last, abs=1e-6)


@given(maps, st.integers(1, 12))
@settings(deadline=None, max_examples=30)
def test_both_areas_lie_between_nought_and_one(values: Floats, steps: int) -> None:
    response = masked_response(ReadsCorner(slope=100), bright_corner(), 1)

    (areas,) = curve_areas(response, [values], steps=steps)

    assert 0 <= areas.deletion <= 1
    assert 0 <= areas.insertion <= 1


@given(maps)
@settings(deadline=None, max_examples=30)
def test_every_pixel_has_one_place_and_stronger_ones_come_first(values: Floats) -> None:
    ranks = rank_pixels(values, values.shape).numpy()

    assert sorted(ranks.ravel()) == list(range(values.size))
    in_order = np.maximum(values, 0).ravel()[np.argsort(ranks.ravel())]
    assert (np.diff(in_order) <= 0).all()


def test_where_a_map_is_0_no_corner_comes_first() -> None:
    ranks = rank_pixels(np.zeros((4, 4)), (32, 32)).numpy().astype(float)

    place = np.arange(32 * 32).reshape(32, 32).astype(float)
    assert abs(spearman(ranks, place)) < 0.5


@pytest.mark.parametrize(("probability", "masked", "drop"), [(0.8, 0.2, 0.75), (0.5, 0.9, 0.0)])
def test_average_drop_by_hand(probability: float, masked: float, drop: float) -> None:
    assert average_drop_of(probability, masked) == pytest.approx(drop)
