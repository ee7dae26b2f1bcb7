"""One image file or upload -> RGB pixels. Knows formats, not data sets; nothing is written."""

import math
import stat
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from modelzoo.datasets.copies import change_of, change_pixels, original_file
from modelzoo.datasets.depth import (
    DepthError,
    as_eight_bits,
    count_bits,
    counts_from_white,
    find_depth,
    read_values,
)
from modelzoo.datasets.flat import has_two_values, is_flat, measure_brightest
from modelzoo.datasets.unread import HEAD_BYTES, kind_of, why_unread
from modelzoo.errors import UserError

# By name, because Pillow would also open PostScript, which starts a program.
FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF")
EXTENSIONS = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif"}
)
LEAST_PX = 16  # a side
MOST_PAGES = 100  # of a TIFF that are looked at
MOST_TILES = 64  # of one image
MAX_PIXELS = 50_000_000  # 150 MB decoded; a microscope camera's field has 2 to 20 million

# What Pillow's readers let out on damaged bytes; its warnings too, where they are made errors.
_DAMAGE = (
    OSError,
    SyntaxError,
    TypeError,  # of a page of a TIFF that has no size
    ValueError,
    EOFError,
    OverflowError,
    struct.error,
    zlib.error,
    UserWarning,
)
_TOO_LARGE = (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError)

Interpolation = Literal["bilinear", "bicubic"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What an image file is, before it becomes RGB."""

    width: int = 0  # pixels, upright by its EXIF orientation
    height: int = 0
    format: str = ""  # Pillow's name of it: JPEG, PNG, TIFF
    mode: str = ""  # Pillow's name of it: RGB, L (grey), P (palette), CMYK
    bits: int = 8  # per channel
    pages: int = 1  # of a TIFF, of which one is taken; frames of others, of which the first is
    has_equal_pages: bool = True  # all of one size: the first is taken, else the largest
    has_grey_pages: bool = False  # three of one size, perhaps red, green and blue
    peak: int = 0  # largest value of an image of 16 bits per channel; 0 for others
    depth: int = 0  # bits that hold nearly all values of such an image; 0 for others
    has_two_values: bool = False  # as masks have
    brightest: int = 255  # grey level that the brightest pixels below white reach; see `flat`
    is_flat: bool = False  # few colours, as masks have that were named so


UNKNOWN = Facts()


class ImageError(UserError):
    """What was given cannot be used as an image, for `reason`."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(
            f"{name} cannot be used: {reason}; give a JPEG, PNG, BMP, TIFF, WebP or GIF image "
            f"of at most {MAX_PIXELS // 1_000_000} megapixels."
        )
        self.reason = reason


def decode_image(source: Path | bytes, *, name: str = "", depth: int = 0) -> Image.Image:
    """The image in RGB: upright by its EXIF orientation, transparency laid over white.

    Cameras of 10, 12 or 14 bits write files of 16 bits, which would be nearly black: values of 16
    bits are scaled by the depth that `find_depth` tells, and those above are cut, since one hot
    pixel or a scale bar would make the others dark. Of several pages of a TIFF the largest is taken
    (of equal ones the first), since a small picture may come first; of several frames the first.

    Args:
        source: A file, or the bytes of one. A copy, `001.jpg::flip-x`, is made of its original.
        name: What an error calls it; the path, or "The upload", when not given.
        depth: Bits in use in the data set that it belongs to, so that all images of it are scaled
            alike; more where nearly all of this image needs more. 0: as this image uses them.

    Raises:
        ImageError: It is missing, no image, truncated, damaged, or larger than `MAX_PIXELS`.
    """
    name = name or ("The upload" if isinstance(source, bytes) else str(source))
    if isinstance(source, Path) and change_of(source.name):
        original = decode_image(original_file(source), name=name, depth=depth)
        return Image.fromarray(change_pixels(np.asarray(original), source.name))
    # Before it is read: a slide may have gigabytes, and its first picture is a small preview.
    if reason := why_unread(name if isinstance(source, bytes) else source.name):
        raise ImageError(name, f"it is {reason.partition(';')[0]}")
    if isinstance(source, bytes):
        content = source
    else:
        try:
            if not (stat.S_ISREG(mode := source.stat().st_mode) or stat.S_ISDIR(mode)):
                raise ImageError(name, "it is a pipe or device")  # which might never end
            content = source.read_bytes()
        except OSError as error:
            raise ImageError(name, _could_not_read(error)) from error
    with _opened(content, name) as image:
        _choose_page(image)
        return _decode(image, content, name, depth)[0]


def inspect_image(content: bytes) -> Facts:
    """What is known of an image file that models can be given.

    Args:
        content: Of a file.

    Raises:
        ImageError: As for `decode_image` and `require_cells_visible`.
    """
    name = "The image"
    with _opened(content, name) as image:
        sizes, has_grey_pages = _choose_page(image)
        file_format, mode, bits = image.format or "", image.mode, count_bits(image)
        rgb, peak, depth = _decode(image, content, name, 0)
    require_cells_visible(rgb, name)
    return Facts(
        *rgb.size,
        format="JPEG" if file_format == "MPO" else file_format,
        mode=mode,
        bits=bits,
        pages=len(sizes),
        has_equal_pages=len(set(sizes)) == 1,
        has_grey_pages=has_grey_pages,
        peak=peak,
        depth=depth,
        has_two_values=has_two_values(rgb),
        brightest=measure_brightest(rgb),
        is_flat=is_flat(rgb),
    )


@contextmanager
def _opened(content: bytes, name: str) -> Iterator[Image.Image]:
    """The image in `content`, not decoded yet; damage that shows in the block is an ImageError."""
    if not content:
        raise ImageError(name, "it is empty")
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as image:
            yield image
    except _TOO_LARGE as error:
        raise ImageError(name, _too_large(None)) from error
    except UnidentifiedImageError as error:
        raise ImageError(name, _unknown(content)) from error
    except _DAMAGE as error:
        raise ImageError(name, _damage(error)) from error


def _choose_page(image: Image.Image) -> tuple[list[tuple[int, int]], bool]:
    """Go to the largest page of a TIFF; the sizes of all, and whether three are grey and equal."""
    if image.format != "TIFF":
        return [image.size] * _count_frames(image), False
    sizes, is_grey = [], True
    with suppress(*_DAMAGE):  # EOFError behind the last; a damaged page ends the list, too
        for page in range(MOST_PAGES):
            image.seek(page)
            sizes.append(image.size)
            is_grey = is_grey and image.mode in ("L", "I;16", "I;16B", "I")
    areas = [math.prod(size) for size in sizes]
    image.seek(areas.index(max(areas)))
    return sizes, is_grey and len(sizes) == 3 and len(set(sizes)) == 1


def _count_frames(image: Image.Image) -> int:
    """Frames of an animation; 1 of others, and of a JPEG, which has but previews of itself."""
    frames = 1
    if image.format in ("GIF", "PNG", "WEBP"):
        with suppress(*_DAMAGE):
            frames = getattr(image, "n_frames", 1)
        image.seek(0)
    return frames


def _decode(
    image: Image.Image, content: bytes, name: str, depth: int
) -> tuple[Image.Image, int, int]:
    """The page that was chosen, in RGB and upright; of 16 bits its largest value and its depth."""
    # The header tells the size: nothing is decoded yet.
    if math.prod(image.size) > MAX_PIXELS:
        raise ImageError(name, _too_large(image.size))
    peak = own_depth = 0
    # Pillow holds grey of 12, 16 and 32 bits alike, and would cut all of it at 255.
    if image.mode.startswith("I") or count_bits(image) == 16:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
        is_inverted = counts_from_white(image)
        try:
            values = read_values(image, content)
            peak, own_depth = find_depth(values)
        except DepthError as error:
            raise ImageError(name, str(error)) from error
        image = as_eight_bits(values, max(depth, own_depth), is_inverted=is_inverted)
        if orientation:
            image.getexif()[ExifTags.Base.Orientation] = orientation
    else:
        image.load()
    return _rgb(ImageOps.exif_transpose(image), name), peak, own_depth


def require_cells_visible(image: Image.Image, name: str) -> Image.Image:
    """`image` itself, when it is large enough to be asked about.

    Raises:
        ImageError: It has less than `LEAST_PX` a side: enlarged, it would be explained like any.
    """
    width, height = image.size
    if min(image.size) < LEAST_PX:
        raise ImageError(name, f"its {width} x {height} pixels can show no cell")
    return image


def fit_square(
    image: Image.Image,
    input_px: int,
    *,
    crop: float = 1.0,
    interpolation: Interpolation = "bicubic",
) -> npt.NDArray[np.uint8]:
    """The middle of `image` as (input_px, input_px, 3) uint8.

    As if the shorter side was resized to `round(input_px / crop)` and the middle cut out (equal to
    that within one grey level), but only what is kept is computed: a strip of 1 x 1,000,000
    pixels costs no more than a square.

    Args:
        image: RGB.
        input_px: Side of the square.
        crop: Share of the shorter side that is kept; 1.0 keeps the whole of a square field.
        interpolation: Both are antialiased.
    """
    shorter = round(input_px / crop)
    edges = [_middle(side, min(image.size), shorter, input_px) for side in image.size]
    (left, right), (upper, lower) = edges
    resampling = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
    size = (input_px, input_px)
    fitted = image.resize(size, resampling[interpolation], box=(left, upper, right, lower))
    return np.array(fitted)  # a copy, because Pillow's own memory is read-only


def count_tiles(width: int, height: int) -> int:
    """How many squares of its shorter side cover an image: 1 of a square, MOST_TILES at most."""
    return min(MOST_TILES, math.ceil(max(width, height) / min(width, height)))


def cut_tile(image: Image.Image, tile: int, tiles: int) -> Image.Image:
    """One of the squares that cover an image, evenly spread along its longer side.

    Args:
        image: Of any size.
        tile: From 1, the leftmost or uppermost, to `tiles`.
        tiles: From `count_tiles`; they overlap where the sides are no multiple of each other.
    """
    side = min(image.size)
    left, upper = tile_corner(image.size, tile, tiles)
    return image.crop((left, upper, left + side, upper + side))


def tile_corner(size: tuple[int, int], tile: int, tiles: int) -> tuple[int, int]:
    """Left and upper edge, in pixels, of the square that `cut_tile` cuts out."""
    side = min(size)
    left, upper = (round((each - side) * (tile - 1) / max(1, tiles - 1)) for each in size)
    return left, upper


def share_outside(width: int, height: int, *, crop: float = 1.0) -> float:
    """Share of the area of an image, in [0, 1), that `fit_square` leaves out: 0 of a square.

    Args:
        width: Of the image, in pixels.
        height: The same.
        crop: As in `fit_square`.
    """
    side = crop * min(width, height)
    return 1 - side * side / (width * height)


def _middle(side: int, shortest: int, shorter: int, input_px: int) -> tuple[float, float]:
    """First and last coordinate along `side` of the pixels kept, in pixels of the image."""
    resized = max(shorter * side // shortest, input_px)
    first = round((resized - input_px) / 2)
    scale = side / resized
    return first * scale, min((first + input_px) * scale, side)


def _rgb(image: Image.Image, name: str) -> Image.Image:
    """`image` in RGB, transparency laid over white."""
    if image.mode == "F":
        raise ImageError(name, "its pixels are floating-point numbers of unknown range")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def _unknown(content: bytes) -> str:
    kind = kind_of(content[:HEAD_BYTES])
    if kind == "TIFF":
        return (
            "it is a damaged TIFF, or one of a kind that is not read (save it again in grey or "
            "RGB, with 8 or 16 bits per channel and black as 0)"
        )
    if kind == "DICOM":
        return "it is DICOM, which is not read"
    return "it is no image of a known format"


def _too_large(size: tuple[int, int] | None) -> str:
    if size is None:
        return "it has too many pixels"
    return f"it has {size[0]:,} x {size[1]:,} pixels"


def _could_not_read(error: OSError) -> str:
    return f"it could not be read ({(error.strerror or str(error)).lower()})"


def _damage(error: BaseException) -> str:
    truncated = isinstance(error, EOFError) or "truncated" in str(error).lower()
    return "it is truncated" if truncated else "it is damaged"
