"""Image files decoded ahead of the network, in threads, a few at a time. No torch."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from PIL import Image

from modelzoo.datasets.images import decode_image, require_cells_visible
from modelzoo.errors import UserError

Decoded = tuple[Path, Image.Image | UserError]


def decode_all(files: Iterable[Path], *, depth: int, threads: int = 1) -> Iterator[Decoded]:
    """Each file with its image in RGB, or with why it cannot be used, in the order given.

    Args:
        files: Of images.
        depth: As in `decode_image`.
        threads: As many images, and one more, are held decoded; with 1 each is decoded when it is
            asked for, so that a worker takes one core and no more.
    """
    if threads < 2:
        yield from (_decode(file, depth) for file in files)
        return
    left = iter(files)
    pool = ThreadPoolExecutor(threads)
    try:
        ahead: deque[Future[Decoded]] = deque(
            pool.submit(_decode, file, depth) for file in islice(left, threads + 1)
        )
        while ahead:
            decoded = ahead.popleft().result()
            ahead.extend(pool.submit(_decode, file, depth) for file in islice(left, 1))
            yield decoded
    finally:
        pool.shutdown(cancel_futures=True)


def _decode(file: Path, depth: int) -> Decoded:
    try:
        return file, require_cells_visible(decode_image(file, depth=depth), str(file))
    except UserError as error:
        return file, error
