"""Maps drawn on one scale, and sentences that are true of them."""

from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from skimage.color import rgb2lab

from xai.attribution import Attribution
from xai.overlay import (
    density,
    describe_evidence,
    draw_colour_bar,
    draw_overlay,
    encode_png,
    shared_vmax,
)

GREY = np.full((56, 56, 3), 128, np.uint8)


def attribution(values: npt.ArrayLike, *, is_signed: bool = False) -> Attribution:
    given: dict[str, Any] = {"seconds": 0.1, "forwards": 1, "expected_error": None, "logit": 1.0}
    return Attribution(
        values=np.asarray(values, np.float32),
        method="grad-cam",
        target=0,
        is_signed=is_signed,
        baseline_logit=None,
        **given,
    )


def corner(size: int, value: float = 1.0) -> npt.NDArray[np.float32]:
    values = np.zeros((size, size), np.float32)
    values[0, 0] = value
    return values


def test_an_even_map_has_the_same_density_at_every_resolution() -> None:
    # 5 logits, evenly spread: 0.05 in each hundredth of the image.
    for size in (1, 7, 10, 28, 31, 224):
        found = density(attribution(np.full((size, size), 5 / size**2)))

        np.testing.assert_allclose(found, 0.05, rtol=1e-4)
        assert max(found.shape) <= 28


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 2**31))
def test_density_keeps_the_sum(height: int, width: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=(height, width))

    found = density(attribution(values))

    assert found.sum() * 100 / found.size == pytest.approx(values.sum(), abs=1e-2)


def test_maps_that_share_a_scale_are_drawn_by_their_strength() -> None:
    strong, weak = attribution(np.full((7, 7), 1.0)), attribution(np.full((7, 7), 0.1))
    vmax = shared_vmax([strong, weak])

    strong_drawn = draw_overlay(GREY, strong, vmax=vmax, opacity=1)
    weak_drawn = draw_overlay(GREY, weak, vmax=vmax, opacity=1)

    assert vmax == pytest.approx(0.49)  # 49 logits in hundredths
    assert strong_drawn[28, 28].tolist() == [179, 88, 6]
    assert np.abs(weak_drawn.astype(int) - GREY).max() < 30


def test_evidence_against_is_drawn_as_strongly_as_evidence_for() -> None:
    values = np.ones((8, 8))
    values[:, :4] = -1
    both = attribution(values, is_signed=True)

    drawn = draw_overlay(GREY, both, vmax=shared_vmax([both]), opacity=1)

    assert drawn[28, 4].tolist() == [33, 102, 172]
    assert drawn[28, 52].tolist() == [179, 88, 6]


def test_an_empty_map_shows_the_bare_image_in_grey_and_says_so() -> None:
    empty = attribution(np.zeros((7, 7)))
    stained = np.full((56, 56, 3), (200, 80, 180), np.uint8)

    drawn = draw_overlay(stained, empty, vmax=shared_vmax([empty]), opacity=1)

    assert shared_vmax([empty]) == 0
    assert np.ptp(drawn) == 0
    assert "No evidence for Early in the last feature map" in describe_evidence(empty, "Early")


def test_at_no_opacity_the_image_stays() -> None:
    drawn = draw_overlay(GREY, attribution(np.ones((7, 7))), vmax=0.1, opacity=0)

    np.testing.assert_array_equal(drawn, GREY)


def test_a_single_strong_field_does_not_hide_the_others() -> None:
    values = np.full((28, 28), 0.01)
    values[3, 3] = 100

    assert shared_vmax([attribution(values)]) == pytest.approx(0.01 * 7.84, rel=1e-4)


def test_a_map_of_one_field_among_hundreds_still_has_a_scale() -> None:
    assert shared_vmax([attribution(corner(28))]) == pytest.approx(7.84)


def test_without_maps_there_is_no_scale() -> None:
    assert shared_vmax([]) == 0


def test_lightness_falls_from_the_middle_of_the_bar_to_both_ends_alike() -> None:
    bar = draw_colour_bar(is_signed=True, opacity=1)[0]
    lightness = rgb2lab(bar[None])[0, :, 0]

    # From half of the scale on; below, the grey image shines through.
    assert (np.diff(lightness[240:]) <= 0.2).all()
    assert (np.diff(lightness[:80]) >= -0.2).all()
    assert lightness[0] == pytest.approx(lightness[-1], abs=6)


def test_png_and_back() -> None:
    drawn = draw_overlay(GREY, attribution(corner(7)), vmax=0.3, opacity=0.7)

    np.testing.assert_array_equal(np.array(Image.open(BytesIO(encode_png(drawn)))), drawn)


def test_words_name_the_quarter_that_holds_most() -> None:
    values = corner(7, 3.0)
    values[6, 6] = 1

    said = describe_evidence(attribution(values), "Pro")

    assert said == "The upper left quarter holds 75 % of the evidence for Pro (4.00 logits)."


def test_words_say_when_evidence_is_spread_out() -> None:
    said = describe_evidence(attribution(np.ones((7, 7))), "Pro")

    assert said.startswith("Spread out: the")
    assert "25 %, of the evidence for Pro" in said


def test_words_tell_both_sides_of_a_signed_map() -> None:
    values = np.zeros((8, 8))
    values[7, 0], values[0, 7] = 2, -1

    said = describe_evidence(attribution(values, is_signed=True), "Pre")

    assert said == (
        "The lower left quarter holds 100 % of what speaks for Pre (2.00 logits). "
        "The upper right quarter holds 100 % of what speaks against Pre (1.00 logits)."
    )


def test_words_say_when_evidence_for_and_against_nearly_cancels() -> None:
    values = np.full((8, 8), 1.0)
    values[:, ::2] = -0.99

    said = describe_evidence(attribution(values, is_signed=True), "Pre")

    assert said.endswith(
        "The two nearly cancel (what remains is +0.32), so much of the map is noise."
    )
