"""Files of 16 bits per channel, pages of a TIFF, and masks, and what is said of them."""

import contextlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from modelzoo.datasets.doubts import Links, find_doubts
from modelzoo.datasets.images import ImageError, decode_image, inspect_image
from modelzoo.datasets.opening import open_dataset
from modelzoo.datasets.store import open_pixels

Deep = npt.NDArray[np.uint16]


def smooth(channels: int, peak: int, side: int = 40) -> Deep:
    """A slope from 0 to `peak` in each channel, each in another direction: (side, side[, c])."""
    slope = np.linspace(0, peak, side).round().astype(np.uint16)
    grey = np.broadcast_to(slope, (side, side))
    if channels == 1:
        return grey.copy()
    all_four = [grey, grey.T, grey[:, ::-1], np.full_like(grey, 65535)]  # the last: opaque
    return np.stack(all_four[:channels], axis=2)


def as_png(values: Deep) -> bytes:
    """By OpenCV, which has blue first."""
    order = {2: values, 3: values[..., [2, 1, 0, 3][: values.shape[-1]]]}[values.ndim]
    return bytes(cv2.imencode(".png", order)[1])


def as_tiff(values: Deep, byteorder: Literal["<", ">"] = "<") -> bytes:
    out = BytesIO()
    kind = "minisblack" if values.ndim == 2 else "rgb"
    tifffile.imwrite(out, values, byteorder=byteorder, photometric=kind)
    return out.getvalue()


def expected(values: Deep, white: int) -> npt.NDArray[np.int64]:
    """(side, side, 3) of 8 bits."""
    colours = values if values.ndim == 3 else np.stack([values] * 3, axis=2)
    return (colours[..., :3].astype(float) * 255 / white).round().astype(np.int64)


@pytest.mark.parametrize("peak", [700, 4000, 16000, 65535])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("written", ["png", "tiff", "big-endian tiff"])
def test_files_of_16_bits_are_scaled_by_the_bits_in_use(
    peak: int, channels: int, written: str
) -> None:
    values = smooth(channels, peak)
    content = (
        as_png(values) if written == "png" else as_tiff(values, ">" if "big" in written else "<")
    )
    white = {700: 1023, 4000: 4095, 16000: 16383, 65535: 65535}[peak]

    image = np.asarray(decode_image(content)).astype(int)

    assert abs(image - expected(values, white)).max() <= 1
    facts = inspect_image(content)
    assert (facts.bits, facts.peak) == (16, peak)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_separate_planes_of_16_bits_are_read_or_refused(compression: str | None) -> None:
    """Never as the noise of their upper bytes."""
    values, out = smooth(3, 4000), BytesIO()
    planes = values.transpose(2, 0, 1)
    tifffile.imwrite(
        out, planes, photometric="rgb", planarconfig="separate", compression=compression
    )
    with contextlib.suppress(ImageError):
        image = np.asarray(decode_image(out.getvalue())).astype(int)
        assert abs(image - expected(values, 4095)).max() <= 1


def test_a_given_depth_holds_unless_the_image_uses_more() -> None:
    dark = as_png(smooth(3, 900))
    assert np.asarray(decode_image(dark)).max() > 220
    assert np.asarray(decode_image(dark, depth=12)).max() == round(900 * 255 / 4095)
    bright = as_png(smooth(3, 60000))
    assert np.asarray(decode_image(bright, depth=12)).max() == round(60000 * 255 / 65535)


def test_all_images_of_a_set_are_scaled_alike_with_a_note(tmp_path: Path, store: Path) -> None:
    for name, peak in (("a/1", 900), ("a/2", 15000), ("b/3", 3000), ("b/4", 12000)):
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / f"{name}.png").write_bytes(as_png(smooth(3, peak)))

    dataset = open_dataset(tmp_path / "data", store=store)
    pixels = open_pixels(dataset, input_px=40, store=store).values

    assert dataset.depth == 14
    assert dataset.notes == (
        "4 images of 16 bits per channel with values up to 15,000: all are scaled as 14 bits.",
    )
    peaks = [round(peak * 255 / 16383) for peak in (900, 15000, 3000, 12000)]
    assert pixels.max(axis=(1, 2, 3)).tolist() == peaks


def test_images_of_8_bits_are_as_they_were(tmp_path: Path, store: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    for label in "ab":
        (tmp_path / "data" / label).mkdir(parents=True)
        Image.fromarray(pixels + (label == "b")).save(tmp_path / "data" / label / "1.png")
    dataset = open_dataset(tmp_path / "data", store=store)
    assert (dataset.depth, dataset.notes) == (0, ())
    assert np.array_equal(open_pixels(dataset, input_px=40, store=store).values[0], pixels)


# Pages


def paged(*sides: int, grey: bool = False) -> bytes:
    """A TIFF with a page of each side, the brighter the later."""
    out = BytesIO()
    with tifffile.TiffWriter(out) as writer:
        for page, side in enumerate(sides):
            shape = (side, side) if grey else (side, side, 3)
            kind = "minisblack" if grey else "rgb"
            writer.write(np.full(shape, 40 * (page + 1) % 256, np.uint8), photometric=kind)
    return out.getvalue()


def test_of_several_pages_the_largest_is_taken() -> None:
    content = paged(20, 60, 30)
    image = decode_image(content)
    assert image.size == (60, 60)
    assert image.getpixel((0, 0)) == (80, 80, 80)
    facts = inspect_image(content)
    assert (facts.width, facts.pages, facts.has_grey_pages) == (60, 3, False)


def test_a_deep_page_behind_a_small_one_is_taken() -> None:
    out = BytesIO()
    with tifffile.TiffWriter(out) as writer:
        writer.write(np.zeros((20, 20, 3), np.uint8), photometric="rgb")
        writer.write(smooth(3, 4000), photometric="rgb")
    image = np.asarray(decode_image(out.getvalue())).astype(int)
    assert abs(image - expected(smooth(3, 4000), 4095)).max() <= 1


def test_pages_that_are_not_used_are_said(tmp_path: Path, store: Path) -> None:
    files = {
        "a/1.tif": paged(40, 40, 40, grey=True),
        "b/1.tif": paged(20, 60),
        "b/2.tif": paged(50),
    }
    for name, content in files.items():
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).write_bytes(content)

    dataset = open_dataset(tmp_path / "data", store=store)

    doubts = find_doubts(dataset, Links.of(dataset, ()), {})
    assert doubts[0].startswith("1 file with three grey pages of one size, perhaps red, green and")
    assert dataset.notes == ("1 file with several pages: the largest page is used.",)


def test_pages_without_end_are_not_looked_at(tmp_path: Path) -> None:
    content = paged(*[20] * 130)
    assert inspect_image(content).pages == 100


# Masks


def write_set(root: Path, masks: int, images: int) -> Path:
    generator = np.random.default_rng(0)
    for n in range(masks + images):
        values = generator.integers(0, 2 if n < masks else 256, (40, 40), np.uint8)
        path = root / "ab"[n % 2] / f"{n}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(values * (255 if n < masks else 1)).save(path)
    return root


def test_images_of_two_values_among_others_are_masks(tmp_path: Path, store: Path) -> None:
    dataset = open_dataset(write_set(tmp_path / "data", masks=3, images=7), store=store)
    assert len(dataset.images) == 7
    assert {each.reason for each in dataset.skipped} == {"a mask: its pixels have only two values"}
    assert dataset.notes == ("3 masks left out: their pixels have only two values.",)


def test_a_set_of_two_valued_images_is_kept(tmp_path: Path, store: Path) -> None:
    dataset = open_dataset(write_set(tmp_path / "data", masks=7, images=3), store=store)
    assert len(dataset.images) == 10
    assert dataset.notes == ()


@settings(max_examples=60, deadline=None)
@given(written=st.sampled_from([as_png, as_tiff]), cut=st.floats(0, 1), seed=st.integers(0, 999))
def test_damaged_deep_files_never_end_in_another_error(
    written: Callable[[Deep], bytes], cut: float, seed: int
) -> None:
    content = bytearray(written(smooth(3, 4000)))
    places = np.random.default_rng(seed).integers(0, len(content), 5)
    for place in places.tolist():
        content[place] ^= 0x55
    with contextlib.suppress(ImageError):
        decode_image(bytes(content[: round(cut * len(content))]))


def test_what_models_are_not_given_of_wide_images_is_said(tmp_path: Path, store: Path) -> None:
    for name, size in (("a/1", (64, 48)), ("a/2", (40, 40)), ("b/3", (40, 100))):
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(size).integers(0, 256, (size[1], size[0], 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "data" / f"{name}.png")
    assert open_dataset(tmp_path / "data", store=store).notes == (
        "2 images are not square: models are given the middle square, and up to 60 % of an image "
        "is not looked at.",
    )
