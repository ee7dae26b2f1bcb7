"""The records of a data set: images, what was skipped, and what is known of both."""

import hashlib
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from modelzoo.datasets.images import UNKNOWN, Facts
from modelzoo.datasets.splits import Part

DEPTH_SHARE = 0.95  # of the images of 16 bits per channel that the depth of a data set holds


@dataclass(frozen=True, slots=True)
class Image:
    """One image that can be used."""

    id: str  # path relative to the data set's root, /-separated
    label: str
    bytes: int  # size of the file
    sha256: str  # of the file's content
    group: str | None  # subject, or what the table says; None: not known
    part: Part | None  # what folders or table say; None: nothing
    facts: Facts = UNKNOWN


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file, folder or line that was left out."""

    id: str  # of a folder with a slash at its end
    reason: str


@dataclass(frozen=True, slots=True)
class Origins:
    """Where what is known of the images is from, in words; empty: nothing says it."""

    layout: str = ""  # by what the layout was recognised
    label: str = ""
    group: str = ""  # of the subject
    part: str = ""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Images in the order of their ids, and what was left out."""

    root: Path
    layout: str
    images: tuple[Image, ...]
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...] = ()  # what was guessed or is not used, a sentence each
    origins: Origins = Origins()
    doubts: tuple[str, ...] = ()  # what its arrangement means for scores, a sentence each
    part_doubts: tuple[str, ...] = ()  # the same, of scores on the parts that are given
    table: Path | None = None  # that lists the images; None: they are as they lie in folders

    @property
    def source(self) -> Path:
        """The table or folder that says what is known of the images, for sentences on that."""
        return self.table or self.root

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes in the order of the alphabet, which ranks nothing."""
        return tuple(sorted({image.label for image in self.images}))

    @property
    def id(self) -> str:
        """Hash of every image's (id, size, content hash): the same wherever the files lie."""
        lines = (f"{image.id}\0{image.bytes}\0{image.sha256}\n" for image in self.images)
        return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]

    @property
    def pixels_id(self) -> str:
        """Hash of what decoding gives: `id`, and how values of 16 bits are scaled, where any are.

        What is kept of pixels is known by it: other rules for the bits in use give other pixels.
        """
        if not self.depth:
            return self.id
        depths = [self.depth, *(image.facts.depth for image in self.images)]
        return hashlib.sha256(f"{self.id}\0{depths}".encode()).hexdigest()[:16]

    @property
    def left_out_files(self) -> tuple[Skipped, ...]:
        """Files of which nothing is used, each once; no folders.

        A file has several lines in `skipped` where a table lists it more than once, and is used all
        the same where only a second line is left out. A line without a path counts as a file.
        """
        used = set(self.ids)
        files = [each for each in self.skipped if not each.id.endswith("/")]
        unnamed = [each for each in files if not each.id]
        named = {each.id: each for each in reversed(files) if each.id and each.id not in used}
        return (*unnamed, *reversed(named.values()))

    @property
    def ids(self) -> tuple[str, ...]:
        """Image ids, in order."""
        return tuple(image.id for image in self.images)

    @property
    def label_by_id(self) -> dict[str, str]:
        """Image id -> class."""
        return {image.id: image.label for image in self.images}

    @property
    def images_by_class(self) -> dict[str, int]:
        """Class -> number of images, in the order of `classes`."""
        return dict(sorted(Counter(image.label for image in self.images).items()))

    @property
    def depth(self) -> int:
        """Bits in use in at least DEPTH_SHARE of the files of 16 bits; 0: there are none.

        Not the most of all: one file of another camera would make all others nearly black.
        """
        depths = sorted(image.facts.depth for image in self.images if image.facts.depth)
        return depths[math.ceil(DEPTH_SHARE * len(depths)) - 1] if depths else 0

    def path(self, image_id: str) -> Path:
        """The file of one image."""
        return self.root / image_id
