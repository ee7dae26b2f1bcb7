"""One image file or upload -> RGB pixels. Knows formats, not data sets; nothing is written."""

import math
import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal

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
_TURNED = 5  # EXIF orientations from here on exchange width and height
_TOO_LARGE = (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError)

Interpolation = Literal["bilinear", "bicubic"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What an image file is, before it becomes RGB."""

    width: int = 0  # pixels, upright by its EXIF orientation
    height: int = 0
    mode: str = ""  # Pillow's name of it: RGB, L (grey), P (palette), CMYK
    bits: int = 8  # per channel
    pages: int = 1


UNKNOWN = Facts()


class ImageError(UserError):
    """What was given cannot be used as an image, for `reason`."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(
            f"{name} cannot be used: {reason}; give a JPEG, PNG, BMP, TIFF, WebP or GIF image "
            f"of at most {MAX_PIXELS // 1_000_000} megapixels."
        )
        self.reason = reason


def decode_image(source: Path | bytes, *, name: str = "") -> Image.Image:
    """The image in RGB: upright by its EXIF orientation, transparency laid over white.

    Grey values of 16 bits are divided by 257, whatever range the image uses of them; of several
    pages or frames the first is taken.

    Args:
        source: A file, or the bytes of one.
        name: What an error calls it; the path, or "The upload", when not given.

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
    if not content:
        raise ImageError(name, "it is empty")
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as image:
            # The header tells the size: nothing is decoded yet.
            if math.prod(image.size) > MAX_PIXELS:
                raise ImageError(name, _too_large(image.size))
            image.load()
            return _rgb(ImageOps.exif_transpose(image), name)
    except _TOO_LARGE as error:
        raise ImageError(name, _too_large(None)) from error
    except UnidentifiedImageError as error:
        raise ImageError(name, "it is no image of a known format") from error
    except _DAMAGE as error:
        raise ImageError(name, _damage(error)) from error


def read_facts(content: bytes) -> Facts:
    """What the header of an image file says; nothing is decoded.

    Args:
        content: Of a file that `decode_image` takes.
    """
    with Image.open(BytesIO(content), formats=FORMATS) as image:
        width, height = image.size
        if image.getexif().get(ExifTags.Base.Orientation, 1) >= _TURNED:
            width, height = height, width
        pages = getattr(image, "n_frames", 1)
        return Facts(width, height, image.mode, _bits(image), pages)


def _bits(image: Image.Image) -> int:
    """Bits per channel in the file; Pillow reads colours of 16 bits as 8."""
    raw = " ".join(str(tile[3]) for tile in getattr(image, "tile", ()))
    if image.mode == "1":
        return 1
    return 16 if image.mode.startswith("I") or ";16" in raw else 8


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


def _middle(side: int, shortest: int, shorter: int, input_px: int) -> tuple[float, float]:
    """First and last coordinate along `side` of the pixels kept, in pixels of the image."""
    resized = max(shorter * side // shortest, input_px)
    first = round((resized - input_px) / 2)
    scale = side / resized
    return first * scale, min((first + input_px) * scale, side)


def _rgb(image: Image.Image, name: str) -> Image.Image:
    """`image` in RGB, transparency laid over white."""
    if image.mode.startswith("I"):
        image = _eight_bits(image, name)
    if image.mode == "F":
        raise ImageError(name, "its pixels are floating-point numbers of unknown range")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def _eight_bits(image: Image.Image, name: str) -> Image.Image:
    """A grey image of 16 bits, which Pillow may hold in 32, as one of 8."""
    values = np.asarray(image)
    if values.min() < 0 or values.max() > 65535:
        raise ImageError(name, "its grey values do not fit into 16 bits")
    return Image.fromarray((values / 257).round().astype(np.uint8))


def _too_large(size: tuple[int, int] | None) -> str:
    if size is None:
        return "it has too many pixels"
    return f"it has {size[0]:,} x {size[1]:,} pixels"


def _could_not_read(error: OSError) -> str:
    return f"it could not be read ({(error.strerror or str(error)).lower()})"


def _damage(error: BaseException) -> str:
    truncated = isinstance(error, EOFError) or "truncated" in str(error).lower()
    return "it is truncated" if truncated else "it is damaged"
