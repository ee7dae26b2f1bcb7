"""Pairs of images that show a piece of the same field."""

from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.fft
from scipy import ndimage

from modelzoo.datasets.dataset import Dataset
from modelzoo.datasets.kept import VERSION, hash_values, read_json, write_json
from modelzoo.datasets.store import open_pixels
from modelzoo.parallel import Progress, report_progress, worker_threads

FIELD_PX = 224  # fields are compared at this size
COARSE_PX = 112  # of the first pass; 96 px miss twice as many, 128 px take twice as long
HIGH_PASS_PX = 12.0  # sd of what is taken away: light and stain, not cells
# The scale bars of the ALL image data set reach 33 px from the right and 31 px from below.
CORNER_PX = (36, 44)  # rows, columns at the lower right that are left out, of FIELD_PX
MIN_COMMON_SHARE = 0.12  # of the image; smaller overlaps are missed
# Seen on 504 fields, every pair at full size: true overlaps of a small area lie above 0.93, chance
# reaches 0.68; of a large area 0.61 (out of focus once) and 0.57. Looked at on both sides.
SMALL_SHARE = 0.25
MIN_SIMILARITY_SMALL = 0.8
MIN_SIMILARITY = 0.6


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two images that show a piece of the same field."""

    first: str  # image ids, in order
    second: str
    similarity: float  # NCC over the common area, [-1, 1]
    common_share: float  # of the image's area


def find_overlaps(
    dataset: Dataset, *, store: Path, progress: Progress | None = None
) -> list[Overlap]:
    """Pairs of images of unknown subject that show a piece of the same field, of any class.

    Phase correlation (Kuglin and Hines 1975) of the high-passed green channel at `COARSE_PX` for
    every pair; then, for the pairs that stand out, at `FIELD_PX`, with the normalised cross-
    correlation (NCC) over the common area, the scale bar left out. Of 147 overlaps that a search
    of every pair at full size finds among 504 fields this finds 98 %. Mirrored or turned copies
    and changes of scale are not looked for. Time grows with the square of the number, 80 us a
    pair and core: on 2 cores 504 images take about 10 seconds, 3,256 about 5 minutes.

    Args:
        dataset: From `open_dataset`.
        store: Where results that can be made again are kept.
        progress: Called now and then with the work done and how much there is.
    """
    rows = [row for row, image in enumerate(dataset.images) if not image.group]
    if len(rows) < 2:
        return []
    ids = [dataset.images[row].id for row in rows]
    cache = store / "overlaps" / f"{dataset.id}-{hash_values(ids)}-v{VERSION}.json"
    kept = read_json(cache)
    if isinstance(kept, list):
        return [Overlap(*values) for values in kept]
    green = open_pixels(dataset, input_px=FIELD_PX, store=store).values[..., 1]
    overlaps = [
        Overlap(ids[first], ids[second], round(similarity, 4), round(share, 4))
        for first, second, similarity, share in _compare_fields(green[rows], progress)
    ]
    write_json(cache, [astuple(overlap) for overlap in overlaps])
    return overlaps


Match = tuple[int, int, float, float]  # first, second, similarity, common share


def _compare_fields(green: npt.NDArray[np.uint8], progress: Progress | None) -> list[Match]:
    """The overlapping pairs among (N, FIELD_PX, FIELD_PX) uint8, in order."""
    N = len(green)
    n_pairs = N * (N - 1) // 2
    # Verified at full size: those that stand out most. Among 504 fields the best 0.8 % hold 96 %
    # of the overlaps and the best 1.6 % 98 %.
    n_verified = min(n_pairs, max(2000, n_pairs // 64))
    work = n_pairs + 16 * n_verified  # a pair at full size takes about 16 times as long
    with worker_threads() as pool:
        # float16 to hold 3,256 fields in 330 MB.
        fields = np.stack(list(pool.map(_high_pass, green)))
        coarse = np.stack(list(pool.map(_coarse_spectrum, fields)))
        peaks = np.empty(n_pairs, np.float32)
        done = 0
        for row_peaks in pool.map(partial(_peaks_of_row, coarse), range(N - 1)):
            peaks[done : done + len(row_peaks)] = row_peaks
            done += len(row_peaks)
            report_progress(progress, done, work)
        del coarse
        chosen = np.sort(np.argpartition(-peaks, n_verified - 1)[:n_verified])
        firsts, seconds = _pair_indices(chosen, N)
        matches: list[Match] = []
        starts = np.flatnonzero(np.diff(firsts, prepend=-1))
        others = np.split(seconds, starts[1:])
        rows = firsts[starts].tolist()
        for found, compared in zip(
            pool.map(partial(_verify_row, fields), rows, others), others, strict=True
        ):
            matches.extend(found)
            done += 16 * len(compared)
            if progress:
                progress(done, work)
    return matches


def outside_corner(side: int) -> npt.NDArray[np.bool_]:
    """(side, side), False in the corner of the scale bar."""
    height, width = (round(px * side / FIELD_PX) for px in CORNER_PX)
    seen = np.ones((side, side), np.bool_)
    seen[side - height :, side - width :] = False
    return seen


_SEEN = outside_corner(FIELD_PX)


def _high_pass(green: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16]:
    """A field less its own blur, zero in the corner of the scale bar."""
    values = green.astype(np.float32)
    return ((values - ndimage.gaussian_filter(values, HIGH_PASS_PX)) * _SEEN).astype(np.float16)


def _coarse_spectrum(field: npt.NDArray[np.float16]) -> npt.NDArray[np.complex64]:
    """The whitened spectrum of a field at COARSE_PX."""
    step = FIELD_PX // COARSE_PX
    values = field.astype(np.float32).reshape(COARSE_PX, step, COARSE_PX, step)
    return _whitened_spectrum(values.mean(axis=(1, 3)), blur_px=3)


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


def _peaks_of_row(spectra: npt.NDArray[np.complex64], row: int) -> npt.NDArray[np.float32]:
    """(N - row - 1,) the height of the best match of field `row` with each that follows it."""
    peaks = []
    for first in range(row + 1, len(spectra), 64):  # 64 products stay in the processor's cache
        product = spectra[row].conj() * spectra[first : first + 64]
        surface = scipy.fft.irfft2(product, s=(COARSE_PX, COARSE_PX), overwrite_x=True)
        peaks.append(surface.max(axis=(1, 2)))
    return np.concatenate(peaks).astype(np.float32)


def _pair_indices(
    positions: npt.NDArray[np.int64], n_fields: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """First and second of the pairs at `positions` of (0, 1), (0, 2), ... (1, 2), ..."""
    starts = np.concatenate([[0], np.cumsum(np.arange(n_fields - 1, 0, -1))])
    firsts = np.searchsorted(starts, positions, side="right") - 1
    return firsts, positions - starts[firsts] + firsts + 1


def _verify_row(
    fields: npt.NDArray[np.float16], row: int, others: npt.NDArray[np.int64]
) -> list[Match]:
    """The overlaps of field `row` with `others`, at full size."""
    field = fields[row].astype(np.float32)
    spectrum = _whitened_spectrum(field, blur_px=5)
    matches = []
    for other in others.tolist():
        second = fields[other].astype(np.float32)
        product = spectrum.conj() * _whitened_spectrum(second, blur_px=5)
        surface = scipy.fft.irfft2(product, s=(FIELD_PX, FIELD_PX))
        down, right = divmod(int(surface.argmax()), FIELD_PX)
        similarity, share = _best_overlap(field, second, down, right)
        limit = MIN_SIMILARITY_SMALL if share < SMALL_SHARE else MIN_SIMILARITY
        if similarity >= limit:
            matches.append((row, other, similarity, share))
    return matches


def _best_overlap(
    first: npt.NDArray[np.float32], second: npt.NDArray[np.float32], down: int, right: int
) -> tuple[float, float]:
    """Similarity and common share of the best of the four shifts that a peak stands for.

    The transform goes round: a peak at `down` may be a shift by `down` or by `down - FIELD_PX`.
    """
    best = (-1.0, 0.0)
    for dy in (down, down - FIELD_PX):
        for dx in (right, right - FIELD_PX):
            share = (FIELD_PX - abs(dy)) * (FIELD_PX - abs(dx)) / FIELD_PX**2
            if share >= MIN_COMMON_SHARE:
                best = max(best, (_similarity(first, second, dy, dx), share))
    return best


def _similarity(
    first: npt.NDArray[np.float32], second: npt.NDArray[np.float32], dy: int, dx: int
) -> float:
    """NCC of what both fields show when `second` is `first` moved by (dy, dx)."""
    of_first = _window(-dy), _window(-dx)
    of_second = _window(dy), _window(dx)
    common = _SEEN[of_first] & _SEEN[of_second]
    a, b = first[of_first][common], second[of_second][common]
    a, b = a - a.mean(), b - b.mean()
    spread = np.sqrt((a @ a) * (b @ b)) / len(a)
    # Below one grey level there is nothing to compare but noise.
    return float(a @ b / len(a) / spread) if spread > 1 else -1.0


def _window(shift: int) -> slice:
    """What of an axis of FIELD_PX stays in sight after a shift."""
    return slice(max(0, shift), FIELD_PX + min(0, shift))
