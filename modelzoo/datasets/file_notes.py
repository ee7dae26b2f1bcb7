"""Sentences on files of which not all is used, or whose values are scaled. Records in."""

from collections.abc import Sequence
from statistics import median

from modelzoo.datasets.dataset import Dataset, Image
from modelzoo.datasets.images import share_outside
from modelzoo.text import count, percent

# An image that uses four bits fewer than others is 16 times darker: no exposure explains that.
_DARK_BITS = 4
_NEARLY_BLACK = 24  # of 255; the darkest of 20 cells on black of C-NMC reaches 52
_MUCH_DARKER = 0.5  # than the darkest other class; those of the ALL image data set differ by 1 %


def describe_files(dataset: Dataset) -> list[str]:
    """What a person must know of the files: depth, middle squares, pages and frames."""
    return [
        *_describe_depths(dataset),
        *_describe_squares(dataset.images),
        *_describe_pages(dataset.images),
    ]


def doubt_brightness(dataset: Dataset) -> list[str]:
    """Sentences on images that are nearly black, and on classes darker than the others."""
    depth = dataset.depth
    deep = [image for image in dataset.images if image.facts.depth]
    few_bits = [image for image in deep if image.facts.depth <= depth - _DARK_BITS]
    known = {image.id for image in few_bits}
    dark = [
        image
        for image in dataset.images
        if image.id not in known and _brightest(image, depth) < _NEARLY_BLACK
    ]
    doubts = []
    if few_bits:
        most = max(image.facts.depth for image in few_bits)
        use, are = ("uses", "it is") if len(few_bits) == 1 else ("use", "they are")
        doubts.append(
            f"{len(few_bits):,} of {count(len(deep), 'image')} of 16 bits per channel {use} at "
            f"most {most} bits, such as {few_bits[0].id}: scaled as {depth} bits like the "
            f"others, {are} nearly black; save all files by one scale."
        )
    if dark:
        are = "is" if len(dark) == 1 else "are"
        doubts.append(
            f"{len(dark):,} of {count(len(dataset.images), 'image')} {are} nearly black, such as "
            f"{dark[0].id}: but for white, 99 % of the pixels are below {_NEARLY_BLACK} of 255."
        )
    return [*doubts, *_doubt_dark_classes(dataset)]


def _doubt_dark_classes(dataset: Dataset) -> list[str]:
    """A sentence where the images of a class are far darker than those of every other class."""
    levels: dict[str, list[float]] = {label: [] for label in dataset.classes}
    for image in dataset.images:
        levels[image.label].append(_brightest(image, dataset.depth))
    ordered = sorted((median(values), label) for label, values in levels.items())
    if len(ordered) < 2 or ordered[0][0] >= _MUCH_DARKER * ordered[1][0]:
        return []
    (level, label), (others, _) = ordered[:2]
    return [
        f"The images of {label} are much darker than those of every other class (by their medians "
        f"they reach {level:.0f} of 255, the others {others:.0f} or more): a model can tell the "
        "class by that instead of by the cells."
    ]


def _brightest(image: Image, depth: int) -> float:
    """Grey level, of 255, that the brightest pixels below white reach, scaled as the data set is.

    Of values that count from white, which fewer bits make lighter, it is an underestimate.
    """
    own = image.facts.depth
    scale = (2**own - 1) / (2 ** max(own, depth) - 1) if own else 1
    return image.facts.brightest * scale


def _describe_depths(dataset: Dataset) -> list[str]:
    """By which bits values of 16 bits are scaled, and which images differ."""
    deep = [image for image in dataset.images if image.facts.depth]
    if not deep:
        return []
    depth, notes = dataset.depth, []
    of = f"{count(len(deep), 'image')} of 16 bits per channel"
    over = [image for image in deep if image.facts.depth > depth]
    cut = [each for each in deep if each.facts.peak >= 2 ** max(depth, each.facts.depth)]
    if over:
        use, are = ("uses", "it is") if len(over) == 1 else ("use", "they are")
        notes.append(
            f"{len(over):,} of {of} {use} more than {depth} bits, such as {over[0].id}: {are} "
            f"scaled by the bits in use there, the others as {depth} bits, so do not compare how "
            "bright they are."
        )
    elif depth < 16:
        peak = min(max(image.facts.peak for image in deep), 2**depth - 1)
        notes.append(f"{of} with values up to {peak:,}: all are scaled as {depth} bits.")
    if cut:
        notes.append(
            f"{count(len(cut), 'image')} with a few values above the bits in use, as of hot "
            f"pixels or a scale bar, such as {cut[0].id}: these values are cut."
        )
    return notes


def _describe_squares(images: Sequence[Image]) -> list[str]:
    facts = [image.facts for image in images if image.facts.width]
    shares = [share_outside(each.width, each.height) for each in facts]
    wide = sum(share > 0 for share in shares)
    if not wide:
        return []
    return [
        f"{count(wide, 'image')} {'is' if wide == 1 else 'are'} not square: models are given the "
        f"middle square, and up to {percent(max(shares), 0)} of an image is not looked at."
    ]


def _describe_pages(images: Sequence[Image]) -> list[str]:
    """Which page or frame is used of files that have several; planes of colour are a doubt."""
    several = [image for image in images if image.facts.pages > 1]
    paged = [
        each for each in several if each.facts.format == "TIFF" and not each.facts.has_grey_pages
    ]
    equal = [image for image in paged if image.facts.has_equal_pages]
    unequal = [image for image in paged if not image.facts.has_equal_pages]
    frames = [image for image in several if image.facts.format != "TIFF"]
    words = (
        (equal, "with several pages of one size", "only the first is used"),
        (
            unequal,
            "with pages of several sizes",
            "only the largest is used, of equal ones the first",
        ),
        (frames, "with several frames", "only the first is used"),
    )
    return [
        f"{count(len(found), 'file')} {what}, such as {found[0].id}: {used}."
        for found, what, used in words
        if found
    ]
