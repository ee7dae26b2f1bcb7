"""One image file or upload -> RGB pixels. Knows formats, not data sets; nothing is written."""

import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from modelzoo.errors import UserError

# By name, because Pillow would also open PostScript, which starts a program.
FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF")
EXTENSIONS = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif"}
)
LEAST_PX = 16  # a side
_BITS_PER_SAMPLE, _PLANAR, _SEPARATE = 258, 284, 2  # tags of a TIFF, and a value of the second
DEPTHS = (8, 10, 12, 14, 16)  # bits of cameras, all written as 16
MOST_PAGES = 100  # of a TIFF that are looked at
MOST_TILES = 64  # of one image
MAX_PIXELS = 50_000_000  # 150 MB decoded; a microscope camera's field has 2 to 20 million

# What Pillow's readers let out on damaged bytes; its warnings too, where they are made errors.
_DAMAGE = (
    OSError,
    SyntaxError,
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
    mode: str = ""  # Pillow's name of it: RGB, L (grey), P (palette), CMYK
    bits: int = 8  # per channel
    pages: int = 1  # of a TIFF; the largest is taken
    peak: int = 0  # largest value of an image of 16 bits per channel; 0 for others
    has_grey_pages: bool = False  # three of one size, perhaps red, green and blue
    has_two_values: bool = False  # as masks have


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
    bits are scaled by the depth in use. Of several pages of a TIFF the largest is taken, since a
    small picture may come first; of several frames the first.

    Args:
        source: A file, or the bytes of one.
        name: What an error calls it; the path, or "The upload", when not given.
        depth: Bits in use in the data set that it belongs to, so that all images of it are scaled
            alike; more where this image uses more. 0: as this image uses them.

    Raises:
        ImageError: It is missing, no image, truncated, damaged, or larger than `MAX_PIXELS`.
    """
    name = name or ("The upload" if isinstance(source, bytes) else str(source))
    if isinstance(source, bytes):
        content = source
    else:
        try:
            content = source.read_bytes()
        except OSError as error:
            raise ImageError(name, _could_not_read(error)) from error
    with _opened(content, name) as image:
        _choose_page(image)
        return _decode(image, content, name, depth)[0]


def inspect_image(content: bytes) -> Facts:
    """What is known of an image file.

    Args:
        content: Of a file.

    Raises:
        ImageError: As for `decode_image`.
    """
    name = "The image"
    with _opened(content, name) as image:
        mode, bits = image.mode, _bits(image)
        pages, has_grey_pages = _choose_page(image)
        rgb, peak = _decode(image, content, name, 0)
    colours = rgb.getcolors(maxcolors=2)
    has_two_values = colours is not None and len(colours) == 2
    return Facts(*rgb.size, mode, bits, pages, peak, has_grey_pages, has_two_values)


def depth_in_use(peak: int) -> int:
    """Bits of a camera whose largest value is `peak`, in [0, 65535]."""
    return next(bits for bits in DEPTHS if peak < 2**bits)


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
        raise ImageError(name, "it is no image of a known format") from error
    except _DAMAGE as error:
        raise ImageError(name, _damage(error)) from error


def _bits(image: Image.Image) -> int:
    """Bits per channel in the file; Pillow reads colours of 16 bits as 8."""
    raw = " ".join(str(tile[3]) for tile in getattr(image, "tile", ()))
    if image.mode == "1":
        return 1
    if image.mode == "F":
        return 32
    if image.format == "TIFF":  # of separate planes the raw mode says nothing
        tags: Any = getattr(image, "tag_v2", {})
        return int(max(tags.get(_BITS_PER_SAMPLE, (8,))))
    return 16 if image.mode.startswith("I") or ";16" in raw else 8


def _choose_page(image: Image.Image) -> tuple[int, bool]:
    """Go to the largest page of a TIFF; how many there are, and whether three are grey alike."""
    if image.format != "TIFF":
        return 1, False
    sizes, is_grey = [], True
    with suppress(*_DAMAGE):  # EOFError behind the last; a damaged page ends the list, too
        for page in range(MOST_PAGES):
            image.seek(page)
            sizes.append(image.size)
            is_grey = is_grey and image.mode in ("L", "I;16", "I;16B", "I")
    areas = [math.prod(size) for size in sizes]
    image.seek(areas.index(max(areas)))
    return len(sizes), is_grey and len(sizes) == 3 and len(set(sizes)) == 1


def _decode(image: Image.Image, content: bytes, name: str, depth: int) -> tuple[Image.Image, int]:
    """The page that was chosen, in RGB and upright; its largest value where it has 16 bits."""
    # The header tells the size: nothing is decoded yet.
    if math.prod(image.size) > MAX_PIXELS:
        raise ImageError(name, _too_large(image.size))
    peak = 0
    if _bits(image) == 16:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
        image, peak = _eight_bits(_read_deep(image, content, name), depth, name)
        if orientation:
            image.getexif()[ExifTags.Base.Orientation] = orientation
    else:
        image.load()
    return _rgb(ImageOps.exif_transpose(image), name), peak


def _read_deep(image: Image.Image, content: bytes, name: str) -> npt.NDArray[Any]:
    """Values of 16 bits: (H, W) grey, (H, W, 3) RGB or (H, W, 4) with transparency.

    Pillow holds grey in full; of colours it keeps the upper 8 bits, so OpenCV reads them.
    """
    if image.mode.startswith("I"):
        return np.asarray(image)
    import cv2

    tags: Any = getattr(image, "tag_v2", {})
    if tags.get(_PLANAR) == _SEPARATE:  # which OpenCV reads as noise
        reason = "its colours of 16 bits lie in separate planes; save it with the colours together"
        raise ImageError(name, reason)
    page = image.tell()
    image.load()  # Pillow tells what is truncated, where OpenCV fills it up
    try:
        is_read, pages = cv2.imdecodemulti(
            np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED, range=(page, page + 1)
        )
    except cv2.error:
        is_read, pages = False, ()
    if not is_read or pages[0].dtype != np.uint16:
        raise ImageError(name, "its colours of 16 bits could not be read")
    values = pages[0]
    if values.ndim == 2:
        return values
    order = {3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGBA}[values.shape[2]]
    return cv2.cvtColor(values, order)


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
    left, upper = (round((each - side) * (tile - 1) / max(1, tiles - 1)) for each in image.size)
    return image.crop((left, upper, left + side, upper + side))


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


def _eight_bits(values: npt.NDArray[Any], depth: int, name: str) -> tuple[Image.Image, int]:
    """Values of 16 bits, which Pillow may hold in 32, as an image of 8 bits; and the largest."""
    colours = values[..., :3] if values.ndim == 3 else values  # transparency is full where opaque
    peak = int(colours.max())
    if values.min() < 0 or peak > 65535:
        raise ImageError(name, "its grey values do not fit into 16 bits")
    white = 2 ** max(depth, depth_in_use(peak)) - 1
    scaled = (colours * np.float32(255 / white)).round().astype(np.uint8)
    if values.ndim == 3 and values.shape[2] == 4:
        opacity = (values[..., 3:] * np.float32(255 / 65535)).round().astype(np.uint8)
        scaled = np.concatenate([scaled, opacity], axis=2)
    return Image.fromarray(scaled), peak


def _too_large(size: tuple[int, int] | None) -> str:
    if size is None:
        return "it has too many pixels"
    return f"it has {size[0]:,} x {size[1]:,} pixels"


def _could_not_read(error: OSError) -> str:
    return f"it could not be read ({(error.strerror or str(error)).lower()})"


def _damage(error: BaseException) -> str:
    truncated = isinstance(error, EOFError) or "truncated" in str(error).lower()
    return "it is truncated" if truncated else "it is damaged"
