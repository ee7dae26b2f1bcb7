"""Pairs of images that show a piece of the same field."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.fft

from modelzoo.datasets.candidates import Candidate, find_candidates, orient
from modelzoo.datasets.dataset import Dataset
from modelzoo.datasets.kept import read_json, write_json
from modelzoo.datasets.store import open_pixels
from modelzoo.parallel import Progress, report_progress, worker_threads

VERSION = 4  # of what is found; 1 was a comparison of every pair, 2 of unknown subjects only, and 3
# took specks on black for a match
FIELD_PX = 224  # fields are compared at this size
HIGH_PASS_PX = 12.0  # sd of what is taken away: light and stain, not cells
# The scale bars of the ALL image data set reach 33 px from the right and 31 px from below.
CORNER_PX = (36, 44)  # rows, columns at the lower right that are left out, of FIELD_PX
MIN_COMMON_SHARE = 0.12  # of the image; smaller overlaps are missed
# Seen on 504 fields, every pair at full size: true overlaps of a small area lie above 0.93, chance
# reaches 0.68; of a large area 0.61 (out of focus once) and 0.57. Looked at on both sides.
SMALL_SHARE = 0.25
MIN_SIMILARITY_SMALL = 0.8
MIN_SIMILARITY = 0.6
# Of a cell on black, with what lies around it left out.
BLACK_LEVEL = 12  # of 255; a pixel up to it is of the black
LIT_SHARE = 0.6  # of the image; a field has more than 0.99 and a cell of C-NMC at most 0.24
MIN_COMMON_CELL = 0.5  # of the smaller of two cells
MIN_COMMON_PX = 500  # 1 % of a field
WHOLE_SHARE = 0.98  # of the image; a copy that was turned or resized is shifted by 1 px at most


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two images that show a piece of the same field."""

    first: str  # image ids, in order
    second: str
    similarity: float  # NCC over the common area, [-1, 1]
    common_share: float  # of the image's area
    orientation: int  # of the first in the second, as `candidates.orient` has it

    @property
    def is_whole(self) -> bool:
        """Whether both show the whole of one field: turned, resized, saved or taken again."""
        return self.common_share >= WHOLE_SHARE


def find_overlaps(
    dataset: Dataset, *, store: Path, progress: Progress | None = None
) -> list[Overlap]:
    """Pairs of images that show a piece of the same field, of any class, part and subject.

    Candidates share local features (`find_candidates`); each is verified by phase correlation
    (Kuglin and Hines 1975) of the high-passed green channel and the normalised cross-correlation
    (NCC) over the common area, the scale bar left out. Copies that were turned by quarter turns,
    mirrored, saved again or resized in proportion are found, too; other turns, crops of another
    scale and copies that were stretched are not.
    Of the pairs that a comparison of every pair finds among 3,023 fields this finds 97 %. Of cells
    that were cut out on black, what is compared is the cell and not its outline.

    Args:
        dataset: From `open_dataset`.
        store: Where results that can be made again are kept.
        progress: Called now and then with the work done and how much there is; may raise to stop.
    """
    ids = dataset.ids
    cache = store / "overlaps" / f"{dataset.pixels_id}-v{VERSION}.json"
    kept = read_json(cache)
    if isinstance(kept, list):
        return [Overlap(*values) for values in kept]
    # Decoding takes about a thirtieth of the time of comparing.
    decoding, comparing = len(ids), 30 * len(ids)

    def decoded(done: int, _: int) -> None:
        if progress:
            progress(done, decoding + comparing)

    def compared(done: int, total: int) -> None:
        if progress:
            progress(decoding + done * comparing // total, decoding + comparing)

    pixels = open_pixels(dataset, input_px=FIELD_PX, store=store, progress=decoded)
    green = pixels.values[..., 1]
    overlaps = [
        Overlap(ids[first], ids[second], round(similarity, 4), round(share, 4), orientation)
        for first, second, similarity, share, orientation in compare_fields(green, compared)
    ]
    write_json(cache, [astuple(overlap) for overlap in overlaps])
    return overlaps


@contextmanager
def _one_opencv_thread() -> Iterator[None]:
    """Within the block OpenCV uses one thread per call: the fields are shared out to the cores."""
    import cv2

    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


Match = tuple[int, int, float, float, int]  # first, second, similarity, share, orientation


def compare_fields(green: npt.NDArray[np.uint8], progress: Progress | None) -> list[Match]:
    """The overlapping pairs among fields, in order.

    Args:
        green: (N, FIELD_PX, FIELD_PX) uint8.
        progress: As in `find_overlaps`.
    """
    N = len(green)
    work = 3 * N  # features, their search, and about as long at the most for what is verified
    best: dict[tuple[int, int], Match] = {}
    with _one_opencv_thread(), worker_threads() as pool:
        candidates = find_candidates(
            green, _SEEN, progress=progress and (lambda done, _: progress(done, work))
        )
        for done, match in enumerate(pool.map(partial(_verify, green), candidates), start=1):
            if match and match[2] > best.get(match[:2], (0, 0, -1.0))[2]:
                best[match[:2]] = match
            report_progress(progress, 2 * N + done * N // len(candidates), work)
    if progress:
        progress(work, work)
    return sorted(best.values())


def outside_corner(side: int) -> npt.NDArray[np.bool_]:
    """(side, side), False in the corner of the scale bar."""
    height, width = (round(px * side / FIELD_PX) for px in CORNER_PX)
    seen = np.ones((side, side), np.bool_)
    seen[side - height :, side - width :] = False
    return seen


_SEEN = outside_corner(FIELD_PX)


def _is_cut_out(field: npt.NDArray[np.uint8]) -> bool:
    """Whether a field is one cell on black, as in C-NMC."""
    return bool(np.count_nonzero(field > BLACK_LEVEL) < LIT_SHARE * field.size)


def _seen(field: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Where a field is compared: not in the corner of a scale bar, nor outside a cell on black."""
    import cv2

    if not _is_cut_out(field):
        return _SEEN
    lit = (field > BLACK_LEVEL).astype(np.uint8)
    # Two pixels less, since resizing blurs the edge of a cell into the black.
    seen: npt.NDArray[np.bool_] = cv2.erode(lit, np.ones((5, 5), np.uint8)).astype(np.bool_) & _SEEN
    return seen


def _high_pass(
    green: npt.NDArray[np.uint8], seen: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float32]:
    """A field less its own blur, zero where it is not compared."""
    values = green.astype(np.float32)
    if seen is _SEEN:
        return (values - _blur(values)) * seen
    # Of a cell on black the blur is that of the cell alone, else its outline would be compared.
    share = _blur(seen.astype(np.float32))
    blurred = _blur(values * seen) / np.maximum(share, 1e-3)
    return ((values - blurred) * seen).astype(np.float32)


def _blur(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    import cv2

    # SciPy's filter gives the same in five times the time, more than the rest of a verification.
    blurred = cv2.GaussianBlur(values, (0, 0), HIGH_PASS_PX, borderType=cv2.BORDER_REFLECT)
    return blurred.astype(np.float32, copy=False)


def _whitened_spectrum(
    values: npt.NDArray[np.float32], blur_px: float
) -> npt.NDArray[np.complex64]:
    """(H, W // 2 + 1): every frequency counts the same, but for the finest, which hold noise."""
    spectrum = scipy.fft.rfft2(values)
    rows, columns = np.fft.fftfreq(len(values))[:, None], np.fft.rfftfreq(len(values))
    blur = np.exp(-((blur_px * np.hypot(rows, columns)) ** 2) / 2)
    # The floor keeps a field without structure at zero.
    whitened: npt.NDArray[np.complex64] = blur * spectrum / (np.abs(spectrum) + 1e-3)
    return whitened.astype(np.complex64)


def _verify(green: npt.NDArray[np.uint8], candidate: Candidate) -> Match | None:
    """The overlap of a candidate; None: there is none."""
    seen = _seen(green[candidate.first]), _seen(green[candidate.second])
    first = orient(_high_pass(green[candidate.first], seen[0]), candidate.orientation)
    second = _high_pass(green[candidate.second], seen[1])
    spectra = [_whitened_spectrum(field, blur_px=5) for field in (first, second)]
    surface = scipy.fft.irfft2(spectra[0].conj() * spectra[1], s=(FIELD_PX, FIELD_PX))
    down, right = divmod(int(surface.argmax()), FIELD_PX)
    both_seen = orient(seen[0], candidate.orientation), seen[1]
    similarity, share = _best_overlap((first, second), both_seen, down, right)
    # A turned field is a copy: cameras do not turn, and single cells are round. Cells of one kind
    # on black look alike: among 5,679 that were cut out of 756 fields, those of two classes reach
    # 0.73.
    is_strict = share < SMALL_SHARE or candidate.orientation or seen[0] is not _SEEN
    limit = MIN_SIMILARITY_SMALL if is_strict else MIN_SIMILARITY
    if similarity < limit:
        return None
    return candidate.first, candidate.second, similarity, share, candidate.orientation


_Fields = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
_Masks = tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]


def _best_overlap(fields: _Fields, seen: _Masks, down: int, right: int) -> tuple[float, float]:
    """Similarity and common share of the best of the four shifts that a peak stands for.

    The transform goes round: a peak at `down` may be a shift by `down` or by `down - FIELD_PX`.
    """
    best = (-1.0, 0.0)
    for dy in (down, down - FIELD_PX):
        for dx in (right, right - FIELD_PX):
            share = (FIELD_PX - abs(dy)) * (FIELD_PX - abs(dx)) / FIELD_PX**2
            if share >= MIN_COMMON_SHARE:
                best = max(best, (_similarity(fields, seen, dy, dx), share))
    return best


def _similarity(fields: _Fields, seen: _Masks, dy: int, dx: int) -> float:
    """NCC of what both fields show when the second is the first moved by (dy, dx)."""
    of_first = _window(-dy), _window(-dx)
    of_second = _window(dy), _window(dx)
    common = seen[0][of_first] & seen[1][of_second]
    lit = min(map(np.count_nonzero, seen))
    # A few pixels are alike by chance, and none have no mean.
    least = max(MIN_COMMON_PX, MIN_COMMON_CELL * lit if lit < LIT_SHARE * FIELD_PX**2 else 0)
    if np.count_nonzero(common) < least:
        return -1.0
    a, b = fields[0][of_first][common], fields[1][of_second][common]
    a, b = a - a.mean(), b - b.mean()
    spread = np.sqrt((a @ a) * (b @ b)) / len(a)
    # Below one grey level there is nothing to compare but noise.
    return float(a @ b / len(a) / spread) if spread > 1 else -1.0


def _window(shift: int) -> slice:
    """What of an axis of FIELD_PX stays in sight after a shift."""
    return slice(max(0, shift), FIELD_PX + min(0, shift))
