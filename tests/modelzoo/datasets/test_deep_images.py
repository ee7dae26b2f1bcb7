"""Files of 16 bits per channel, pages of a TIFF, and masks, and what is said of them."""

import contextlib
import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from modelzoo.datasets.doubts import Links, find_doubts
from modelzoo.datasets.images import ImageError, decode_image, inspect_image, require_cells_visible
from modelzoo.datasets.opening import open_dataset
from modelzoo.datasets.store import open_pixels
from tests.modelzoo.datasets.deep import Deep, as_png, as_tiff, expected, smooth, write_deep


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


def hot(values: Deep, number: int = 1) -> Deep:
    """`values` with so many pixels at their largest."""
    values = values.copy()
    values.reshape(-1, *values.shape[2:])[:number] = 65535
    return values


@pytest.mark.parametrize("channels", [1, 3])
def test_a_hot_pixel_makes_no_image_dark(channels: int) -> None:
    values = smooth(channels, 4000)
    content = as_png(hot(values))

    image = np.asarray(decode_image(content)).astype(int)

    apart = abs(image - expected(values, 4095)).max(axis=2)
    assert apart[0, 0] == 255
    assert apart.ravel()[1:].max() <= 1
    facts = inspect_image(content)
    assert (facts.peak, facts.depth) == (65535, 12)


def test_single_images_of_another_range_leave_the_others_bright(
    tmp_path: Path, store: Path
) -> None:
    images = {f"{'ab'[n % 2]}/{n:02}": smooth(3, 3000 + n) for n in range(40)}
    images["a/00"] = smooth(3, 65535)
    images["b/01"] = hot(smooth(3, 3001))
    dataset = open_dataset(write_deep(tmp_path / "data", images), store=store)
    pixels = open_pixels(dataset, input_px=40, store=store)

    assert dataset.depth == 12
    assert dataset.notes == (
        "1 of 40 images of 16 bits per channel uses more than 12 bits, such as a/00.png: it is "
        "scaled by the bits in use there, the others as 12 bits, so do not compare how bright "
        "they are.",
        "1 image with a few values above the bits in use, as of hot pixels or a scale bar, such as "
        "b/01.png: these values are cut.",
    )
    for image_id, values in zip(pixels.ids, pixels.values, strict=True):
        white = 65535 if image_id == "a/00.png" else 4095
        differ = abs(values.astype(int) - expected(images[image_id[:-4]], white)).max(axis=2)
        assert (differ > 1).sum() == (image_id == "b/01.png")


# Values that count from white, and of other than 8 and 16 bits


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("peak", [255, 4095, 65535])
def test_a_tiff_that_counts_from_white_is_read_right_or_refused(
    peak: int, compression: str | None, byteorder: Literal["<", ">"]
) -> None:
    grey, out = smooth(1, peak), BytesIO()
    values = grey.astype(np.uint8) if peak == 255 else grey
    tifffile.imwrite(
        out, values, photometric="miniswhite", byteorder=byteorder, compression=compression
    )
    if peak > 255 and byteorder == ">":
        with pytest.raises(ImageError, match="of a kind that is not read"):
            decode_image(out.getvalue())
        return

    image = np.asarray(decode_image(out.getvalue())).astype(int)

    assert abs(image - (255 - expected(grey, peak))).max() <= 1


@pytest.mark.parametrize("bits", [1, 2, 4, 12])
@pytest.mark.parametrize("photometric", [0, 1])
def test_packed_values_of_a_tiff_are_scaled_by_their_bits(bits: int, photometric: int) -> None:
    levels = np.linspace(0, 2**bits - 1, 32).round().astype(int)
    packed = "".join(f"{level:0{bits}b}" for level in levels)
    row = int(packed, 2).to_bytes(len(packed) // 8, "big")
    entries = [(256, 32), (257, 16), (258, bits), (259, 1), (262, photometric), (273, 200),
               (277, 1), (278, 16), (279, 16 * len(row))]  # fmt: skip
    header = struct.pack("<2sHIH", b"II", 42, 8, len(entries))
    tags = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)

    content = (header + tags).ljust(200, b"\0") + 16 * row
    if (bits, photometric) == (12, 0):
        with pytest.raises(ImageError, match="of a kind that is not read"):
            decode_image(content)
        return

    image = decode_image(content)

    seen = np.asarray(image)[0, :, 0].astype(int)
    scaled = (levels * 255 / (2**bits - 1)).round()
    assert abs(seen - (scaled if photometric else 255 - scaled)).max() <= 1


@pytest.mark.parametrize("peak", [4000, 65535, 70000, 2**31 - 1])
def test_grey_of_32_bits_is_scaled_or_refused_and_never_cut_at_255(peak: int) -> None:
    values, out = np.linspace(0, peak, 1600).round().astype(np.int32).reshape(40, 40), BytesIO()
    tifffile.imwrite(out, values, photometric="minisblack")
    if peak > 65535:
        with pytest.raises(ImageError, match="do not fit into 16 bits"):
            decode_image(out.getvalue())
        return
    image = np.asarray(decode_image(out.getvalue())).astype(int)
    assert abs(image - expected(values.astype(np.uint16), max(4095, peak))).max() <= 1


# Sets


def test_images_too_small_for_a_cell_are_left_out_as_prediction_refuses_them(
    tmp_path: Path, store: Path
) -> None:
    for name, side in (("a/1", 15), ("a/2", 16), ("b/3", 40)):
        write_deep(tmp_path / "data", {name: smooth(3, 4000, side)})
    dataset = open_dataset(tmp_path / "data", store=store)
    assert dataset.ids == ("a/2.png", "b/3.png")
    (small,) = dataset.skipped
    assert (small.id, small.reason) == ("a/1.png", "its 15 x 15 pixels can show no cell")
    large = decode_image(tmp_path / "data/a/2.png")
    assert require_cells_visible(large, "2.png") is large
    with pytest.raises(ImageError, match=small.reason):
        require_cells_visible(decode_image(tmp_path / "data/a/1.png"), "1.png")


def test_all_images_of_a_set_are_scaled_alike_with_a_note(tmp_path: Path, store: Path) -> None:
    peaks = {"a/1": 1100, "a/2": 15000, "b/3": 3000, "b/4": 12000}
    root = write_deep(tmp_path / "data", {name: smooth(3, peak) for name, peak in peaks.items()})

    dataset = open_dataset(root, store=store)
    pixels = open_pixels(dataset, input_px=40, store=store).values

    assert dataset.depth == 14
    assert dataset.notes == (
        "4 images of 16 bits per channel with values up to 15,000: all are scaled as 14 bits.",
    )
    seen = [round(peak * 255 / 16383) for peak in peaks.values()]
    assert pixels.max(axis=(1, 2, 3)).tolist() == seen


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


def animated(image_format: str) -> bytes:
    """Three frames; WebP and PNG would keep equal ones once."""
    frames = [Image.new("RGB", (40, 40), (shade, 0, 0)) for shade in (250, 100, 0)]
    out = BytesIO()
    frames[0].save(out, image_format, save_all=True, append_images=frames[1:])
    return out.getvalue()


@pytest.mark.parametrize("image_format", ["GIF", "WEBP", "PNG"])
def test_an_animation_cut_in_a_later_frame_keeps_its_first(image_format: str) -> None:
    content = animated(image_format)
    assert inspect_image(content).pages == 3
    with contextlib.suppress(ImageError):  # WebP and PNG may be read whole or not at all
        image = np.asarray(decode_image(content[:-20])).astype(int)
        assert abs(image - (250, 0, 0)).max() < 10


def test_of_several_pages_the_largest_is_taken() -> None:
    content = paged(20, 60, 30)
    image = decode_image(content)
    assert image.size == (60, 60)
    assert image.getpixel((0, 0)) == (80, 80, 80)
    facts = inspect_image(content)
    assert (facts.width, facts.pages, facts.has_equal_pages) == (60, 3, False)
    assert not facts.has_grey_pages


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
        "b/3.tif": paged(40, 40),
        "b/4.tif": paged(40, 40, 20),
        "b/5.gif": animated("GIF"),
        "b/6.webp": animated("WEBP"),
        "b/7.png": animated("PNG"),
    }
    for name, content in files.items():
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).write_bytes(content)

    dataset = open_dataset(tmp_path / "data", store=store)

    doubts = find_doubts(dataset, Links.of(dataset, ()), {})
    of_planes = "1 file with three grey pages of one size, perhaps red, green and"
    assert any(doubt.startswith(of_planes) for doubt in doubts)
    assert dataset.notes == (
        "1 file with several pages of one size, such as b/3.tif: only the first is used.",
        "2 files with pages of several sizes, such as b/1.tif: only the largest is used, of equal "
        "ones the first.",
        "3 files with several frames, such as b/5.gif: only the first is used.",
    )
    assert decode_image(paged(40, 40, 20)).getpixel((0, 0)) == (40, 40, 40)


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
