"""Images that would be nearly black, by a scale bar or as they are, and what is said of them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from modelzoo.datasets.doubts import Links, find_doubts
from modelzoo.datasets.file_notes import doubt_brightness
from modelzoo.datasets.images import decode_image, inspect_image
from modelzoo.datasets.opening import open_dataset
from tests.modelzoo.datasets.deep import Deep, as_png, as_tiff, expected, smooth, write_deep


def with_bar(values: Deep, rows: int, level: int = 65535) -> Deep:
    """`values`, their lowest rows overwritten to the middle, as by a scale bar."""
    values = values.copy()
    values[-rows:, : values.shape[1] // 2] = level
    return values


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("written", [as_png, as_tiff])
def test_a_burned_in_scale_bar_makes_no_image_dark(
    channels: int, written: Callable[[Deep], bytes]
) -> None:
    values = with_bar(smooth(channels, 4000, 160), rows=10)  # 3 % of the field

    image = np.asarray(decode_image(written(values))).astype(int)

    assert abs(image - expected(values, 4095).clip(max=255)).max() <= 1
    assert inspect_image(written(values)).depth == 12


@pytest.mark.parametrize(("rows", "level"), [(1, 65534), (8, 65535)])  # 1.3 and 10 %
def test_more_than_hot_pixels_and_scale_bars_are_not_cut(rows: int, level: int) -> None:
    facts = inspect_image(as_png(with_bar(smooth(1, 4000), rows, level)))
    assert (facts.peak, facts.depth) == (level, 16)


def test_images_that_stay_nearly_black_are_said(tmp_path: Path, store: Path) -> None:
    """Half of the set is from a camera of 12 bits, half uses the whole range."""
    images = {f"a/{n}": smooth(1, 4000 + n) for n in range(10)}
    images |= {f"b/{n}": smooth(1, 60000 + n) for n in range(10)}
    dataset = open_dataset(write_deep(tmp_path / "data", images), store=store)

    assert dataset.depth == 16
    doubts = find_doubts(dataset, Links.of(dataset, ()), {each: each for each in dataset.ids})
    assert (
        "10 of 20 images of 16 bits per channel use at most 12 bits, such as a/0.png: scaled as "
        "16 bits like the others, they are nearly black; save all files by one scale."
    ) in doubts
    assert any("(of a and b in bits in use)" in doubt for doubt in doubts)
    assert any(
        "images of a are much darker than those of every other class" in doubt for doubt in doubts
    )


@pytest.mark.parametrize(("peak", "is_doubted"), [(10, True), (110, False)])
def test_images_of_8_bits_that_are_nearly_black_are_doubted(
    tmp_path: Path, store: Path, peak: int, is_doubted: bool
) -> None:
    for n in range(4):
        field = smooth(1, peak - n).astype(np.uint8)
        field[-3:, :20] = 255  # a scale bar
        (tmp_path / "data" / "ab"[n % 2]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(field).save(tmp_path / "data" / "ab"[n % 2] / f"{n}.png")
    dataset = open_dataset(tmp_path / "data", store=store)

    doubts = doubt_brightness(dataset)

    said = (
        "4 of 4 images are nearly black, such as a/0.png: but for white, 99 % of the pixels are "
        "below 24 of 255."
    )
    assert doubts == ([said] if is_doubted else [])


def test_pixels_kept_by_another_rule_for_the_bits_in_use_are_not_taken(
    tmp_path: Path, store: Path
) -> None:
    images = {f"{'ab'[n % 2]}/{n:02}": smooth(3, 3000 + n) for n in range(40)}
    dataset = open_dataset(write_deep(tmp_path / "data", images), store=store)
    first, *rest = dataset.images
    earlier = replace(dataset, images=(replace(first, facts=replace(first.facts, depth=16)), *rest))

    assert (earlier.id, earlier.depth) == (dataset.id, dataset.depth)
    assert earlier.pixels_id != dataset.pixels_id
