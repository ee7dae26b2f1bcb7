import contextlib
import os
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from modelzoo.datasets.images import (
    MOST_TILES,
    ImageError,
    count_tiles,
    cut_tile,
    decode_image,
    fit_square,
    share_outside,
)


def encoded(image: Image.Image, image_format: str = "PNG", **options: Any) -> bytes:
    out = BytesIO()
    image.save(out, image_format, **options)
    return out.getvalue()


@pytest.fixture(scope="module")
def photograph() -> Image.Image:
    """60 x 40 pixels, smooth, so that JPEG keeps them nearly."""
    y, x = np.mgrid[:40, :60]
    return Image.fromarray(np.stack([4 * x, 6 * y, 255 - 2 * x - 3 * y], axis=2).astype(np.uint8))


@pytest.mark.parametrize("image_format", ["PNG", "BMP", "TIFF", "WEBP"])
def test_lossless_formats_give_the_pixels_back(photograph: Image.Image, image_format: str) -> None:
    content = encoded(photograph, image_format, **{"lossless": True} if "P" in image_format else {})

    image = decode_image(content)

    assert image.mode == "RGB"
    assert np.array_equal(np.asarray(image), np.asarray(photograph))


def test_an_image_turned_in_exif_stands_upright(photograph: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise

    image = decode_image(encoded(photograph, exif=exif))

    upright = np.rot90(np.asarray(photograph), k=-1)
    assert image.size == (40, 60)
    assert np.array_equal(np.asarray(image), upright)


@pytest.mark.parametrize(
    "image",
    [
        Image.new("RGBA", (3, 3), (0, 0, 0, 0)),
        Image.new("LA", (3, 3), (0, 0)),
    ],
    ids=["RGBA", "LA"],
)
def test_what_is_transparent_becomes_white(image: Image.Image) -> None:
    assert np.asarray(decode_image(encoded(image))).min() == 255


def test_half_transparent_black_becomes_grey() -> None:
    image = decode_image(encoded(Image.new("RGBA", (1, 1), (0, 0, 0, 128))))

    assert image.getpixel((0, 0)) == (127, 127, 127)


def test_a_transparent_colour_of_a_palette_becomes_white() -> None:
    image = Image.new("P", (2, 1), 0)
    image.putpalette([0, 0, 0, 200, 0, 0])
    image.putpixel((1, 0), 1)

    decoded = decode_image(encoded(image, transparency=0))

    assert [decoded.getpixel((x, 0)) for x in (0, 1)] == [(255, 255, 255), (200, 0, 0)]


def test_a_palette_becomes_its_colours() -> None:
    image = Image.new("P", (2, 1), 0)
    image.putpalette([10, 20, 30, 200, 0, 0])
    image.putpixel((1, 0), 1)

    decoded = decode_image(encoded(image))

    assert [decoded.getpixel((x, 0)) for x in (0, 1)] == [(10, 20, 30), (200, 0, 0)]


def test_of_an_animation_the_first_frame_is_taken() -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]

    decoded = decode_image(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))

    assert decoded.getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.parametrize("image_format", ["PNG", "TIFF"])
def test_sixteen_bits_keep_their_whole_range(image_format: str) -> None:
    grey = Image.fromarray(np.array([[0, 257, 32896, 65535]], np.uint16))

    image = decode_image(encoded(grey, image_format))

    assert [image.getpixel((x, 0)) for x in range(4)] == [(v, v, v) for v in (0, 1, 128, 255)]


def test_grey_and_black_and_white_become_rgb() -> None:
    assert decode_image(encoded(Image.new("L", (1, 1), 7))).getpixel((0, 0)) == (7, 7, 7)
    assert decode_image(encoded(Image.new("1", (1, 1), 1))).getpixel((0, 0)) == (255, 255, 255)


def test_a_cmyk_jpeg_keeps_its_colours(photograph: Image.Image) -> None:
    image = decode_image(encoded(photograph.convert("CMYK"), "JPEG", quality=100))

    difference = np.abs(np.asarray(image, np.int16) - np.asarray(photograph))
    assert difference.mean() < 4


def test_floating_point_pixels_are_refused() -> None:
    with pytest.raises(ImageError, match="unknown range"):
        decode_image(encoded(Image.new("F", (2, 2)), "TIFF"))


@pytest.mark.parametrize("side", [8_000, 10_000, 14_000], ids=["small", "middle", "large"])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(side: int) -> None:
    bomb = encoded(Image.new("1", (side, side)))

    with pytest.raises(ImageError, match="at most 50 megapixels"):
        decode_image(bomb)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"patient,label\n1,Pro\n", "no image of a known format"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no image of a known format"),
    ],
    ids=["empty", "table", "program"],
)
def test_what_is_no_image_is_refused_by_name(content: bytes, reason: str) -> None:
    with pytest.raises(ImageError, match=reason) as refused:
        decode_image(content, name="smear.png")

    assert str(refused.value).startswith("smear.png cannot be used")


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "BMP", "TIFF"])
def test_half_an_image_is_truncated(photograph: Image.Image, image_format: str) -> None:
    content = encoded(photograph, image_format)

    with pytest.raises(ImageError, match="truncated"):
        decode_image(content[: 2 * len(content) // 3])


def test_a_page_without_a_size_is_passed_over(photograph: Image.Image) -> None:
    out = BytesIO()
    photograph.save(out, "TIFF", save_all=True, append_images=[photograph])
    content = bytearray(out.getvalue())
    width = (256).to_bytes(2, "little")  # the tag, and that it is a number of two bytes or four
    second = max(content.rfind(width + kind) for kind in (b"\x03\x00", b"\x04\x00"))
    content[second : second + 2] = (60_000).to_bytes(2, "little")

    decoded = decode_image(bytes(content), name="two.tif")

    assert decoded.size == photograph.size


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"gone\.png.*no such file"):
        decode_image(tmp_path / "gone.png")


@settings(deadline=None)  # a machine at work elsewhere may be slow
@given(
    st.sampled_from(["PNG", "JPEG", "BMP", "TIFF", "GIF"]),
    st.lists(st.tuples(st.integers(0, 299), st.integers(0, 255)), max_size=6),
    st.floats(0.1, 1),
)
def test_damaged_bytes_never_end_in_another_error(
    image_format: str, changes: list[tuple[int, int]], kept: float
) -> None:
    content = bytearray(encoded(Image.new("RGB", (20, 12), "purple"), image_format))
    for position, value in changes:
        content[position % len(content)] = value

    with contextlib.suppress(ImageError):
        image = decode_image(bytes(content[: int(kept * len(content))]))
        assert image.mode == "RGB"


def test_a_square_of_its_own_size_is_left_as_it_is(photograph: Image.Image) -> None:
    square = photograph.crop((0, 0, 40, 40))

    assert np.array_equal(fit_square(square, 40), np.asarray(square))


@settings(deadline=None)  # a machine at work elsewhere may be slow
@given(st.integers(8, 90), st.integers(8, 90), st.integers(4, 64), st.sampled_from([1.0, 0.875]))
def test_fitting_equals_resizing_the_shorter_side_and_cutting_the_middle_out(
    width: int, height: int, input_px: int, crop: float
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    shorter = round(input_px / crop)
    resized = image.resize(
        (shorter * width // min(image.size), shorter * height // min(image.size)),
        Image.Resampling.BICUBIC,
    )
    left, upper = (round((side - input_px) / 2) for side in resized.size)
    expected = np.asarray(resized.crop((left, upper, left + input_px, upper + input_px)))

    fitted = fit_square(image, input_px, crop=crop)

    # Pillow's fixed-point weights round a box a little otherwise; a pixel's shift would be 80 off.
    assert np.abs(fitted.astype(np.int16) - expected).max() <= 4


@pytest.mark.parametrize("size", [(1, 1_000_000), (1_000_000, 1), (1, 1)])
def test_a_strip_costs_no_more_than_a_square(size: tuple[int, int]) -> None:
    assert fit_square(Image.new("RGB", size), 224, crop=0.875).shape == (224, 224, 3)


@pytest.mark.parametrize(
    ("width", "height", "crop", "share"),
    [
        (224, 224, 1.0, 0),
        (640, 480, 1.0, 0.25),
        (2592, 1944, 1.0, 0.25),
        (480, 640, 1.0, 0.25),
        (100, 400, 1.0, 0.75),
        (100, 100, 0.5, 0.75),
        (200, 100, 0.5, 0.875),
    ],
)
def test_the_share_outside_the_middle_square(
    width: int, height: int, crop: float, share: float
) -> None:
    assert share_outside(width, height, crop=crop) == share


def test_the_share_outside_is_what_the_square_leaves_out() -> None:
    field = np.zeros((100, 200, 3), np.uint8)
    field[:, 50:150] = 255

    assert fit_square(Image.fromarray(field), 100).min() == 255
    assert (field == 0).mean() == share_outside(200, 100)


@given(width=st.integers(1, 900), height=st.integers(1, 900))
def test_tiles_cover_an_image_and_are_as_few_as_can_be(width: int, height: int) -> None:
    side, longer = min(width, height), max(width, height)
    tiles = count_tiles(width, height)
    if longer > MOST_TILES * side:
        assert tiles == MOST_TILES
        return
    assert (tiles - 1) * side < longer <= tiles * side
    image = Image.fromarray(np.arange(width * height, dtype=np.int32).reshape(height, width))
    seen = {
        int(value)
        for tile in range(1, tiles + 1)
        for value in np.asarray(cut_tile(image, tile, tiles)).ravel()
    }
    assert len(seen) == width * height


def test_a_pipe_is_refused_and_waited_for_by_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")

    with pytest.raises(ImageError, match="it is a pipe or device"):
        decode_image(tmp_path / "pipe.png")
