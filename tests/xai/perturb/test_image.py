"""Perturbations of an image that do what they say and no more."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from xai.perturb.image import (
    PERTURBATIONS,
    blur,
    change_brightness,
    compress_jpeg,
    crop_border,
    keep_only,
    shift_hue,
)
from xai.types import Rgb

images = st.tuples(st.integers(2, 12), st.integers(2, 12)).flatmap(
    lambda size: arrays(np.uint8, (*size, 3))
)


def even(*colour: int, size: int = 8) -> Rgb:
    return np.full((size, size, 3), colour, np.uint8)


def noise(size: int = 32) -> Rgb:
    return np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8)


@pytest.mark.parametrize("name", PERTURBATIONS)
@given(pixels=images)
def test_every_perturbation_gives_an_image_of_the_same_size_and_leaves_its_own_alone(
    name: str, pixels: Rgb
) -> None:
    before = pixels.copy()

    changed = PERTURBATIONS[name].change(pixels)

    assert changed.shape == pixels.shape
    assert changed.dtype == np.uint8
    np.testing.assert_array_equal(pixels, before)
    assert not np.shares_memory(changed, pixels)


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_every_perturbation_changes_something_and_asks_one_question(name: str) -> None:
    perturbation = PERTURBATIONS[name]

    assert (perturbation.change(noise()) != noise()).any()
    assert perturbation.question.count("?") == 1
    assert perturbation.question.endswith("?")


@pytest.mark.parametrize(
    "unchanged",
    [
        lambda pixels: shift_hue(pixels, 0),
        lambda pixels: shift_hue(pixels, -360),
        lambda pixels: change_brightness(pixels, 1),
        lambda pixels: crop_border(pixels, 0),
        lambda pixels: blur(pixels, 0),
        lambda pixels: keep_only(pixels, np.ones(pixels.shape[:2], bool)),
    ],
)
@given(pixels=images)
def test_at_strength_nothing_nothing_changes(unchanged: Callable[[Rgb], Rgb], pixels: Rgb) -> None:
    np.testing.assert_array_equal(unchanged(pixels), pixels)


def test_red_turned_by_a_third_is_green_and_grey_stays_grey() -> None:
    assert shift_hue(even(200, 20, 20), 120)[0, 0].tolist() == [20, 200, 20]
    assert shift_hue(even(200, 20, 20), -120)[0, 0].tolist() == [20, 20, 200]
    assert shift_hue(even(90, 90, 90), 77)[0, 0].tolist() == [90, 90, 90]


@given(images, st.floats(-360, 360))
def test_a_turned_hue_keeps_the_brightest_and_the_darkest_channel(
    pixels: Rgb, degrees: float
) -> None:
    turned = shift_hue(pixels, degrees).astype(int)

    np.testing.assert_allclose(turned.max(2), pixels.max(2), atol=1)
    np.testing.assert_allclose(turned.min(2), pixels.min(2), atol=1)


def test_brightness_is_multiplied_and_cut_off_at_white() -> None:
    assert change_brightness(even(10, 100, 200), 0.5)[0, 0].tolist() == [5, 50, 100]
    assert change_brightness(even(10, 100, 200), 2)[0, 0].tolist() == [20, 200, 255]


@given(images, st.floats(0, 4), st.floats(0, 4))
def test_a_brighter_lamp_makes_no_pixel_darker(pixels: Rgb, one: float, other: float) -> None:
    low, high = sorted((one, other))

    assert (change_brightness(pixels, low) <= change_brightness(pixels, high)).all()


def test_nothing_of_a_cropped_border_is_left() -> None:
    pixels = even(255, 255, 255, size=40)
    pixels[4:-4, 4:-4] = 50

    assert (crop_border(pixels, 0.1) == 50).all()


def test_the_middle_that_is_left_fills_the_image() -> None:
    pixels = even(255, 255, 255, size=80)
    pixels[:, :40] = 0

    enlarged = crop_border(pixels, 0.25)

    # Bicubic softens the edge by two pixels of the image to each side, four when enlarged.
    assert (enlarged[:, :36] == 0).all()
    assert (enlarged[:, 44:] == 255).all()


@given(st.tuples(*[st.integers(0, 255)] * 3), st.floats(0, 5))
def test_blur_leaves_an_even_image_alone(colour: tuple[int, int, int], sigma_px: float) -> None:
    np.testing.assert_array_equal(blur(even(*colour), sigma_px), even(*colour))


def test_blur_spreads_a_point_as_a_gaussian_does_and_mixes_no_channels() -> None:
    pixels = even(0, 0, 0, size=41)
    pixels[20, 20, 1] = 255

    blurred = blur(pixels, 2.0)

    # 255 / (2 pi sigma^2), the density's peak
    assert blurred[20, 20, 1] == round(255 / (2 * np.pi * 4))
    assert blurred[20, 18, 1] == round(255 / (2 * np.pi * 4) * np.exp(-0.5))
    assert not blurred[..., [0, 2]].any()


def test_a_lower_jpeg_quality_is_farther_from_the_image() -> None:
    smooth = np.array(Image.fromarray(noise(8)).resize((64, 64), Image.Resampling.BICUBIC))

    errors = [
        float(np.abs(compress_jpeg(smooth, quality).astype(int) - smooth).mean())
        for quality in (95, 40, 5)
    ]

    assert errors == sorted(errors)
    assert errors[0] < 3
    np.testing.assert_array_equal(compress_jpeg(smooth, 40), compress_jpeg(smooth, 40))


def test_what_is_not_kept_takes_the_median_colour_around() -> None:
    pixels = even(200, 210, 220)
    pixels[0, 0] = 0  # a speck outside moves a mean, not a median
    pixels[3:5, 3:5] = (90, 20, 120)
    mask = np.zeros((8, 8), bool)
    mask[3:5, 3:5] = True

    kept = keep_only(pixels, mask)

    expected = even(200, 210, 220)
    expected[3:5, 3:5] = (90, 20, 120)
    np.testing.assert_array_equal(kept, expected)


@given(images, st.integers(0, 2**31))
def test_what_is_kept_is_never_touched_and_the_rest_is_even(pixels: Rgb, seed: int) -> None:
    mask = np.random.default_rng(seed).random(pixels.shape[:2]) < 0.5

    kept = keep_only(pixels, mask)

    np.testing.assert_array_equal(kept[mask], pixels[mask])
    assert len(np.unique(kept[~mask], axis=0)) <= 1
    np.testing.assert_array_equal(keep_only(kept, mask), kept)
