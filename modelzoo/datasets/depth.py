"""Values of 16 bits per channel -> 8 bits, scaled by the bits in use. Knows no files by name."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

_BITS_PER_SAMPLE, _PHOTOMETRIC, _PLANAR = 258, 262, 284  # tags of a TIFF
_WHITE_IS_ZERO, _SEPARATE = 0, 2  # values of the last two
DEPTHS = (8, 10, 12, 14, 16)  # bits of cameras, all written as 16
MOST_ABOVE = 0.001  # of an image's values that may exceed its bits: hot pixels
SATURATED = 65535  # what burned-in scale bars and labels are written with
MOST_SATURATED = 0.05  # of an image's values; a bar with its label takes about 0.01


class DepthError(Exception):
    """Why values of 16 bits cannot be read or scaled."""


def count_bits(image: Image.Image) -> int:
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


def counts_from_white(image: Image.Image) -> bool:
    """Whether 0 is white, which Pillow minds up to 8 bits only."""
    tags: Any = getattr(image, "tag_v2", {})
    return bool(tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO)


def read_values(image: Image.Image, content: bytes) -> npt.NDArray[Any]:
    """Values of 16 bits: (H, W) grey, (H, W, 3) RGB or (H, W, 4) with transparency.

    Pillow holds grey in full; of colours it keeps the upper 8 bits, so OpenCV reads them.

    Raises:
        DepthError: They cannot be read.
    """
    if image.mode.startswith("I"):
        return np.asarray(image)
    import cv2

    tags: Any = getattr(image, "tag_v2", {})
    if tags.get(_PLANAR) == _SEPARATE:  # which OpenCV reads as noise
        reason = "its colours of 16 bits lie in separate planes; save it with the colours together"
        raise DepthError(reason)
    page = image.tell()
    image.load()  # Pillow tells what is truncated, where OpenCV fills it up
    try:
        is_read, pages = cv2.imdecodemulti(
            np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED, range=(page, page + 1)
        )
    except cv2.error:
        is_read, pages = False, ()
    if not is_read or pages[0].dtype != np.uint16:
        raise DepthError("its colours of 16 bits could not be read")
    values = pages[0]
    if values.ndim == 2:
        return values
    order = {3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGBA}[values.shape[2]]
    return cv2.cvtColor(values, order)


def _colours(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """`values` without transparency, which is full where an image is opaque."""
    return values[..., :3] if values.ndim == 3 else values


def find_depth(values: npt.NDArray[Any]) -> tuple[int, int]:
    """The largest of the values of 16 bits, which Pillow may hold in 32, and the bits in use.

    In use are the bits that hold all values but a share of MOST_ABOVE. Saturated ones do not count,
    up to a share of MOST_SATURATED: a scale bar of 65,535 says nothing about the camera.

    Raises:
        DepthError: They do not fit into 16 bits.
    """
    colours = _colours(values)
    peak = int(colours.max())
    if values.min() < 0 or peak > 65535:
        raise DepthError("its grey values do not fit into 16 bits")
    few = math.ceil(MOST_ABOVE * colours.size)
    saturated = int(np.count_nonzero(colours == SATURATED))
    if saturated <= MOST_SATURATED * colours.size:
        few += saturated
    above = (bits for bits in DEPTHS if np.count_nonzero(colours >= 2**bits) <= few)
    return peak, next(above)


def as_eight_bits(values: npt.NDArray[Any], depth: int, *, is_inverted: bool) -> Image.Image:
    """Values of 16 bits as an image of 8, white at the largest of `depth` bits (or at 0)."""
    white = 2**depth - 1
    scaled = np.minimum(_colours(values), white) * np.float32(255 / white)
    scaled = scaled.round().astype(np.uint8)
    if is_inverted:
        scaled = 255 - scaled
    if values.ndim == 3 and values.shape[2] == 4:
        opacity = (values[..., 3:] * np.float32(255 / 65535)).round().astype(np.uint8)
        scaled = np.concatenate([scaled, opacity], axis=2)
    return Image.fromarray(scaled)
