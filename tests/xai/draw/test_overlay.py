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
from xai.draw.outlines import CELL_COLOUR, NUCLEUS_COLOUR, render_outlines
from xai.draw.overlay import encode_png, render_in_colour, render_overlay
from xai.draw.scale import as_share, density, render_colour_bar, shared_vmax
from xai.say.evidence import describe_evidence

GREY = np.full((56, 56, 3), 128, np.uint8)


def attribution(
    values: npt.ArrayLike, *, is_signed: bool = False, method: str = "grad-cam"
) -> Attribution:
    given: dict[str, Any] = {
        "seconds": 0.1,
        "forward_passes": 1,
        "completeness_gap": None,
        "logit": 1.0,
    }
    return Attribution(
        values=np.asarray(values, np.float32),
        method=method,
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

    strong_drawn = render_overlay(GREY, strong, vmax=vmax, opacity=1)
    weak_drawn = render_overlay(GREY, weak, vmax=vmax, opacity=1)

    assert vmax == pytest.approx(0.49)  # 49 logits in hundredths
    assert strong_drawn[28, 28].tolist() == [179, 88, 6]
    assert np.abs(weak_drawn.astype(int) - GREY).max() < 30


def test_evidence_against_is_drawn_as_strongly_as_evidence_for() -> None:
    values = np.ones((8, 8))
    values[:, :4] = -1
    both = attribution(values, is_signed=True)

    drawn = render_overlay(GREY, both, vmax=shared_vmax([both]), opacity=1)

    assert drawn[28, 4].tolist() == [33, 102, 172]
    assert drawn[28, 52].tolist() == [179, 88, 6]


def test_an_empty_map_shows_the_bare_image_in_grey_and_says_so() -> None:
    empty = attribution(np.zeros((7, 7)))
    stained = np.full((56, 56, 3), (200, 80, 180), np.uint8)

    drawn = render_overlay(stained, empty, vmax=shared_vmax([empty]), opacity=1)

    assert shared_vmax([empty]) == 0
    assert np.ptp(drawn) == 0
    assert describe_evidence(empty, "Early").startswith("No positive attribution for Early: ")


def test_in_colour_the_image_stays_where_there_is_no_positive_evidence() -> None:
    stained = np.full((56, 56, 3), (200, 80, 180), np.uint8)
    values = np.zeros((7, 7))
    values[:, :3], values[:, 4:] = 2, -2

    drawn = render_in_colour(stained, attribution(values, is_signed=True), opacity=0.5)
    empty = render_in_colour(stained, attribution(-np.ones((7, 7)), is_signed=True), opacity=0.5)

    assert drawn[28, 8].tolist() == [161, 42, 91]  # halfway to turbo's end, (122, 4, 2)
    assert (drawn[:, 40:] == stained[:, 40:]).all()
    assert (empty == stained).all()


def test_at_no_opacity_the_image_stays() -> None:
    drawn = render_overlay(GREY, attribution(np.ones((7, 7))), vmax=0.1, opacity=0)

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
    bar = render_colour_bar(is_signed=True, opacity=1)[0]
    lightness = rgb2lab(bar[None])[0, :, 0]

    # From half of the scale on; below, the grey image shines through.
    assert (np.diff(lightness[240:]) <= 0.2).all()
    assert (np.diff(lightness[:80]) >= -0.2).all()
    assert lightness[0] == pytest.approx(lightness[-1], abs=6)


def test_png_and_back() -> None:
    drawn = render_overlay(GREY, attribution(corner(7)), vmax=0.3, opacity=0.7)

    np.testing.assert_array_equal(np.array(Image.open(BytesIO(encode_png(drawn)))), drawn)


def test_words_name_the_quarter_that_holds_most() -> None:
    values = corner(7, 3.0)
    values[6, 6] = 1

    said = describe_evidence(attribution(values), "Pro")

    assert said == "The upper left quarter holds 75 % of the attribution for Pro (4.00 logits)."


def test_words_say_when_evidence_is_spread_out() -> None:
    said = describe_evidence(attribution(np.ones((7, 7))), "Pro")

    assert said.startswith("Spread out: the")
    assert "25 %, of the attribution for Pro" in said


def test_words_give_both_sides_of_a_signed_map() -> None:
    values = np.zeros((8, 8))
    values[7, 0], values[0, 7] = 2, -1

    said = describe_evidence(attribution(values, is_signed=True), "Pre")

    assert said == (
        "The lower left quarter holds 100 % of the positive attribution for Pre (2.00 logits). "
        "The upper right quarter holds 100 % of the negative attribution for Pre (1.00 logits)."
    )


def test_words_say_when_evidence_for_and_against_nearly_cancels() -> None:
    values = np.full((8, 8), 1.0)
    values[:, ::2] = -0.99

    said = describe_evidence(attribution(values, is_signed=True), "Pre")

    assert said.endswith("The two nearly cancel: their sum is +0.32 logits.")


def two_cells() -> npt.NDArray[np.int32]:
    """Cell 1 in the upper left corner, 2 in the lower right: an eighth of the image together."""
    labels = np.zeros((64, 64), np.int32)
    labels[:16, :16], labels[-16:, -16:] = 1, 2
    return labels


@given(st.integers(1, 40), st.integers(0, 2**31))
def test_a_map_as_share_sums_to_one_and_keeps_its_form(size: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=(size, size)) * 40
    before = attribution(values, is_signed=True)

    share = as_share(before)

    assert np.abs(share.values).sum(dtype=np.float64) == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(share.values * np.abs(values).sum(), values, rtol=1e-4)
    assert (before.unit, share.unit) == ("logits", "share")
    assert share.logit == before.logit


def test_an_empty_map_as_share_stays_empty() -> None:
    assert as_share(attribution(np.zeros((7, 7)))).is_empty


def test_words_of_a_map_in_shares_say_no_logits() -> None:
    values = np.zeros((8, 8))
    values[7, 0], values[0, 7] = 3, -1
    signed = as_share(attribution(values, is_signed=True))
    unsigned = attribution(corner(7), method="score-cam")

    assert describe_evidence(signed, "Pre") == (
        "The lower left quarter holds 100 % of the positive attribution for Pre (75 % of the map). "
        "The upper right quarter holds 100 % of the negative attribution for Pre (25 % of the map)."
    )
    assert describe_evidence(unsigned, "Pre") == (
        "The upper left quarter holds 100 % of the attribution for Pre."
    )


def test_words_claim_no_class_for_a_method_without_one() -> None:
    eigen = attribution(corner(7), is_signed=True, method="eigen-cam")

    assert describe_evidence(eigen, "Pre") == (
        "The upper left quarter holds 100 % of the strongest pattern (100 % of the map)."
    )


def test_words_give_the_attribution_by_cells_where_there_are_some() -> None:
    values = np.zeros((8, 8))
    values[0, 0], values[7, 7], values[0, 7] = 6, 2, 2

    said = describe_evidence(attribution(values), "Pro", two_cells())

    assert said == (
        "80 % of the attribution for Pro lies on nucleated cells, "
        "which cover 12 % of the image; "
        "the largest share on the upper left cell."
    )


def test_words_give_both_signs_by_cells() -> None:
    values = np.zeros((8, 8))
    values[0, 0], values[4, 4] = 3, -1

    said = describe_evidence(attribution(values, is_signed=True), "Pro", two_cells())

    assert said == (
        "100 % of the positive attribution for Pro lies on nucleated cells, "
        "which cover 12 % of the image; "
        "the largest share on the upper left cell. 0 % of the negative attribution for Pro "
        "lies on nucleated cells."
    )


def test_a_cell_that_is_not_alone_in_its_place_is_one_of_several() -> None:
    labels = two_cells()
    labels[2:4, 18:20] = 3

    said = describe_evidence(attribution(corner(8)), "Pro", labels)

    assert said.endswith("the largest share on one of the upper left cells.")


def test_without_a_cell_the_words_say_so_and_fall_back_on_quarters() -> None:
    said = describe_evidence(attribution(corner(7)), "Pro", np.zeros((32, 32), np.int32))

    assert said == (
        "No nucleated cells were found. "
        "The upper left quarter holds 100 % of the attribution for Pro (1.00 logits)."
    )


def test_half_of_a_field_that_a_cell_covers_by_half_lies_inside_it() -> None:
    labels = np.zeros((40, 40), np.int32)
    labels[:, :20] = 1

    said = describe_evidence(attribution([[1.0]]), "Pro", labels)

    assert said.startswith("50 % of the attribution for Pro lies on nucleated cells, which ")


def test_contours_enclose_the_strongest_tenth_and_fifth() -> None:
    ramp = np.tile(np.linspace(0, 1, 28), (28, 1))
    pixels = np.full((100, 100, 3), 128, np.uint8)

    drawn = render_overlay(pixels, attribution(ramp), vmax=10.0, opacity=0, contours=True)

    dark, light = (np.flatnonzero((drawn == level).all((0, 2))) for level in (0, 255))
    assert len(dark) == 2  # one line each, and none along the image's edge
    np.testing.assert_allclose(dark, [80, 90], atol=2)
    np.testing.assert_array_equal(light, dark - 1)


def test_without_evidence_for_the_class_there_is_no_contour() -> None:
    against = attribution(-np.ones((7, 7)), is_signed=True)

    drawn = render_overlay(GREY, against, vmax=1.0, opacity=0, contours=True)

    np.testing.assert_array_equal(drawn, GREY)


def test_outlines_lie_just_inside_cells_and_nuclei_at_the_size_of_the_picture() -> None:
    labels = np.zeros((8, 8), np.int32)
    labels[1:7, 1:4], labels[1:7, 4:7] = 1, 2  # they touch
    nuclei = np.zeros((8, 8), bool)
    nuclei[3:5, 2:3] = True

    drawn = render_outlines(GREY, labels, nuclei)

    assert drawn.shape == GREY.shape
    cell, nucleus = ((drawn == colour).all(2) for colour in (CELL_COLOUR, NUCLEUS_COLOUR))
    expected = np.zeros((56, 56), bool)
    expected[7:49, 7:49] = True
    expected[8:48, 8:27] = expected[8:48, 29:48] = False
    np.testing.assert_array_equal(cell, expected)
    assert nucleus.sum() == 2 * 7 + 2 * 12  # around 14 x 7 pixels
    assert (drawn[~cell & ~nucleus] == 128).all()
    assert (GREY == 128).all()


def test_outlines_differ_from_every_colour_of_a_map() -> None:
    bar = rgb2lab(render_colour_bar(is_signed=True, opacity=1)[:1]).reshape(-1, 3)
    outline = rgb2lab(np.array([[CELL_COLOUR]], np.uint8)).reshape(3)

    assert np.linalg.norm(bar - outline, axis=1).min() > 30  # 2.3 is just noticeable
