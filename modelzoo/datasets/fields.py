"""A large smear as square fields that overlap: where they lie, in words and in pixels. No files."""

import math
from dataclasses import dataclass

from PIL import Image

from modelzoo.text import count, percent

# A cell on the edge of a field has to lie whole in the next one. Nucleated cells take up to a fifth
# of the side of the fields that models here are trained on.
OVERLAP = 0.25  # of a field's side, at least
CUT_FROM = 1.5  # times the side of a field: a smaller image is predicted as it is
LEAST_FIELD_PX = 32
MOST_FIELDS = 4096  # of one image
# Files of 1,024 px at a network's 224 px are common; 1,944 lines of a microscope's camera are not
# what such a network was trained on.
FAR = 5.0


@dataclass(frozen=True, slots=True)
class Field:
    """A square of an image, in pixels of the file."""

    left: int
    upper: int
    side: int


def place_fields(size: tuple[int, int], field_px: int) -> tuple[Field, ...]:
    """The fields that cover an image, row by row; none where it is not cut.

    Neighbours overlap by OVERLAP of their side or more, evenly along each side of the image. An
    image is cut where its longer side is more than CUT_FROM times that of a field.

    Args:
        size: Width and height in pixels.
        field_px: Side of a field; 0: nothing is cut. Of an image that is not as high (or wide) its
            own shorter side.
    """
    if not field_px or max(size) <= CUT_FROM * field_px:
        return ()
    side = min(field_px, *size)
    lefts, uppers = (_spread(length, side) for length in size)
    return tuple(Field(left, upper, side) for upper in uppers for left in lefts)


def count_fields(size: tuple[int, int], field_px: int) -> int:
    """How many `place_fields` would give, without making them."""
    if not field_px or max(size) <= CUT_FROM * field_px:
        return 0
    side = min(field_px, *size)
    return math.prod(_count_along(length, side) for length in size)


def _count_along(length: int, side: int) -> int:
    step = math.floor(side * (1 - OVERLAP))
    return math.ceil((length - side) / step) + 1


def _spread(length: int, side: int) -> list[int]:
    """First pixels of fields along a side of the image, the first at 0 and the last at its end."""
    number = _count_along(length, side)
    return [round((length - side) * place / max(1, number - 1)) for place in range(number)]


def cut_field(image: Image.Image, field: Field) -> Image.Image:
    """The field's pixels."""
    return image.crop((field.left, field.upper, field.left + field.side, field.upper + field.side))


def describe_cut(fields: tuple[Field, ...]) -> str:
    """How an image was cut, as the end of a sentence; "" where it was not."""
    if not fields:
        return ""
    side = fields[0].side
    return (
        f"cut into {count(len(fields), 'field')} of {side:,} x {side:,} pixels, neighbours "
        f"overlapping by {percent(OVERLAP, 0)} or more"
    )


def describe_large(images: int, first: str, px: int) -> str:
    """What can be done about images that are far larger than the input.

    Args:
        images: How many of them were not cut.
        first: The name of one, and its size.
        px: Side of the network's input.
    """
    are, they_show = ("is", "it shows") if images == 1 else ("are", "they show")
    return (
        f"{count(images, 'image')} {are} far larger than the network's input of {px} px, such as "
        f"{first}, and shown to it reduced. If {they_show} more cells than a training image does, "
        "give --field with the side in pixels that shows as much: large images are then cut into "
        "overlapping fields."
    )


def is_large(width: int, height: int, px: int) -> bool:
    """Whether the shorter side is more than FAR times the input's."""
    return min(width, height) > FAR * px
