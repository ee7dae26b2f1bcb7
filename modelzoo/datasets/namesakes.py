"""Files of one name: whether they are one image saved twice, or only called alike."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from modelzoo.datasets.checks import Check
from modelzoo.datasets.images import decode_image
from modelzoo.parallel import worker_threads

_SIDE_PX = 64  # that images are compared at
# Of the spread of grey values. Measured on cells of C-NMC, cut out on black and so alike in most
# pixels: two differ by 0.37 or more, and copies as JPEGs of quality 30 to 90, half to 1.5 times as
# large, by 0.08 or less; of fields, where two differ by more, 99 % of such copies by 0.25 or less.
_MOST_DIFFERENCE = 0.25
_MOST_PAIRS = 100_000  # that are remembered, a set of that many images saved twice


def find_repeats(
    root: Path, namesakes: Iterable[Sequence[str]], checks: Mapping[str, Check]
) -> set[str]:
    """Ids of the images that show what the first of their namesakes shows.

    Args:
        root: What the ids are relative to.
        namesakes: Ids of the images of each name.
        checks: Of each image; all of these can be decoded.

    Raises:
        UserError: A file was changed meanwhile and cannot be decoded any more.
    """
    pairs = [(first, other) for first, *others in namesakes for other in others]
    if not pairs:
        return set()
    with worker_threads() as pool:
        answers = pool.map(
            lambda pair: _show_the_same(
                (root / pair[0], checks[pair[0]].sha256), (root / pair[1], checks[pair[1]].sha256)
            ),
            pairs,
        )
        return {other for (_, other), is_same in zip(pairs, answers, strict=True) if is_same}


@lru_cache(maxsize=_MOST_PAIRS)
def _show_the_same(first: tuple[Path, str], second: tuple[Path, str]) -> bool:
    """Whether two files, each with the hash of its content, hold one image, perhaps resized."""
    if first[1] == second[1]:
        return True
    a, b = _grey(first[0]), _grey(second[0])
    difference = float(np.sqrt(np.mean((a - b) ** 2)))
    return difference <= max(1.0, _MOST_DIFFERENCE * float(a.std()))  # 1.0: both without a picture


def _grey(file: Path) -> npt.NDArray[np.float64]:
    """The image in grey, (`_SIDE_PX`, `_SIDE_PX`), in [0, 255]."""
    small = decode_image(file).convert("L").resize((_SIDE_PX, _SIDE_PX), Image.Resampling.BOX)
    return np.asarray(small, np.float64)
